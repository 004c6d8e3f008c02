# One virtual environment, .venv, serves most targets. PYTHON is the interpreter it is created with (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.PHONY: install help reproduce test test-crash test-chaos test-load test-external test-minimum fuzz lint docs bench bench-frameworks bench-cluster results sbom clean

install: $(STAMP)  ## create .venv with everything that tests and documentation need

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Seamline needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt --editable '.[dev,docs,cluster,train,export,buildings]'
	touch $@

reproduce: install  ## train both models of the course study and write their reports; reuses what is finished
	$(BIN)/seamline reproduce

test: install  ## run the tests
	$(BIN)/python -m pytest

lint: install  ## run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Every warning is an error, and nothing is downloaded.
docs: install  ## build the documentation site in build/docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky --fresh-env --quiet docs build/docs
	@echo "The documentation: build/docs/index.html"

test-crash: install  ## kill trainings at random and compare the results (45 minutes; writes reliability.md)
	$(BIN)/python bench/crash_test.py
	$(BIN)/python bench/distributed.py

# A program of others, in an environment of its own, ends trainings at file events.
CHAOS := .venv-chaos
test-chaos: install  ## have ckpt-chaos end a training at each file event (594 crashes, hours; POINTS=10: 40 crashes; writes reliability.md)
	test -x $(CHAOS)/bin/python || $(PYTHON) -m venv $(CHAOS)
	$(CHAOS)/bin/python $(PIP_INSTALL) ckpt-chaos==0.1.8
	$(BIN)/python bench/checkpoint_chaos.py $(CHAOS)/bin/ckpt-chaos --points $(or $(POINTS),10000)

test-load: install  ## load the web server; needs SEAMLINE_DATA (10 minutes; writes reliability.md)
	$(BIN)/python bench/load_test.py

# timm and segmentation_models.pytorch need a torchvision of the same build as PyTorch, hence an environment of its own.
# A PyTorch that is installed there already is kept.
EXTERNAL := .venv-external
test-external:  ## run the tests with timm and segmentation_models.pytorch (installs 7 GB)
	@echo "Installing PyTorch, torchvision, timm and segmentation_models.pytorch in $(EXTERNAL): 7 GB with CUDA libraries."
	test -x $(EXTERNAL)/bin/python || $(PYTHON) -m venv $(EXTERNAL)
	$(EXTERNAL)/bin/python $(PIP_INSTALL) --editable '.[dev,export,external]'
	$(EXTERNAL)/bin/python -m pytest tests/models/test_external.py

# The lower bounds of pyproject.toml, in an environment of its own. A PyTorch of that version that is installed there is kept.
MINIMUM := .venv-minimum
test-minimum:  ## run the tests with the oldest supported versions (installs 6 GB)
	@echo "Installing the versions of constraints-minimum.txt in $(MINIMUM): 6 GB with CUDA libraries."
	test -x $(MINIMUM)/bin/python || $(PYTHON) -m venv $(MINIMUM)
	$(MINIMUM)/bin/python $(PIP_INSTALL) --constraint constraints-minimum.txt --editable '.[dev,docs,cluster,train,export,buildings]'
	$(MINIMUM)/bin/python -m pytest -W default

fuzz: install  ## pass damaged and invalid files to every reader (30 minutes; writes input-validation.md)
	$(BIN)/python bench/fuzz.py
	$(BIN)/python bench/invalid_input.py

bench: install  ## measure speed, duplicate detection, large datasets and, with SEAMLINE_DATA, exports (over an hour)
	$(BIN)/python bench/benchmarks.py
	$(BIN)/python bench/near_duplicates.py
	$(BIN)/python bench/large_sets.py
	@test -z "$$SEAMLINE_DATA" || $(BIN)/python bench/near_duplicate_accuracy.py
	@test -z "$$SEAMLINE_DATA" || $(BIN)/python bench/inference.py

FRAMEWORKS := .venv-frameworks
bench-frameworks: install  ## compare with other frameworks (installs 8 GB into an environment of its own)
	test -x $(FRAMEWORKS)/bin/python || $(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python $(PIP_INSTALL) --requirement bench/baselines/requirements.txt --editable '.[train]'
	$(BIN)/python bench/benchmarks.py --frameworks $(FRAMEWORKS)/bin/python

bench-cluster: install  ## measure the cost of a photo on a cluster; needs SEAMLINE_DATA
	$(BIN)/python bench/cluster_cost.py

results: install  ## train all models of results.md; needs SEAMLINE_DATA (hours; resumes where it was interrupted)
	$(BIN)/python bench/results.py

SBOM := .venv-sbom
sbom: install  ## list all installed packages with licenses as CycloneDX JSON in build/sbom.json
	test -x $(SBOM)/bin/python || $(PYTHON) -m venv $(SBOM)
	$(SBOM)/bin/python $(PIP_INSTALL) cyclonedx-bom
	mkdir -p build
	$(SBOM)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-file build/sbom.json $(BIN)/python

clean:  ## remove environments, caches and builds
	rm -rf .venv $(FRAMEWORKS) $(EXTERNAL) $(MINIMUM) $(CHAOS) $(SBOM) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
