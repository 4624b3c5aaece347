"""The configuration, checked, and the names that all rules share."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(str(workflow.current_basedir)).parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

# in the environment rather than in the commands: a moved checkout or interpreter must not measure anything again
shell.prefix(
    f"export SCRIPTS='{SCRIPTS}' PATH='{Path(sys.executable).parent}':$PATH; set -euo pipefail; "
)

from isojoule import cells, configuration, workloads
from isojoule.errors import InputError
from isojoule.files import check_writable

try:
    config = configuration.check(config)
    ARCHITECTURES = cells.architectures(config)
    RESULTS = f"results/{config['study']}"
    check_writable(Path(RESULTS))
except InputError as error:
    raise WorkflowError(str(error)) from None

WORKLOAD = workloads.load(config["workload"])
CELLS = cells.cells(config)
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


def cell_slice(phase):
    """The part of the configuration that decides a cell, as a parameter: when it changes, the cell runs again."""
    return lambda wildcards: cells.cell_slice(
        config,
        cells.Cell(wildcards.gpu, wildcards.architecture, phase, int(wildcards.repeat)),
        ARCHITECTURES,
    )


def gpu_entry(key):
    """A key of the GPU's entry in the configuration."""
    return lambda wildcards: config["gpus"][wildcards.gpu].get(key, "")


# every job reads this copy: editing the file while the study runs changes nothing half way
onstart:
    configuration.store(config, Path(CONFIGURATION))


onsuccess:
    shell(
        f"python $SCRIPTS/summarize.py --config {CONFIGURATION} --records {RESULTS}/records || true"
    )


onerror:
    shell(
        f"python $SCRIPTS/summarize.py --config {CONFIGURATION} --records {RESULTS}/records || true"
    )
