# make repro   the whole pipeline: environment, dvc repro, results   (PROFILE=smoke: on a few passages)
# make test    lint, types, all tests                                 make check   its quick part
# make docs    the documentation, written anew and served on http://127.0.0.1:8000
# make gpu-check  training on this machine's GPU, against stock trl   (minutes)
# make bcg     build data/raw/bcg.pdf from its Markdown               make lock    lock the versions anew
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONWARNINGS ?= ignore
export TOKENIZERS_PARALLELISM ?= false
export DVC_NO_ANALYTICS ?= 1
export DO_NOT_TRACK ?= 1
export NO_MKDOCS_2_WARNING ?= 1

# Two workers with a thread each: threads of torch that wait for one another would take the processors from both.
PARALLEL := OMP_NUM_THREADS=1 pytest --numprocesses 2 --dist loadfile --durations 25

.PHONY: repro test check docs install bcg gpu-check lock clean

repro: $(VENV)/installed
	@$(if $(PROFILE),charter profile $(PROFILE))
	@charter params
	@dvc repro
	-@charter publish
	@charter results
	@printf '\nReport:     %s\nMLflow UI:  .venv/bin/charter ui   (then http://127.0.0.1:5000)\nPromote:    .venv/bin/charter promote udhr\n' \
		"file://$(CURDIR)/reports/index.html"

check: $(VENV)/installed
	ruff check src tests scripts benchmarks
	ruff format --check src tests scripts benchmarks
	mypy
	mkdocs build --strict --quiet
	$(PARALLEL) -m "not models and not e2e"

test: $(VENV)/installed
	ruff check src tests scripts benchmarks
	ruff format --check src tests scripts benchmarks
	mypy
	mkdocs build --strict --quiet
	dvc repro --quiet base-models
	$(PARALLEL) -m "not e2e"
	pytest tests/test_end_to_end.py

docs: $(VENV)/installed
	python scripts/build_docs.py
	mkdocs serve

install: $(VENV)/installed

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Charter needs Python 3.11 or newer: make PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

bcg: $(VENV)/installed
	python scripts/build_bcg.py

# On a machine without a network: see docs/gpus-and-clusters.md.
gpu-check: $(VENV)/installed
	python scripts/gpu_check.py run --out reports/gpu-check.json

# The CUDA packages that a Linux build of torch brings are left out: pip adds them where that build is chosen.
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet pip-tools
	$(VENV)-lock/bin/pip-compile --quiet --upgrade --strip-extras --extra dev --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file $(VENV)-lock/lock pyproject.toml
	grep -vE '^(nvidia-|cuda-|triton|#|$$)' $(VENV)-lock/lock | sed 's/+cpu$$//' > requirements.lock
	rm -r $(VENV)-lock

clean:
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache
