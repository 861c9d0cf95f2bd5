# The two commands a newcomer needs are `make demo` and `make test`; `make help` lists the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Arguments handed on: `make demo ARGS=--script`, `make test ARGS=confirm`.
ARGS ?=

# Tools that setup had to fetch for this folder alone.
TOOLS := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),$(CURDIR)/target)/tools/bin
export PATH := $(TOOLS):$(PATH)

# Three tests for each processor: most of what a test does is waiting.
export NEXTEST_TEST_THREADS ?= $(shell echo $$((3 * $$(nproc))))

# Where nextest is told what to leave out for a quick run.
QUICK := not binary(/browser|crash|soak/)

# Scenes that another database could change; they run on PostgreSQL too.
ON_POSTGRES := binary(scenes) & test(/^(agreeing|approvals|bulk|calls|clicks|clocks|freezing|joining|late|linked|linking|notifying|records|restarts|ruling|step_up|telling)::/)

# Builds the tests. By itself, since it may have to fetch crates, which the line below could not.
BUILD_TESTS := cargo nextest run --workspace --all-features --no-run

# Runs tests beside a PostgreSQL server that lives as long as they do. They speak to this machine alone and trust no certificate:
# reading the machine's root certificates anew for every client was half of what most of them cost.
NEXTEST := SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/dev/null ./scripts/postgres.sh cargo nextest run --workspace --all-features

# Scenes that play a second time with interactions posted to the bot.
OVER_HTTP := binary(scenes) & test(/^(agreeing|approvals|asking|bulk|clicks|freezing|hostile|joining|linking|looking|notifying|restarts|ruling|step_up|telling)::/)

# Scenes that both could change together.
ON_BOTH := binary(scenes) & test(/^(agreeing|approvals|bulk|clicks|freezing|joining|linking|notifying|restarts|ruling|step_up|telling)::/)

.PHONY: help demo test test-quick soak bench lint setup

help: ## Show these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Try the bot with no Discord and no tenant (ARGS=--script: its scenes in the terminal)
	@./scripts/setup.sh build
	@cargo run --quiet -- demo $(ARGS)

test: ## Run every test, the browser's too, and many scenes on PostgreSQL again; installs what is missing first
	@./scripts/setup.sh test
	$(BUILD_TESTS)
	$(NEXTEST) $(ARGS)
	BED_STORE=postgres $(NEXTEST) -E '$(ON_POSTGRES)' --no-tests=pass $(ARGS)
	BED_TRANSPORT=http $(NEXTEST) -E '$(OVER_HTTP)' --no-tests=pass $(ARGS)
	BED_STORE=postgres BED_TRANSPORT=http $(NEXTEST) -E '$(ON_BOTH)' --no-tests=pass $(ARGS)
	cargo test --doc --workspace --all-features --quiet

test-quick: ## Run the tests that need no browser, each once
	@./scripts/setup.sh quick
	$(BUILD_TESTS)
	$(NEXTEST) -E '$(QUICK)' $(ARGS)

soak: ## Play 10,000 requests while everything fails, for about half an hour (ARGS=500 for so many)
	@./scripts/setup.sh quick
	SOAK_REQUESTS=$(or $(ARGS),10000) cargo test --release --workspace --test soak -- --ignored --nocapture

bench: ## Measure what docs/performance.md tells, about 40 minutes (ARGS='bulk 1000': one part of it, with its numbers)
	@./scripts/setup.sh bench
	@./scripts/bench.sh $(ARGS)

lint: ## Format, clippy, the build without the demo, rustdoc, licences and sources
	@./scripts/setup.sh lint
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo check --quiet --locked --no-default-features
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --document-private-items
	cargo deny --all-features check --hide-inclusion-graph bans licenses sources

setup: ## Install what building and testing need
	@./scripts/setup.sh test
