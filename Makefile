# Two commands: `make demo` and `make test`. Both create or complete .venv in this folder.
# `make test-slow` runs the tests that `make test` leaves out.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Of the tests: how many processes run them side by side.
TEST_WORKERS ?= 2
# Of the demo: another model (known name, path, hub name or URL), and transformers or vllm.
LM ?=
BACKEND ?=

.PHONY: demo test test-slow lint clean

demo: $(VENV)/.demo-installed$(if $(filter vllm,$(BACKEND)),-vllm)
	$(BIN)/python examples/demo.py $(if $(LM),--lm "$(LM)") $(if $(BACKEND),--backend "$(BACKEND)")

test: $(VENV)/.test-installed
	$(BIN)/python -m pytest -m "not slow" -n $(TEST_WORKERS) $(PYTEST_ARGS)

test-slow: $(VENV)/.test-installed
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "llmal needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-installed: $(VENV)/bin/python pyproject.toml constraints-cpu.txt
	$(BIN)/python -m pip install --quiet -c constraints-cpu.txt -e ".[offline]"
	touch $@

$(VENV)/.demo-installed-vllm: $(VENV)/bin/python pyproject.toml constraints-cpu.txt .ci/install
	LLMAL_EXTRAS=offline PYTHON=$(BIN)/python sh .ci/install
	touch $@

$(VENV)/.test-installed: $(VENV)/bin/python pyproject.toml constraints-cpu.txt .ci/install
	PYTHON=$(BIN)/python sh .ci/install
	touch $@

clean:
	rm -rf $(VENV) runs build dist
