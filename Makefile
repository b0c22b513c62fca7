# `make demo` and `make test` set everything up first and say what they install.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup setup-test setup-docs demo test lint types contracts docs check bench clean

help:
	@echo "make demo    the whole story on real code, in a terminal"
	@echo "make test    every test"
	@echo "make check   lint, types, import contracts, docs"
	@echo "make bench   the measurements"
	@echo "make docs    the documentation, into site/"

setup:
	@$(PYTHON) tools/setup.py --for run

setup-test:
	@$(PYTHON) tools/setup.py --for test

setup-docs:
	@$(PYTHON) tools/setup.py --for docs

demo: setup
	@$(BIN)/headgate demo

test: setup-test
	$(BIN)/python -m pytest -n 3 --dist loadfile

lint: setup-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup-test
	$(BIN)/pyright

contracts: setup-test
	$(BIN)/lint-imports

docs: setup-docs
	$(BIN)/mkdocs build --strict --quiet

check: lint types contracts docs

bench: setup-test
	$(BIN)/python -m bench

clean:
	rm -rf .venv .setup site
