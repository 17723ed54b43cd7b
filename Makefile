# Every command of the project. `make` alone lists them; each one sets up what it needs first.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Nothing of the caller's Python reaches ours, and no interpreter is downloaded.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
# Trust what the machine trusts (a company's own certificates), in uv and in node.
export UV_SYSTEM_CERTS ?= true
export NODE_USE_SYSTEM_CA ?= 1

UV_VERSION := 0.13.9
UV := .venv-tools/bin/uv
PYTHON := .venv/bin/python
TRADING := .venv/bin/trading
WEB := frontends/web
# Node comes with the Python environment (the web tools refuse older ones).
NODE := PATH="$(CURDIR)/.venv/bin:$$PATH"

# What a changed file makes stale.
MEMBERS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml apps/*/pyproject.toml crates/*/pyproject.toml)
CORE := $(shell find crates -name target -prune -o \( -name '*.rs' -o -name 'Cargo.toml' -o -path '*/python/*.py*' \) -print)
PAGES := $(shell find $(WEB) \( -name node_modules -o -name dist -o -name .angular \) -prune -o -type f -print)

.PHONY: help
help: ## List every command
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: .venv/.synced ## Install the tools and every package (quick when nothing changed)

.venv-tools/.uv-$(UV_VERSION): tools/bootstrap
	tools/bootstrap $(UV_VERSION)
	touch $@

.venv/.synced: .venv-tools/.uv-$(UV_VERSION) pyproject.toml uv.lock Cargo.toml Cargo.lock $(MEMBERS) $(CORE)
	tools/require-cargo
	$(UV) sync --locked --all-packages --python "$$(cat .venv-tools/interpreter)"
	touch $@

.PHONY: web
web: $(WEB)/dist/.built ## Build the web terminal that the gateway serves

$(WEB)/node_modules/.installed: .venv/.synced $(WEB)/package.json $(WEB)/package-lock.json
	cd $(WEB) && $(NODE) npm ci --ignore-scripts --no-audit --no-fund
	touch $@

$(WEB)/dist/.built: $(WEB)/node_modules/.installed $(PAGES)
	cd $(WEB) && $(NODE) npm run build
	touch $@

.PHONY: browser
browser: .venv/.synced ## Find or install the Chromium that the browser tests drive
	$(NODE) $(PYTHON) tools/chromium.py

.PHONY: run
run: setup web ## Start the whole platform with the demo market, and print where to look
	$(TRADING) up --demo

.PHONY: test
test: setup web browser ## Run all tests; ONLY=pytest runs one part
	$(PYTHON) tools/steps.py test $(ONLY)

.PHONY: check
check: setup $(WEB)/node_modules/.installed ## Formatters, linters, types, contracts, generated code; ONLY=mypy runs one part
	$(PYTHON) tools/steps.py check $(ONLY)

SEED ?= 1
.PHONY: soak
soak: setup web browser ## Run the full counts of the long tests (hours); SEED=7 starts the core's random commands elsewhere
	$(PYTHON) tools/steps.py soak --seed $(SEED) $(ONLY)

FUZZ_SECONDS ?= 3600
.PHONY: fuzz
fuzz: ## Fuzz the core's command encoding with a nightly compiler; FUZZ_SECONDS=60 ends it sooner
	tools/fuzz $(FUZZ_SECONDS)

.PHONY: generate
generate: setup $(WEB)/node_modules/.installed ## Rewrite all generated code from the contracts
	$(PYTHON) tools/generate_protocol.py
	$(PYTHON) tools/generate_event_schemas.py
	cd $(WEB) && $(NODE) npm run generate

.PHONY: format
format: setup $(WEB)/node_modules/.installed ## Format every source file
	.venv/bin/ruff format
	.venv/bin/ruff check --fix
	cargo fmt --all
	cd $(WEB) && $(NODE) npm run format

BENCH ?= log engine http
.PHONY: bench
bench: setup ## Run the benchmarks and print their tables; BENCH=http ARGS=--json narrows it
	for bench in $(BENCH); do $(TRADING) bench $$bench $(ARGS); done

.PHONY: screenshots
screenshots: setup web browser ## Take the documentation's pictures, from the browser tests, into docs/images
	TRADING_PICTURES=docs/images $(PYTHON) -m pytest -m browser tests/e2e

.PHONY: clean
clean: ## Remove everything that was built, installed or cached (your data in .trading stays)
	rm -rf .venv .venv-tools .cache target .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf $(WEB)/node_modules $(WEB)/dist $(WEB)/.angular
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
