"""The configuration, checked, and the names that all rules share."""

import os
import re
import sys
from pathlib import Path

from snakemake.logging import logger

# of the workflow; the package that it calls must be the same
VERSION = "0.2.0"

try:
    import isojoule
except ImportError:
    sys.exit(
        f"error: found no package isojoule in {sys.prefix}, expected version {VERSION} beside Snakemake: "
        "pip install it there from the same place as this workflow"
    )
if isojoule.__version__ != VERSION:
    sys.exit(
        f"error: found version {isojoule.__version__} of the package isojoule in {sys.prefix}, expected {VERSION}, "
        "which this workflow is of: pip install it from the same place as this workflow"
    )

from isojoule.errors import InputError
from isojoule.figures import captions
from isojoule.files import check_writable
from isojoule.study import cells, code_fingerprint, configuration
from isojoule.study.job_failures import tell_failures
from isojoule.study.journal import retire_stale_records
from isojoule.workloads import interface

# `isojoule` is the one of this interpreter; in the environment rather than in the commands, since a moved interpreter
# must not measure anything again
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

try:
    config = configuration.check(config)
    ARCHITECTURES = cells.architectures(config)
    MEASURING_CODE = cells.block_code(config, ARCHITECTURES)
    RESULTS = f"results/{config['study']}"
    check_writable(Path(RESULTS))
    if workflow.is_main_process:
        configuration.check_files(config)
    # from one platform to another, and held-out architectures beside references
    NORMALIZABLE = len(config["gpus"]) > 1 and len(ARCHITECTURES) > 4
    FIGURES = captions.ordered(config["figures"]["order"], normalizable=NORMALIZABLE)
except InputError as error:
    # as a program says it: an exception would be told with lines of this file
    sys.exit(f"error: {error}")

if workflow.is_main_process:
    tell_failures(logger)

WORKLOAD = interface.load(config["workload"])
RECORDS = [
    f"{RESULTS}/records/{c.gpu}/{c.architecture}/{c.phase}-{c.repeat}.json"
    for c in cells.cells(config)
]
MEASUREMENTS = f"{RESULTS}/measurements.parquet"
LINKS = ("fits", "explained", "power-ratios", "claims")


# every job reads this copy: editing the file while the study runs changes nothing half way. Named by its content, and
# known to the commands as a variable, since no job but those that it decides may run again when it changes
STORED = Path(".snakemake/isojoule") / f"{cells.fingerprint(config)}.yaml"
configuration.store(config, STORED)
VARIABLE = re.sub(r"\W", "_", f"ISOJOULE_{config['study']}")
os.environ.setdefault(VARIABLE, str(STORED))
CONFIGURATION = f"${VARIABLE}"


wildcard_constraints:
    gpu="[^/]+",
    architecture="[^/]+",
    repeat=r"\d+",


def gpu_entry(key):
    """A key of the GPU's entry in the configuration, none where it is not given."""
    return lambda wildcards: config["gpus"][wildcards.gpu].get(key)


def partition(wildcards):
    """Where the GPU is; for an entry that does not say, where the profile sends everything else."""
    default = (workflow.resource_settings.default_resources or {}).get(
        "slurm_partition"
    )
    return config["gpus"][wildcards.gpu].get("partition", default and default.raw)


def slurm_extra(wildcards):
    """Options of sbatch that have no resource of their own."""
    entry = config["gpus"][wildcards.gpu]
    extra = ["--exclusive"] * entry["exclusive"] + [entry.get("slurm_extra", "")]
    return " ".join(filter(None, extra)) or None


# of SLURM; what no entry asks for is left out, since a function more per job is felt in the start of a large study
ASKED = {
    key: gpu_entry(key)
    for key in ("gres", "gpu", "gpu_model", "constraint")
    if any(key in entry for entry in config["gpus"].values())
}
if any(e["exclusive"] or e.get("slurm_extra") for e in config["gpus"].values()):
    ASKED["slurm_extra"] = slurm_extra


onstart:
    configuration.store(config, Path(RESULTS) / "configuration.yaml")
    retire_stale_records(config, Path(RESULTS))


onsuccess:
    shell(f"isojoule status {RESULTS} || true")


onerror:
    shell(f"isojoule status {RESULTS} || true")
