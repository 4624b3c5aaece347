"""The configuration, checked, and the names that all rules share."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

PROJECT = Path(str(workflow.current_basedir)).parents[1]
PYTHON = sys.executable
SCRIPTS = PROJECT / "scripts"
sys.path.insert(0, str(SCRIPTS))

from isojoule import cells, configuration, workloads
from isojoule.errors import InputError

try:
    config = configuration.check(config)
    ARCHITECTURES = cells.architectures(config)
except InputError as error:
    raise WorkflowError(str(error)) from None

WORKLOAD = workloads.load(config["workload"])
CELLS = cells.cells(config)
RESULTS = f"results/{config['study']}"
CONFIGURATION = f"{RESULTS}/configuration.yaml"
FEATURES = f"{RESULTS}/features/features.npy"
MEASUREMENTS = f"{RESULTS}/measurements.parquet"
CHECKPOINT = f"{RESULTS}/checkpoints/{{gpu}}/{{architecture}}-{{repeat}}.safetensors"
FIGURES = ["energy-flops", "energy-parameters", "energy-platforms", "energy-quality"]


wildcard_constraints:
    gpu="[^/]+",
    architecture="[^/]+",
    phase="train|test",
    repeat=r"\d+",


# every job reads this copy: editing the file while the study runs changes nothing half way
onstart:
    configuration.store(config, Path(CONFIGURATION))


onsuccess:
    shell(f"{PYTHON} {SCRIPTS}/summarize.py --config {CONFIGURATION} --records {RESULTS}/records || true")


onerror:
    shell(f"{PYTHON} {SCRIPTS}/summarize.py --config {CONFIGURATION} --records {RESULTS}/records || true")
