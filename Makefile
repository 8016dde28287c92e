# Two commands for a newcomer: `make demo` and `make test`. Both set up what they need in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check chaos rivals reference screenshots clean

demo: $(VENV)/installed
	$(BIN)/goldstream demo

# Most tests wait more than they work, so a few workers do well on two cores; for one process: make test WORKERS=0
WORKERS ?= 3
test: $(VENV)/installed-for-tests check
	$(BIN)/pytest --numprocesses $(WORKERS)

check: $(VENV)/installed-for-tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# A long run under fire: make chaos CHAOS="posts=1000000 faults=200 seed=7"
CHAOS ?= posts=1000000 faults=200 seed=1
chaos: $(VENV)/installed-for-tests
	GOLDSTREAM_CHAOS="$(CHAOS)" $(BIN)/pytest -s --timeout 0 -o faulthandler_timeout=0 tests/chaos

# goldstream beside Spark, Quix Streams and Python loops on one topic (benchmarks/README.md)
rivals: $(VENV)/installed-for-tests
	@mkdir -p build
	$(BIN)/python benchmarks/stream/rivals.py --out build/rivals.json $(RIVALS)

reference: $(VENV)/installed-for-tests
	$(BIN)/python scripts/reference.py

screenshots: $(VENV)/installed-for-tests
	$(BIN)/python scripts/screenshots.py

clean:
	rm -rf $(VENV) build dist src/*.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "goldstream needs Python 3.11 or later; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-for-tests: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --disable-pip-version-check --quiet --no-compile --constraint constraints.txt --editable '.[test]'
	touch $@ $(VENV)/installed
