# One virtual environment serves every target. PYTHON picks the interpreter it is made with (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: install reproduce test lint bench bench-peers torture fire fuzz scale results clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Seamline needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,cluster,export,serve]'
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

# Over an hour: every figure of docs/benchmarks.md but those of other tools, how well relatives are found, large sets,
# and, with the real images, exported networks.
bench: install
	$(BIN)/python bench/benchmarks.py
	$(BIN)/python bench/relatives.py
	$(BIN)/python bench/large_sets.py
	@test -z "$$SEAMLINE_DATA" || $(BIN)/python bench/inference.py

# Other tools on the same work, in an environment of their own.
PEERS := .venv-peers
bench-peers: install
	@echo "This installs about 8 GB into $(PEERS): PyTorch with torchvision (with CUDA, on Linux), Lightning, fastai, Keras on TensorFlow."
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement bench/peers/requirements.txt --editable .
	$(BIN)/python bench/benchmarks.py --peers $(PEERS)/bin/python

# About three quarters of an hour: kills trainings at random and compares, for docs/reliability.md.
torture: install
	$(BIN)/python bench/torture.py
	$(BIN)/python bench/together.py

# Ten minutes of mixed load on the web server, with the real images, for docs/reliability.md.
fire: install
	$(BIN)/python bench/under_fire.py

# About half an hour: damaged files for every reader, and each bad input in turn, for docs/bad-input.md.
fuzz: install
	$(BIN)/python bench/fuzz.py
	$(BIN)/python bench/bad_input.py

# What a city costs, for docs/scale.md.
scale: install
	$(BIN)/python bench/scale.py

# Hours on two cores: every figure of docs/results.md. It goes on where it was interrupted.
results: install
	$(BIN)/python bench/results.py

clean:
	rm -rf .venv $(PEERS) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
