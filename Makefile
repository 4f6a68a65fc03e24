# 儿童主任学堂 — `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help run test check lint bench docs audit bundle clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-6s %s\n", $$1, $$2}'

run: .venv/.run ## install, build the knowledge base, fill in demonstration data, serve on 127.0.0.1:8000
	@$(BIN)/academy demo

test: .venv/.dev ## run every test (PostgreSQL and Chromium are used where the machine has them)
	$(BIN)/python -m pytest -n 2 --dist loadscope --hypothesis-profile ci

check: .venv/.dev ## before a commit: ruff, type checker, import contracts, unit and service tests on SQLite, but for the slow ones
	$(BIN)/ruff check .
	$(BIN)/python tools/punctuation.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadscope --engines sqlite --hypothesis-profile quick -m 'not slow' tests/unit tests/service

lint: .venv/.dev ## ruff, type checker, import contracts, security rules, scripts (where node is), known weaknesses of what is pinned
	$(BIN)/ruff check .
	$(BIN)/python tools/punctuation.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -ll -r question_bank training_records exam_app 2>/dev/null
	@sh tools/scripts.sh
	@sh tools/audit.sh

bench: .venv/.bench ## all benchmarks, small sizes
	$(BIN)/academy bench all

docs: .venv/.docs ## build the knowledge base strictly, with MkDocs and with Zensical
	$(BIN)/academy kb build --strict
	$(BIN)/zensical build --clean --strict

audit: .venv/.dev ## known weaknesses of the pinned dependencies (asks the advisory service of the package index)
	@sh tools/audit.sh --strict

bundle: .venv/.release ## wheels and their list (SBOM) in build/bundle, to install on a machine without a network
	@sh tools/bundle.sh $(BIN)/python

clean: ## remove the virtual environment and what was built (instance/ with its data stays)
	rm -rf .venv build

.venv/.run: pyproject.toml constraints.txt tools/bootstrap.sh
	@sh tools/bootstrap.sh "$(PYTHON)" . && touch $@

.venv/.dev: pyproject.toml constraints.txt tools/bootstrap.sh
	@sh tools/bootstrap.sh "$(PYTHON)" '.[dev]' && touch $@ .venv/.run

.venv/.release: pyproject.toml constraints.txt tools/bootstrap.sh
	@sh tools/bootstrap.sh "$(PYTHON)" '.[release]' && touch $@ .venv/.run

.venv/.bench: pyproject.toml constraints.txt tools/bootstrap.sh
	@sh tools/bootstrap.sh "$(PYTHON)" '.[bench]' && touch $@ .venv/.run

.venv/.docs: pyproject.toml constraints.txt tools/bootstrap.sh
	@sh tools/bootstrap.sh "$(PYTHON)" '.[docs]' && touch $@ .venv/.run
