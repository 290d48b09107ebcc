# One way in: people and CI run the same targets.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test coverage mutants test-minimum-engine check lint format typecheck imports lock docs sdks plugin-archives emulator bench bench-full minimum-engine clean-engines release site surface live prove prove-keep prove-nightly properties-nightly

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make .venv/ with locked packages and a Pulumi engine; quick when nothing has changed
	@$(PYTHON) scripts/setup.py

demo: setup  ## watch guards stop jobs: real pulumi up and destroy against emulated services
	@$(BIN)/python stacks/demo.py

test: setup  ## run every test
	$(BIN)/python -m pytest -n 3 --dist worksteal --cov

coverage: setup  ## run every test, and show the coverage of both packages, not of the core alone
	$(BIN)/python -m pytest -n 3 --dist worksteal --cov=translation_job_guard --cov=translation_job_emulator --cov-fail-under=0

mutants: setup  ## put mistakes into the core, one at a time, and see whether quick tests notice: make mutants ARGS="translation_job_guard.jobs*"
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/python -m scripts.mutation_score

test-minimum-engine: setup minimum-engine  ## run the tests of engine, policies and stored states on the earliest supported engine
	ENGINE_UNDER_TEST=$(CURDIR)/.venv/minimum-engine $(BIN)/python -m pytest -n 2 tests/engine tests/policy tests/unit/test_golden.py

prove: setup  ## try every order of events of a teardown, for small worlds: some minutes
	$(BIN)/python -m tests.proof

prove-keep: setup  ## the same, and keep what was explored for docs/teardown.md
	$(BIN)/python -m tests.proof --keep

prove-nightly: setup  ## the same for ever larger worlds: an hour
	$(BIN)/python -m tests.proof --nightly 60

properties-nightly: setup  ## try 100,000 examples of each property with a fresh seed: hours
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -n 2 tests/properties

check: lint typecheck imports site test prove  ## everything that CI runs

lint: setup  ## look for mistakes and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

typecheck: setup  ## check the types
	$(BIN)/mypy

imports: setup  ## check that dependencies point one way
	$(BIN)/lint-imports

lock: setup  ## renew requirements.lock
	$(BIN)/uv pip compile pyproject.toml emulator/pyproject.toml --all-extras --group dev --universal --python-version 3.10 --upgrade --no-emit-package translation-job-guard --no-emit-package translation-job-emulator --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --output-file requirements.lock

docs: setup  ## make the pages that are made from the code
	$(BIN)/python scripts/permissions_page.py
	$(BIN)/python -m scripts.cli_pages
	$(BIN)/python -m scripts.schema_page
	$(BIN)/python -m tests.proof --page

sdks: setup  ## generate, compile and pack the SDKs of the native plugin (Node.js, Python, Go) in build/sdks/
	$(BIN)/python -m scripts.sdks

plugin-archives: setup  ## make the release archives of the native plugin in build/plugin/
	$(BIN)/python -m scripts.plugin_archives

emulator: setup  ## run the emulator of both services
	$(BIN)/translation-job-guard emulator

bench: setup  ## measure teardown, start-up and policies against references: the short run, some minutes
	$(BIN)/python -m bench

bench-full: setup  ## the same, all sizes: about half an hour
	$(BIN)/python -m bench --full

minimum-engine:  ## build the earliest supported engine into .venv/minimum-engine/, beside the one in use
	@$(PYTHON) scripts/setup.py minimum-engine

clean-engines:  ## delete the engines in the per-user cache that this checkout does not use
	@$(PYTHON) scripts/setup.py clean-engines

site: setup  ## build the documentation site into build/site/; any warning is an error
	$(BIN)/python -m scripts.site

surface: setup  ## renew the list of public names; it wants each removal named in the changelog
	$(BIN)/python -m scripts.public_surface

release: setup  ## build both distributions reproducibly into dist/, with SBOMs and digests: make release ARGS=--help
	$(BIN)/python -m scripts.release $(ARGS)

live: setup  ## see what the real services do, in an account of yours; it asks first: make live ARGS="amazon --help"
	$(BIN)/python -m live $(ARGS)
