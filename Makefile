# Segue. `make` alone says what there is.

.DEFAULT_GOAL := help
.PHONY: help demo test check bench chaos browser docs lock clean
SHELL := /bin/bash

VENV := .venv
BIN  := $(VENV)/bin
RUN  := $(VENV)/.for-running
DEV  := $(VENV)/.for-development

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

demo: $(RUN) ## Talk to the sample company in the browser; nothing to set up
	@$(BIN)/segue demo

test: $(DEV) browser ## Run all tests
	@$(BIN)/python -m pytest $(PYTEST)

check: $(DEV) ## Formatting, types, borders between packages, docs that run, dialogs and wording
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy bot/segue adapters/segue_adapters dialogs
	@$(BIN)/python -m pytest -q tests/project/test_borders.py tests/project/test_docs.py
	@SEGUE__COMPANY__LOCALES=en,de SEGUE__VOICE__ALLOWED_DOMAINS=tarnwood.example $(BIN)/segue check

bench: $(DEV) ## Measure; ends with one JSON line
	@$(BIN)/python benchmarks/bench.py

chaos: $(DEV) ## Kill processes for longer than `make test` does
	@$(BIN)/python -m pytest -m chaos $(PYTEST)

# Browser tests take the chromium on PATH. Here one is brought where that is possible.
browser: ## Bring a Chromium for the browser tests, or say what to install
	@if command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium for the browser tests …"; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else \
	  echo "The browser tests need Chromium on PATH: install the package chromium (as root: apt-get install chromium)." >&2; \
	  [ -z "$$CI" ]; \
	fi

docs: $(DEV) ## Write the generated pages of docs/ anew
	@$(BIN)/python docs/generate.py

lock: $(DEV) ## Resolve the dependencies anew
	@$(BIN)/python .ci/lock.py

clean: ## Remove what make made (not the demo's memory in .segue)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- the environment: made once, and again when the lock or pyproject.toml has changed -------------

$(BIN)/python:
	@python=$$(.ci/python) && echo "Making $(VENV) with $$($$python --version) …" && $$python -m venv $(VENV)

$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Segue needs into $(VENV) (once) …"
	@sed '/^# -- development/,$$d' requirements.lock > $(VENV)/running.txt
	@.ci/install $(BIN)/python $(VENV)/running.txt
	@touch $@

$(DEV): $(RUN)
	@echo "Installing the tools for tests into $(VENV) (once) …"
	@.ci/install $(BIN)/python requirements.lock
	@touch $@
