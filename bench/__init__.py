"""Benchmarks: every figure is a ratio within one run, against something named. Run them with `make bench`."""
