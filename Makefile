# `make demo` and `make test` do everything on a fresh machine: Python 3.11 or later is all they need.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# What is installed is decided by the lock, by the head of pyproject.toml (above the tools' settings) and by where the
# working tree lies. The stamp is named after their content: change one and `make install` runs again.
WANTED := $(shell { cat requirements.lock; sed '/^\[tool\.ruff/,$$d' pyproject.toml; echo "$(CURDIR)"; } | sha256sum | cut -c 1-16)
STAMP := $(VENV)/installed-$(WANTED)
ROWS ?= 1000000
WORKERS ?= 2

.PHONY: help install install-durable demo test kill-test kill-triggers fuzz-triggers agree-profiles bench bench-check bench-peers bench-report lint format schema errors protos rules ci lock clean

help:  ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

install: $(STAMP)  ## set up .venv with pinned versions and the command `dianjia`

$(STAMP):
	@python=$${PYTHON:-}; \
	for candidate in $$python python3 python3.13 python3.12 python3.11; do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	    python=; \
	done; \
	if [ -z "$$python" ]; then echo 'Dianjia needs Python 3.11 or later. Install it (on Debian: apt-get install python3 python3-venv), or name it: make install PYTHON=/path/to/python3' >&2; exit 1; fi; \
	if ! "$$python" -c 'import ensurepip' 2>/dev/null && ! "$$python" -m pip --version >/dev/null 2>&1; then \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo 'python3-venv is missing: installing it with apt-get'; \
	        apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; \
	    else \
	        echo 'This Python has neither ensurepip nor pip. On Debian: sudo apt-get install python3-venv' >&2; exit 1; \
	    fi; \
	fi; \
	rm -f $(VENV)/installed-*; \
	if "$$python" -c 'import ensurepip' 2>/dev/null; then \
	    "$$python" -m venv --clear $(VENV); pip=($(BIN)/python -m pip); \
	else \
	    "$$python" -m venv --clear --without-pip $(VENV); pip=("$$python" -m pip --python $(BIN)/python); \
	fi; \
	echo "installing pinned packages into $(VENV) for $$($(BIN)/python --version)"; \
	"$${pip[@]}" install --quiet --disable-pip-version-check --no-deps --no-compile --requirement requirements.lock; \
	"$${pip[@]}" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Its setup.py writes over CFLAGS and takes CPPFLAGS as they are: -O1, as its C code reads beyond an array in joins that
# others may write, and crashed above that. `make install` passes it by, for its marker in the lock: few want it.
install-durable: install  ## add durable_rules to .venv, built from source with gcc (Python 3.11 or 3.12)
	@pip=($(BIN)/python -m pip); $(BIN)/python -m pip --version >/dev/null 2>&1 || pip=(python3 -m pip --python $(BIN)/python); \
	wanted=$$(sed -n 's/^\(durable-rules==[^ ;]*\).*/\1/p' requirements.lock); \
	CPPFLAGS=-O1 "$${pip[@]}" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-cache-dir --no-binary durable-rules "$$wanted"; \
	$(BIN)/python -c 'import durable_rules_engine'

demo: install  ## bill a seeded portfolio of ROWS customers (1,000,000) over the shipped rule sets and explain one bill
	@$(BIN)/dianjia demo --rows $(ROWS)

test: install  ## run the tests
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal -p no:benchmark tests

kill-test: install  ## kill a run of four million rows a hundred times, resume it, and show that nothing is lost; some twenty minutes
	@$(BIN)/python -m tests.runs.killing $(ARGUMENTS)

kill-triggers: install  ## kill the desk of warnings fifty times in 100,000 events, and show that none is lost or doubled
	@$(BIN)/python -m tests.triggers.killing $(ARGUMENTS)

fuzz-triggers: install  ## compare all that runs triggers with the oracle, on 1,000 streams of 60 events; some five minutes
	@$(BIN)/python -m tests.triggers.fuzzing $(ARGUMENTS)

agree-profiles: install  ## compare all interpreters on ROWS random rows (1,000,000) of each score, segment and warning; an hour
	@$(BIN)/dianjia test --random $(ROWS) rules/cn/national/profiles rules/cn/national/warnings

bench: install  ## measure the bills in every way there is, 1 row to 1e7; what is not installed is told of
	@$(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-sort=name

bench-peers: install  ## set up the calculators compared with that need an environment of their own, pinned
	@$(BIN)/python -m benchmarks.environments

bench-check: install  ## measure every figure that is asked for, in some minutes; fails where one falls short
	@$(BIN)/python -m benchmarks.environments pysam >/dev/null || echo 'PySAM could not be installed: its figure is not measured' >&2
	@$(BIN)/python -m benchmarks.check $(ARGUMENTS)

bench-report: install  ## measure everything and rewrite the tables and the plot of benchmarks/README.md
	@$(BIN)/python -m benchmarks.report $(ARGUMENTS)

lint: install  ## style, formatting, types and import direction
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: install  ## let ruff put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

schema: install  ## write the JSON Schema that editors use
	@$(BIN)/dianjia schema > rules/schema.json

errors: install  ## write docs/errors.md from the catalogue
	@$(BIN)/python -m engine.service.errors_page > docs/errors.md

PROTOS = $(shell find proto/dianjia -name '*.proto' | sort)

protos: install  ## check the service's messages and write the Python stubs that are made of them
	@$(BIN)/buf lint proto
	@$(BIN)/buf breaking proto --against proto/released.binpb
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc --proto_path=proto --proto_path=proto/vendor --python_out=proto --grpc_python_out=proto \
	    --mypy_out=quiet:proto --mypy_grpc_out=quiet:proto $(PROTOS)

rules: install  ## compile the shipped rule sets and run the tests inside them
	@$(BIN)/dianjia check rules
	@$(BIN)/dianjia test rules

ci: install  ## everything that must pass before a change lands
	@.ci/run

lock:  ## resolve requirements.lock again (needs `uv`)
	@{ sed -n '/^#/p' requirements.lock; uv pip compile pyproject.toml --quiet --all-extras --universal --python-version 3.11 \
	    --no-header --no-annotate --no-emit-index-url | sed "s/^\(durable-rules==[^ ]*\) ; \(.*\)/\1 ; \2 and extra == 'durable'/"; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock

clean:  ## remove what was made
	@rm -rf $(VENV) .bench-venvs build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks .import_linter_cache
