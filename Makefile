# Every target makes its own .venv first; nothing is needed but python3 (3.11 or newer, with venv) and make.

PYTHON ?= python3
ARGS ?=
JOBS ?= 3
SLOW_JOBS ?= 2
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE  # the tests start hundreds of processes: compiled once, not in each
TARGETS := setup demo test check slow lock clean

.DEFAULT_GOAL := help
.PHONY: help $(TARGETS)

help:  ## show this list
	@for name in $(TARGETS); do printf '  make %-7s %s\n' "$$name" "$$(sed -n "s/^$$name:.*## //p" Makefile)"; done

setup:  ## make .venv from the lock file; does nothing when it is up to date
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "setup: there is no $(PYTHON); install Python 3.11 or newer: apt-get install python3 python3-venv" >&2; exit 1; }
	@"$(PYTHON)" tools/environment.py

demo: setup  ## the whole story on this machine; options by ARGS="--yes --fault bad-release"
	@$(BIN)/hutch demo $(ARGS)

test: setup  ## all tests but the slow ones, three files at a time (JOBS=0: one); a selection by ARGS="-k words"
	@$(BIN)/python -m pytest -q -m "not slow" -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup  ## style, types, floors, sizes, and that each test can be imported
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "format: run .venv/bin/ruff format ." >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary & types=$$!; failed=; \
	  $(BIN)/lint-imports --no-logo > .venv/floors.txt 2>&1 || { cat .venv/floors.txt; failed=1; }; \
	  $(BIN)/python -m pytest -q --collect-only > .venv/tests.txt 2>&1 || { tail -40 .venv/tests.txt; failed=1; }; \
	  wait $$types && [ -z "$$failed" ]
	@$(BIN)/python tools/ratchet.py
	@echo "check: style, types, floors and sizes hold"

slow: setup  ## the tests that take minutes, two files at a time (SLOW_JOBS=0: one)
	@$(BIN)/python -m pytest -q -m slow -n $(SLOW_JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lock: setup  ## take newer versions into requirements.lock, with hashes and without addresses
	@$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-annotate --no-header \
	  --no-emit-index-url --all-extras --group dev pyproject.toml -o requirements.lock
	@! grep -n '://' requirements.lock || { echo "lock: requirements.lock names an address (above)" >&2; exit 1; }

# Present once their folders are.
ifneq ($(wildcard bench/__main__.py),)
TARGETS += bench
.PHONY: bench
bench: setup  ## measure; options by ARGS
	@$(BIN)/python -m bench $(ARGS)
endif
ifneq ($(wildcard tests/drills/test_*.py),)
TARGETS += drills
.PHONY: drills
SEEDS ?= 1..3
WITHIN ?= 60m
drills: setup  ## every drill with SEEDS=1..3, WITHIN=60m; goes on where it ended; writes docs/reports/drills.md
	@$(BIN)/hutch drill run --all --seeds $(SEEDS) --within $(WITHIN) --resume $(ARGS) || [ $$? -eq 3 ]
	@$(BIN)/python tools/drill_report.py
endif

clean:  ## remove .venv, caches and what the demo left
	@rm -rf .venv .hutch .hutch-demo .hutch-drills .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
