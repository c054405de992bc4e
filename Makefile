# make          what can be made
# make PYTHON=python3.12 test    with another Python than python3

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
# What is given to pytest besides, for example: make test PYTEST="-m workflow"
PYTEST ?=
export PYTHON HYDRA_TEST_MYSQL_PORT

.PHONY: help demo test lint checks bench gui services services-stop clean environment environment-dev environment-gui
.NOTPARALLEL:

help: ## show this list
	@echo 'usage: make [PYTHON=python3] TARGET'
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

demo: environment ## set up, run the demonstration experiment and say where its pages are
	@$(BIN)/hydra demo

test: environment-dev ## set up, then lint and all tests that this machine can run
	@lint=0; $(MAKE) checks || lint=$$?; \
	echo "tests: running"; \
	$(BIN)/python -m pytest -n 2 $(PYTEST); \
	[ $$lint -eq 0 ] || { echo "tests passed, but lint did not: see above"; exit 1; }

lint: environment-dev checks ## style, types, the direction of imports, the workflow's graph

# Each check runs even when an earlier one found something: one run shows everything there is to mend. Types are checked
# against the packages of one Python, since NumPy's own types differ from version to version: a cast that one of them
# needs the other calls redundant.
checks:
	@failed=(); \
	check() { echo "lint: $$*"; "$$@" || failed+=("$$1 $$2"); }; \
	PATH="$$PWD/$(BIN):$$PATH"; \
	check ruff check --quiet .; \
	check ruff format --quiet --check .; \
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then \
		check mypy --no-error-summary; \
	else \
		echo "lint: mypy runs on Python 3.11 alone"; \
	fi; \
	check lint-imports --no-logo; \
	check cylc lint .; \
	check cylc validate --check-circular .; \
	if [ $${#failed[@]} -gt 0 ]; then printf 'lint: not clean: %s\n' "$${failed[@]}"; exit 1; fi; \
	echo "lint: clean"

bench: environment-dev ## measure: how much time and room things take here
	@$(BIN)/python -m pytest tests/bench -m bench --timeout=0 $(PYTEST)

gui: environment-gui ## set up Cylc's graphical interface too and open it
	@PATH="$$PWD/$(BIN):$$PATH" cylc gui

services: ## install and start what some tests need (MariaDB on the loopback interface, Chromium)
	@.ci/services start

services-stop: ## stop the MariaDB that make services started
	@.ci/services stop

clean: ## remove the environment and what tools left in the clone; data, passes and services stay
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find hydra_core tasks tests -name __pycache__ -type d -prune -exec rm -rf {} +

environment:
	@.ci/system-packages base
	@$(PYTHON) .ci/environment

environment-dev:
	@.ci/system-packages base
	@$(PYTHON) .ci/environment dev

environment-gui:
	@.ci/system-packages base
	@$(PYTHON) .ci/environment gui
