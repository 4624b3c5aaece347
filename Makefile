# Two commands do everything on a fresh machine: make demo, make test.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test install lint schema

# sets up, then runs the demo study to its report
demo: install
	$(BIN)/snakemake --configfile config/demo.yaml
	@echo
	@echo "report:  results/demo/report.html"
	@echo "figures: results/demo/figures/"
	@echo "table:   results/demo/measurements.csv, explained in results/demo/data-dictionary.csv"

# sets up, then passes the tests
test: install lint
	$(BIN)/pytest

install: .venv/installed

.venv/installed: envs/constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -c envs/constraints.txt torch
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -c envs/constraints.txt -e '.[measure,workflow,test]'
	@touch $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow

# writes the published JSON schema of the records anew
schema: install
	$(BIN)/python -m isojoule.records > scripts/isojoule/schemas/record.schema.json
