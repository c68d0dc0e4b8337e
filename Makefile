# `make` alone lists the targets. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?=
IN ?=
OUT ?=
VERSION ?=
WORKERS ?= 0

# Customers' words leave the store for as long as a training run lasts.
STORED := --corrections var/corrections.jsonl --comments var/comments.jsonl
FROM_STORE := trap 'rm -f var/corrections.jsonl var/comments.jsonl' EXIT; \
	$(BIN)/otklik store export-corrections var/corrections.jsonl && \
	$(BIN)/otklik store export-comments var/comments.jsonl &&

ENSURE := $(BIN)/python -m training ensure --check-only || \
	{ $(FROM_STORE) $(BIN)/python -m training ensure --corrections var/corrections.jsonl; }

.DEFAULT_GOAL := help
.PHONY: help install run backfill test check format train compare promote evaluate bench lock clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/run.stamp: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Отклик needs Python 3.11 or newer, found " + sys.version.split()[0] + "; set PYTHON=…")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

install: $(VENV)/run.stamp ## make .venv with the locked packages (the other targets do this by themselves)

run: $(VENV)/run.stamp ## serve on HOST:PORT (127.0.0.1:8000); train first when there is no model
	@$(ENSURE)
	@$(BIN)/otklik serve --host $(HOST) --port $(PORT)

backfill: $(VENV)/run.stamp ## tag years of answers: IN="files and folders" OUT=tagged.csv; goes on where it was stopped
	@test -n "$(IN)" -a -n "$(OUT)" || { echo 'give IN and OUT, such as: make backfill IN=exports OUT=tagged.csv'; exit 2; }
	@$(ENSURE)
	@$(BIN)/otklik backfill $(IN) --output $(OUT)

train: $(VENV)/run.stamp ## train a candidate on corpus and corrections, and compare it; what is in use stays in use
	@$(FROM_STORE) $(BIN)/python -m training train $(STORED)

compare: $(VENV)/run.stamp ## measure VERSION beside the model in use, and write the comparison page
	@$(FROM_STORE) $(BIN)/python -m training compare $(VERSION) $(STORED)

promote: $(VENV)/run.stamp ## put VERSION into use, unless it is significantly worse; running workers follow
	@$(BIN)/otklik models promote $(VERSION)

evaluate: $(VENV)/run.stamp ## print the model's figures beside its baselines; DATA=file.jsonl to score a file
	@$(BIN)/python -m training evaluate $(if $(DATA),--data $(DATA))

test: $(VENV)/dev.stamp ## run all tests, in this process; WORKERS=2: in two at once
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

check: $(VENV)/dev.stamp ## lint, types, directions between rooms, doctests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --doctest-modules service training --ignore training/bench/peers -q

format: $(VENV)/dev.stamp ## format the code and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev.stamp ## measure speed and memory beside peers, into var/bench.json
	$(BIN)/python -m training.bench

lock: ## renew the lock files from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --upgrade --extra training --extra build pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --upgrade --all-extras pyproject.toml -o requirements-dev.lock

clean: ## remove the environment and caches; models and data stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
