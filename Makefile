# The two commands everything else serves: `make demo` and `make test`. Both need only Rust (and apt).

CARGO ?= cargo
FLEET := target/debug/fleet
TESTS := --workspace --lib --bins --tests
SERVERS ?=
CHAOS_ROUNDS ?= 50
CHAOS_SEED ?= $(shell date +%s)
INSTALLED := $(or $(TEST_SERVERS_DIR),$(CURDIR)/.servers)

.PHONY: demo build test verify lint proto install-test-servers test-timescale instructions load chaos studies bench

demo: build
	$(FLEET) demo

build:
	$(CARGO) build --workspace

# All tests, against real servers that are installed first where they are missing.
test: install-test-servers
	$(CARGO) test $(TESTS) --no-fail-fast

# What a change must pass: format, lints, tests.
verify: lint test

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# The contract of the front door alone, which `make test` checks too. A change that breaks nothing is taken into the
# release by `make proto CHECK=--release`.
proto:
	testing/install.sh buf
	BUF=$(INSTALLED)/buf/node_modules/.bin/buf proto/check.sh $(CHECK)

install-test-servers:
	testing/install.sh $(SERVERS)

# The tests that need the TimescaleDB extension, which runs in a system folder of its own.
test-timescale:
	testing/install.sh timescaledb
	$(CARGO) test $(TESTS) -- --ignored timescale

# How many instructions the hot paths take, each held to its limit.
instructions:
	testing/install.sh valgrind
	benches/instructions.sh

# A thousand runs at once; times and memory are printed.
load: build install-test-servers
	$(CARGO) test --workspace --test end_to_end -- --ignored --nocapture thousand_runs

# Rounds of the job service with one fault each at a random moment: half an hour. A round is played again by its seed.
chaos: build install-test-servers
	CHAOS_ROUNDS=$(CHAOS_ROUNDS) CHAOS_SEED=$(CHAOS_SEED) \
		$(CARGO) test --workspace --test chaos -- --ignored --nocapture

# How often bounds and alerts are right, by simulation: takes minutes and prints the tables of docs/reference/studies.md.
studies:
	$(CARGO) test --workspace --test studies -- --ignored --nocapture

# This project beside Spark, Sail and DuckDB, for most of a day; benches/README.md says how to measure a part.
# For one part, or small sizes: make bench COMPARE='--suite micro' or COMPARE=--quick.
bench:
	cd benches && python3 -m compare $(COMPARE)
