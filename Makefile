# From a fresh clone, with Python 3.11+ and a C++20 compiler and nothing else:
#   make adapt     run the main job on the embedded default
#   make test      run the tests
#   make check     format, lint, types, import rules, doctests
# Each sets up .venv first; a second call does no set-up work again.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
NATIVE := CMakeLists.txt pyproject.toml $(wildcard src/native/*)
OUTPUT ?= out/adapt

.PHONY: adapt test check format proofs benchmarks tables docs clean

adapt: $(VENV)/.core
	$(BIN)/tokencraft adapt --output $(OUTPUT)

test: $(VENV)/.dev
	$(BIN)/python -m pytest tests

check: $(VENV)/.dev
	$(BIN)/ruff format --check src tests benchmarks proofs tools
	$(BIN)/ruff check src tests benchmarks proofs tools
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --doctest-modules -q src/tokencraft

format: $(VENV)/.dev
	$(BIN)/ruff format src tests benchmarks proofs tools
	$(BIN)/ruff check --fix src tests benchmarks proofs tools

proofs: $(VENV)/.dev
	set -e; for proof in proofs/[a-z]*.py; do case $$proof in */harness.py) ;; *) $(BIN)/python $$proof;; esac; done
	$(BIN)/python tools/write_tables.py

benchmarks: $(VENV)/.bench
	set -e; for script in $$(grep -l '^if __name__' benchmarks/*.py); do $(BIN)/python $$script; done
	$(BIN)/python tools/write_tables.py

tables: $(VENV)/.dev
	$(BIN)/python tools/write_tables.py

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

$(VENV)/.core: $(NATIVE) constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: $(NATIVE) constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(VENV)/.core $@

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) install --quiet --constraint constraints.txt --editable '.[bench]'
	touch $@

$(VENV)/.docs: $(VENV)/.dev
	$(PIP) install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build out site
