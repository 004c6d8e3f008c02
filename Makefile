# One virtual environment serves every target. PYTHON picks the interpreter it is made with (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: install reproduce test test-crash test-load test-external fuzz lint docs bench bench-frameworks bench-cluster results clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Seamline needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,docs,cluster,export,serve]'
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

# The documentation site, in build/docs. Every warning is an error; nothing is downloaded.
docs: install
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky --fresh-env --quiet docs build/docs
	@echo "The documentation: build/docs/index.html"

# Over an hour: the pages benchmarks, near-duplicates, large-sets and, with SEAMLINE_DATA set, export of docs/measurements.
bench: install
	$(BIN)/python bench/benchmarks.py
	$(BIN)/python bench/near_duplicates.py
	$(BIN)/python bench/large_sets.py
	@test -z "$$SEAMLINE_DATA" || $(BIN)/python bench/inference.py

# Other frameworks on the same work, in an environment of their own.
FRAMEWORKS := .venv-frameworks
bench-frameworks: install
	@echo "This installs about 8 GB into $(FRAMEWORKS): PyTorch with torchvision (with CUDA, on Linux), Lightning, fastai, Keras on TensorFlow."
	test -x $(FRAMEWORKS)/bin/python || $(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement bench/baselines/requirements.txt --editable .
	$(BIN)/python bench/benchmarks.py --peers $(FRAMEWORKS)/bin/python

# About three quarters of an hour: kills trainings at random and compares, for docs/measurements/reliability.md.
test-crash: install
	$(BIN)/python bench/crash_test.py
	$(BIN)/python bench/distributed.py

# Ten minutes of mixed load on the web server, with the real images, for docs/measurements/reliability.md.
test-load: install
	$(BIN)/python bench/load_test.py

# The tests with timm and segmentation_models.pytorch, in an environment of its own: both need a torchvision of the same
# build as PyTorch. A PyTorch that is installed there already is kept.
EXTERNAL := .venv-external
test-external:
	test -x $(EXTERNAL)/bin/python || $(PYTHON) -m venv $(EXTERNAL)
	$(EXTERNAL)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,export,zoo]'
	$(EXTERNAL)/bin/python -m pytest tests/models/test_external.py

# About half an hour: damaged files for every reader, and each invalid input in turn, for docs/measurements/input-validation.md.
fuzz: install
	$(BIN)/python bench/fuzz.py
	$(BIN)/python bench/invalid_input.py

# Cost of a photo on a cluster, for docs/measurements/cluster-cost.md.
bench-cluster: install
	$(BIN)/python bench/cluster_cost.py

# Hours on two cores: docs/measurements/results.md. It resumes where it was interrupted.
results: install
	$(BIN)/python bench/results.py

clean:
	rm -rf .venv $(FRAMEWORKS) $(EXTERNAL) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
