# `make help` lists the targets. Everything runs in .venv, made on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The version of the `train` extra. Set TORCH to a local wheel or version to use another.
TORCH ?= torch==2.13.0
MINUTES ?= 10
EXAMPLE ?= examples/ode-to-joy.png

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench fuzz soak train-extras clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
	  { echo "omr needs Python 3.10 to 3.13: set PYTHON=python3.12 or the like" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What `omr transcribe` needs, and nothing more.
$(VENV)/.base: pyproject.toml | $(BIN)/python
	$(PIP) install --editable .
	@touch $@

# All extras and the tools of development.
$(VENV)/.all: pyproject.toml | $(BIN)/python
	$(PIP) install '$(TORCH)'
	$(PIP) install --editable '.[all,dev]'
	@touch $@ $(VENV)/.base

demo: $(VENV)/.base ## Set up and transcribe a staff: its notes, MusicXML and MIDI
	$(BIN)/omr transcribe $(EXAMPLE) -o - -o demo.musicxml -o demo.mid
	@echo "read $(EXAMPLE), wrote demo.musicxml and demo.mid"

test: $(VENV)/.all ## Set up and run all tests
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.all ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.base ## Measure start-up, speed and memory
	$(BIN)/python -m tests.bench

soak: $(VENV)/.all ## Read 500 pages with a command that is killed again and again
	$(BIN)/python -m tests.soak $(ARGS)

fuzz: $(VENV)/.all ## Throw arbitrary input at what reads input, for MINUTES
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

train-extras: $(VENV)/.all ## Set up everything that synth, train and eval need
	@echo "ready: $(BIN)/omr train --help"

clean: ## Remove .venv and what the demo wrote
	rm -rf $(VENV) demo.musicxml demo.mid
