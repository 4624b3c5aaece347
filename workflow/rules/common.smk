"""The configuration, checked, and the names that all rules share."""

import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(str(workflow.current_basedir)).parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

# in the environment rather than in the commands: a moved checkout or interpreter must not measure anything again
os.environ["ISOJOULE_SCRIPTS"] = str(SCRIPTS)
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

from isojoule import cells, code, configuration, figures, workloads
from isojoule.errors import InputError
from isojoule.files import check_writable
from isojoule.journal import retire_stale_records

try:
    config = configuration.check(config)
    ARCHITECTURES = cells.architectures(config)
    MEASURING_CODE = cells.block_code(config, ARCHITECTURES)
    RESULTS = f"results/{config['study']}"
    check_writable(Path(RESULTS))
except InputError as error:
    raise WorkflowError(str(error)) from None

WORKLOAD = workloads.load(config["workload"])
RECORDS = [
    f"{RESULTS}/records/{c.gpu}/{c.architecture}/{c.phase}-{c.repeat}.json"
    for c in cells.cells(config)
]
CONFIGURATION = f"{RESULTS}/configuration.yaml"
MEASUREMENTS = f"{RESULTS}/measurements.parquet"


wildcard_constraints:
    gpu="[^/]+",
    architecture="[^/]+",
    repeat=r"\d+",


def gpu_entry(key):
    """A key of the GPU's entry in the configuration, none where it is not given."""
    return lambda wildcards: config["gpus"][wildcards.gpu].get(key)


def slurm_extra(wildcards):
    """Options of sbatch that have no resource of their own."""
    entry = config["gpus"][wildcards.gpu]
    extra = ["--exclusive"] * entry["exclusive"] + [entry.get("slurm_extra", "")]
    return " ".join(filter(None, extra)) or None


localrules:
    store_configuration,


# every job reads this copy: editing the file while the study runs changes nothing half way
rule store_configuration:
    output:
        CONFIGURATION,
    params:
        configuration=json.dumps(config, indent=2),
    shell:
        "printf '%s\\n' {params.configuration:q} > {output}.tmp && mv {output}.tmp {output}"


onstart:
    retire_stale_records(config, Path(RESULTS))


onsuccess:
    shell(f"python $ISOJOULE_SCRIPTS/status.py {RESULTS} || true")


onerror:
    shell(f"python $ISOJOULE_SCRIPTS/status.py {RESULTS} || true")
