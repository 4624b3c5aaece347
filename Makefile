# Two commands do everything on a fresh machine: make demo, make test.

PYTHON ?= python3
CONFIG ?= config/config.yaml
BIN := .venv/bin

.PHONY: demo test install lint schema plan profile cluster-test benchmarks pictures

# sets up, then runs the demo study to its report
demo: install
	$(BIN)/snakemake --configfile config/demo.yaml
	@echo
	@echo "report:  results/demo/report.html"
	@echo "figures: results/demo/figures/"
	@echo "table:   results/demo/measurements.csv, explained in results/demo/data-dictionary.csv"

# sets up, then passes the tests, two files at a time: most tests wait for a process of one thread
test: install lint
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

install: .venv/installed

.venv/installed: envs/constraints.txt envs/install.py pyproject.toml
	@$(PYTHON) -c '' 2> /dev/null || { echo "error: found no $(PYTHON), expected Python 3.11 or later: install it,\
	 or name one by make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("error: found Python %s, expected 3.11 or later: \
	name one by make install PYTHON=python3.12" % sys.version.split()[0])'
	@$(PYTHON) envs/install.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow

# estimates what a study will cost: make plan CONFIG=config/my-study.yaml
plan: install
	$(BIN)/isojoule plan --config $(CONFIG)

# makes `snakemake --profile slurm` work anywhere, by a link in the user's configuration of Snakemake
profile:
	@folder=$${XDG_CONFIG_HOME:-$$HOME/.config}/snakemake; mkdir -p $$folder; \
	if [ -e $$folder/slurm ] && [ ! -L $$folder/slurm ]; then \
	  echo "$$folder/slurm: found a profile of yours, expected none; rename it first" >&2; exit 1; fi; \
	ln -sfn $(CURDIR)/profiles/slurm $$folder/slurm && echo "$$folder/slurm -> $(CURDIR)/profiles/slurm"

# the workflow and its faults on a real SLURM on this machine (root, Debian)
cluster-test: install
	$(BIN)/pytest tests/slurm -m ''

# writes the published JSON schemas of records and configurations anew
schema: install
	$(BIN)/isojoule schema > workflow/schemas/record.schema.json
	$(BIN)/isojoule schema configuration > workflow/schemas/config.schema.json

# times what the project costs beside its floors and rivals, and writes the tables of benchmarks/README.md
benchmarks: install
	$(BIN)/python benchmarks

# draws the pictures of README.md again; the report's needs Debian's chromium
pictures: install
	$(BIN)/python docs/pictures/draw.py
