# `make` lists the commands. Each sets up what it needs; nothing has to be activated by hand.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Stages and tests call `python`, `dvc` and `sixfold` by name: those of the environment.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

# Tests of one file stay in one process, so that a trained or compiled fixture is made once.
PYTEST := pytest --numprocesses=auto --dist=loadfile
READY := .venv/.complete

.PHONY: help setup tools repro check lint test verify-all bench bench-npu bench-aarch64 bench-fits bench-profile bench-quantisation bench-start screenshots docs lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## system packages and the Python environment in .venv

$(READY): constraints.txt pyproject.toml scripts/find-python.sh scripts/install-system-packages.sh \
		scripts/setup-environment.sh
	scripts/install-system-packages.sh
	scripts/setup-environment.sh
	touch $@

tools: setup ## the environments of tools that live apart, for use without a network later; else made when first used
	python -m pipeline.tool_environments

repro: setup ## everything: data, training, export, quantisation, every enabled target, the report
	@if ! dvc repro --keep-going; then \
		echo 'Some stage failed. What was verified nevertheless: .venv/bin/sixfold report' >&2; exit 1; \
	fi
	sixfold targets

lint: setup
	ruff check .
	ruff format --check .
	mypy

check: lint ## style, types and the fast tests
	$(PYTEST) -m "not slow"

test: lint ## style, types and all tests, those that train, cross-compile and emulate included
	$(PYTEST)

verify-all: setup ## build and verify every target in targets/, enabled or not, and report on all of them
	dvc repro quantize
	failed=(); \
	for file in targets/*.yaml; do \
	  name="$$(basename "$$file" .yaml)"; \
	  sixfold build "$$name" && sixfold verify "$$name" || failed+=("$$name"); \
	done; \
	sixfold report --all; \
	if [ "$${#failed[@]}" -gt 0 ]; then echo "failed: $${failed[*]}" >&2; exit 1; fi

bench: setup ## instructions on emulated boards, times on this computer: reports/bench.json, docs/benchmarks.md
	python -m benchmarks $(ARGS)

bench-quantisation: setup ## our quantisation and others' on DATA=FOLDER: reports/quantisation.json, docs/quantisation.md
	python -m benchmarks.quantisation $(if $(DATA),--data '$(DATA)') $(ARGS)

bench-npu: setup ## what Vela makes of the benchmark networks: reports/npu.json, docs/ethos-u.md
	python -m benchmarks.npu

bench-aarch64: setup ## executed instructions of TVM, ONNX Runtime and LiteRT on emulated Arm cores: reports/aarch64.json
	python -m benchmarks.aarch64 $(ARGS)

bench-fits: setup ## which width and resolution fits each real board: reports/fits.json, docs/boards.md
	python -m benchmarks.fits

bench-profile: setup ## where the instructions of the benchmark networks go on emulated boards: reports/profile.json
	python -m benchmarks.profile $(ARGS)

bench-start: setup ## how soon every command of `sixfold` answers: reports/start.json, docs/start.md
	python -m benchmarks.start $(ARGS)

screenshots: setup ## pictures of the last report for the documentation: docs/report-*.png
	python -m benchmarks.screenshots

docs: setup ## the documentation as a site in build/docs, which needs no server
	python scripts/make_docs.py

lock: setup ## regenerate constraints.txt from pyproject.toml (UPGRADE=1 takes the newest versions)
	python scripts/lock.py $(if $(UPGRADE),--upgrade)

clean: ## remove the environment, caches and build outputs; keep data/, models/ and reports/
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
