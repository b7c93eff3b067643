# Everything a developer does. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Worker processes of the tests.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

# What has been compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test fast web nano screenshots bench-web lint types check protos docs figures bench bench-serving soak clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

setup: $(READY) ## make .venv with everything that development needs

$(READY): pyproject.toml constraints.txt
	PYTHON=$(PYTHON) bash tools/system_libraries.sh
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(READY) ## lift a photo and a stereo pair into 3D and say where the results are
	@$(BIN)/vizion3d depth examples/astronaut.jpg --model nano --save png,color,ply,glb,view,json --out demo-output
	@$(BIN)/vizion3d stereo examples/motorcycle_left.jpg examples/motorcycle_right.jpg --calibration examples/motorcycle_calib.txt --save png,color,ply,glb,view,json --out demo-output
	@$(BIN)/python examples/measure_motorcycle.py
	@cat examples/after-demo.txt

test: $(READY) ## run every test, and show what of vizion3d/ they reach; fails below the floor
	bash tools/system_libraries.sh --tests
	$(PYTEST) --durations 15 --cov --cov-report term-missing:skip-covered

fast: $(READY) ## run the tests for every few minutes: no servers, browsers, child processes, full-size networks
	$(PYTEST) --durations 5 --fast -p no:schemathesis

lint: $(READY) ## style, formatting, and which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

types: $(READY) ## static types, strict; those of the web page too, where node is
	$(BIN)/mypy
	bash tools/page_types/check.sh

check: lint types test $(READY) ## everything that CI checks
	PYTHON=$(BIN)/python tools/generate_protos.sh --check

protos: $(READY) ## generate vizion3d/proto from protos/
	PYTHON=$(BIN)/python tools/generate_protos.sh

docs: $(READY) ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

figures: $(READY) ## make the pictures of README and docs
	$(BIN)/python -m tools.figures

screenshots: $(READY) ## photograph the web page for README and docs
	$(BIN)/python -m tools.screenshots

web: $(READY) ## fetch three.js, pinned, and write the colour maps into the web page
	$(BIN)/python tools/web_assets.py

nano: $(READY) ## convert nano anew, after its weights have changed
	$(BIN)/python -m tools.convert_nano

bench-web: $(READY) ## time the web page with a million points, into benchmarks/results/
	$(BIN)/python -m benchmarks.web_page

bench: $(READY) ## time the pipeline beside its peers, into benchmarks/results/
	PYTHON=$(PYTHON) bash tools/peer_environment.sh .venv-1.5.6
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.input_size
	$(BIN)/python -m benchmarks.bound
	$(BIN)/python -m benchmarks.stereo
	$(BIN)/python -m benchmarks.stereo peer
	$(BIN)/python -m tools.figures

bench-serving: $(READY) ## measure the servers, into benchmarks/results/
	$(BIN)/python -m benchmarks.serving

soak: $(READY) ## minutes of good, bad and vanishing clients on both servers
	$(BIN)/python -m benchmarks.soak

clean: ## remove what the other targets made
	rm -rf $(VENV) .venv-1.5.6 .venv-kserve site dist demo-output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
