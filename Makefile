# One virtual environment serves every target. PYTHON picks the interpreter it is made with (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: install reproduce test lint bench results clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Seamline needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

# The main job: train, measure and write the page. What is finished already is used again.
reproduce: install
	$(BIN)/seamline reproduce

test: install
	$(BIN)/python -m pytest

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Minutes: speed of the parts on this machine, and how well relatives are found.
bench: install
	$(BIN)/python bench/speed.py
	$(BIN)/python bench/relatives.py

# Hours on two cores: every figure of docs/results.md. It goes on where it was interrupted.
results: install
	$(BIN)/python bench/results.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
