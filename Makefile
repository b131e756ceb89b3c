# make web    run the web pipeline on the sample that ships
# make pack   the same, then tokenize and pack its output into the binaries that a trainer reads
# make test   run the tests
# make check  what CI runs: lint, types, tests
# make bench  speed and quality beside peers (slow; builds environments of its own under .bench/)
#
# Each sets up .venv first. Only Python 3.11 or newer and make are needed; PYTHON=python3.12 picks another one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out

.PHONY: web pack test check bench clean
.DEFAULT_GOAL := web

web: $(VENV)/installed
	$(BIN)/proofpile2 run web --out $(OUT)

pack: web
	$(BIN)/proofpile2 run proofpile2 --component web=$(OUT)/web --leave-out arxiv code general-code general-text --out $(OUT)

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest

bench: $(VENV)/installed-dev
	$(BIN)/python bench/web.py
	$(BIN)/python bench/fidelity.py
	$(BIN)/python bench/dedup.py
	$(BIN)/python bench/classifiers.py
	$(BIN)/python bench/perplexity.py
	$(BIN)/python bench/proofsteps.py
	$(BIN)/python bench/pack.py

clean:
	rm -rf $(VENV) .bench build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,remote]'
	@touch $@ $(VENV)/installed
