# Everything a contributor types. Each target works on a fresh clone with nothing but Python 3.11+ and make.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DOCS   := .venv-docs

.DEFAULT_GOAL := help
.PHONY: help demo demo-fleet test test-fast test-real-time test-all simulate lint types generate check-generated bench soak mutation mutation-document notebook docs package release audit api lock clean conformance

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## Run the main job against the sandbox on a real socket
	@$(BIN)/python -m ac_sms_async.cli.demo

demo-fleet: $(READY) ## Collect 20 accounts with two workers, kill one, and lose nothing
	@$(BIN)/python -m ac_sms_async.fleet.demo

# What a server sees of real time is only the client's doing while nothing else runs beside it.
ALONE := tests/pacing_at_server tests/budget/test_six_processes.py tests/storm tests/fleet/test_survival.py
# Many tests talk to real processes over real sockets. One that fails beside others is run once more by itself, in plain
# sight: what fails twice has failed.
AGAIN := --last-failed --last-failed-no-failures none

test: $(READY) ## Run the tests, with the coverage gate: all but those that need seconds of real time
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n 2 $(ALONE:%=--ignore=%) || $(BIN)/coverage run -m pytest $(AGAIN)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-fast: $(READY) ## Run the same tests without the coverage gate (TESTS="tests/transport" for some of them)
	$(BIN)/python -m pytest -n 2 $(ALONE:%=--ignore=%) $(TESTS) || $(BIN)/python -m pytest $(AGAIN)

# Everything that tries more with more time: properties, sweeps, kills, and the job with its parts taken out.
DEEPER := tests/collect/test_complete.py tests/collect/test_complete_when_broken.py tests/collect/test_kill.py \
  tests/collect/test_storable.py tests/budget/test_ledger.py tests/budget/test_file.py tests/properties \
  tests/transport/test_transport_storm.py tests/codegen/test_mutants.py

test-real-time: $(READY) ## Run the tests that need seconds of real time, and a machine to themselves: storms, pacing, drills
	$(BIN)/python -m pytest $(ALONE) || $(BIN)/python -m pytest $(AGAIN)

test-all: test test-real-time ## Run all tests, then each property in depth, 200 kills, and ten years of an account
	AC_SMS_DEEP=1 $(BIN)/python -m pytest -n 2 $(DEEPER)
	AC_SMS_DEEP=1 $(BIN)/python -m pytest tests/budget/test_six_processes.py
	@$(MAKE) simulate

SEED  ?= 1
YEARS ?= 10
simulate: $(READY) ## Let an account live and be collected for years, and hold the store against it (SEED=1 YEARS=10)
	@$(BIN)/python -m tests.collect.simulate $(SEED) $(YEARS)

lint: $(READY) ## Check style and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## Check types with mypy and pyright, and that the public types are complete
	$(BIN)/mypy
	$(BIN)/pyright
	@# It looks for the package where the first `python` of the PATH has it.
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright --verifytypes ac_sms_async --ignoreexternal

generate: ## Regenerate ac_sms_async/lowlevel from openapi.json and the overlay
	$(PYTHON) codegen/generate.py

check-generated: ## Fail if ac_sms_async/lowlevel is not what the generator makes
	$(PYTHON) codegen/generate.py --check

BENCH_READY := .venv-bench/.ready
$(BENCH_READY): benchmarks/requirements.lock pyproject.toml
	@echo "Setting up .venv-bench (once, about a minute)"
	@$(PYTHON) -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.lock
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

bench: $(BENCH_READY) ## Measure against what one would use instead (BENCH=--quick for rough numbers, or rows by name)
	@.venv-bench/bin/python -m benchmarks $(BENCH)

soak: $(READY) ## Send 200,000 requests through one client, and hold the promises about time in real time (5 minutes)
	@$(BIN)/python -m benchmarks.soak $(SOAK)
	@$(BIN)/python -m benchmarks.promises

MUTATION := .venv-mutation
$(MUTATION)/.ready: requirements-dev.lock tests/mutation.lock
	@echo "Setting up $(MUTATION) (once, about a minute)"
	@$(PYTHON) -m venv --clear $(MUTATION)
	@$(MUTATION)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock -r tests/mutation.lock
	@$(MUTATION)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

mutation: $(MUTATION)/.ready ## Change the code in thousands of small ways and count what no test notices (MUTANTS="ac_sms_async.polling*")
	@# For one change mutmut makes them all, and looks which tests reach which function.
	@$(MUTATION)/bin/mutmut run --max-children 2 ac_sms_async.transport.retry.x__aware__mutmut_1
	@$(MUTATION)/bin/python -m tests.mutation.run $(MUTANTS)

mutation-document: $(READY) ## Make every single change of the vendor's document, and count which slip through (MUTANTS=300 for some)
	@$(BIN)/python -m tests.codegen.verdicts $(MUTANTS)

NOTEBOOK := .venv-notebook
$(NOTEBOOK)/.ready: examples/requirements.lock pyproject.toml
	@echo "Setting up $(NOTEBOOK) (once, about a minute)"
	@$(PYTHON) -m venv --clear $(NOTEBOOK)
	@$(NOTEBOOK)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r examples/requirements.lock
	@$(NOTEBOOK)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

notebook: $(NOTEBOOK)/.ready ## Run the notebook of examples/, and what the docs say to pandas, Polars and DuckDB
	$(NOTEBOOK)/bin/python -m pytest tests/examples/test_notebook.py tests/docs/test_blocks.py -k notebook

$(DOCS)/.ready: docs/requirements.lock
	@$(PYTHON) -m venv --clear $(DOCS)
	@$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Where the clone comes from is where readers find the sources, if it is on the web.
docs: $(DOCS)/.ready ## Build the documentation into site/, strictly
	REPOSITORY_URL=$$(git remote get-url origin 2>/dev/null | sed -n 's/\.git$$//; /^https:\/\/[^@]*$$/p') \
	  NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet

conformance: $(READY) $(BENCH_READY) ## Let schemathesis attack the sandbox, Prism judge it and the client, and other generators' clients drive it
	$(BIN)/python -m pytest -rs tests/conformance/check_sandbox.py tests/conformance/check_prism.py \
	  tests/conformance/check_clients.py

package: $(READY) ## Build wheel and sdist, and use them in empty environments, with the oldest and newest dependencies
	$(BIN)/python -m pytest -n 2 tests/packaging/check_package.py || $(BIN)/python -m pytest $(AGAIN) tests/packaging/check_package.py

RELEASE := .venv-release
$(RELEASE)/.ready: tests/release.lock
	@$(PYTHON) -m venv --clear $(RELEASE)
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

release: package $(RELEASE)/.ready ## A dry run: build into dist/ twice and compare, check all that goes out, and say what to tag
	@$(RELEASE)/bin/python tests/packaging/release.py

audit: $(RELEASE)/.ready ## Ask an index what is known against the locked dependencies; what it doesn't know of fails, too
	@$(RELEASE)/bin/pip-audit --disable-pip --require-hashes --strict --progress-spinner off \
	  -r requirements-dev.lock -r benchmarks/requirements.lock -r codegen/requirements.lock -r docs/requirements.lock \
	  -r examples/requirements.lock -r tests/mutation.lock -r tests/release.lock

api: $(READY) ## Compare the public interface with the last release's
	@$(BIN)/python tests/packaging/api.py

lock: ## Renew the hash-checked, host-free locks (needs uv)
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --upgrade -q -o requirements-dev.lock
	uv pip compile --group docs --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --upgrade -q -o docs/requirements.lock
	uv pip compile pyproject.toml benchmarks/requirements.in --extra speedups --group bench --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -q \
	  -o benchmarks/requirements.lock
	uv pip compile pyproject.toml --extra cli --extra parquet --extra sandbox --group notebook --universal \
	  --python-version 3.11 --generate-hashes -c requirements-dev.lock --no-emit-index-url --no-header --no-annotate \
	  --upgrade -q -o examples/requirements.lock
	uv pip compile --group mutation --universal --python-version 3.11 --generate-hashes -c requirements-dev.lock \
	  --no-emit-index-url --no-header --no-annotate --upgrade -q -o tests/mutation.lock
	uv pip compile --group release --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --upgrade -q -o tests/release.lock

clean: ## Remove what the other targets made
	rm -rf .venv .venv-* build dist site htmlcov demo .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache mutants
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
