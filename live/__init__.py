"""A live check: what the real services do, seen in an account that its caller names. `docs/live-check.md` says more."""
