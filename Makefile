# make run    the advisor's notebook in JupyterLab (ARGS=--no-browser: only the server and its address)
# make test   everything that has to hold
SHELL := /bin/sh
.DEFAULT_GOAL := run

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check
READY := $(VENV)/.ready
ARGS ?=
UV_VERSION := 0.13.9

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13 python3.14 python,$(shell \
	$(name) -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo $(name))))

.PHONY: run test lint unit notebook-test notebooks fit bench lock format clean

run: $(READY)
	$(BIN)/advisor notebooks $(ARGS)

test: $(READY)
	sh tests/ensure_chromium.sh
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory unit
	$(MAKE) --no-print-directory notebook-test

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/nbstripout --verify --keep-id notebooks/en/*.ipynb notebooks/zh/*.ipynb

unit: $(READY)
	$(BIN)/pytest $(ARGS)

notebook-test: $(READY)
	ADVISOR_HOME=$$(mktemp -d) $(BIN)/pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=120 notebooks/en notebooks/zh

notebooks: $(READY)
	$(PY) tools/build_notebooks.py $(ARGS)

fit: $(READY)
	$(PY) tools/fit_latency.py $(ARGS)

bench: $(READY)
	$(PY) benchmarks/advise.py $(ARGS)

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Newest releases that fit pyproject.toml, for every system and Python that it names; [models] stays a choice.
lock:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: https://www.python.org/downloads/" >&2; exit 1; }
	test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && \
		.venv-lock/bin/pip --quiet --disable-pip-version-check install uv==$(UV_VERSION); }
	.venv-lock/bin/uv pip compile --quiet --universal \
		--python-version 3.11 --extra view --extra lab --extra serve --extra grpc --extra locust --extra sweep --extra dev --upgrade --no-annotate \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) .venv-lock build dist .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: https://www.python.org/downloads/" >&2; exit 1; }
	@echo "Preparing $(VENV) with $(PYTHON): a minute or two, only this once"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@$(PIP) install -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@
