"""Check the configuration, and define the names that all rules share."""

import atexit
import getpass
import os
import re
import subprocess
import sys
from pathlib import Path

from snakemake.logging import logger

# version of this workflow, which the package that it calls must have too
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

# Snakemake asks for the name of the user, which in a container with another user's number is none
try:
    getpass.getuser()
except (KeyError, OSError):
    os.environ.update(USER=f"uid-{os.getuid()}")

from isojoule.errors import InputError
from isojoule.figures import STYLE, captions
from isojoule.files import check_writable
from isojoule.study import as_it_is, cells, code_fingerprint, cpus, reading, reruns
from isojoule.study.job_failures import tell_failures
from isojoule.study.journal import published, retire_stale_records

# PATH finds the `isojoule` of this interpreter; the commands do not name its folder, since a moved interpreter must not
# measure anything again
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

try:
    # the files of the command line, which are first in the list, overwrite those of `configfile:`
    ON_COMMAND_LINE = workflow.config_settings
    NUMBER = len(ON_COMMAND_LINE.configfiles)
    STUDY = reading.load_merged(
        config,
        [*workflow.configfiles[NUMBER:], *workflow.configfiles[:NUMBER]],
        ON_COMMAND_LINE.config,
    )
    ARCHITECTURES = cells.architectures(STUDY)
    MEASURING_CODE = reruns.block_code(STUDY, ARCHITECTURES)
    RESULTS = f"results/{STUDY.study}"
    check_writable(Path(RESULTS))
    # neither the linter nor an analysis of what is measured needs data
    if (
        workflow.is_main_process
        and "--lint" not in sys.argv
        and not as_it_is.is_asked_for()
    ):
        reading.check_files(STUDY, Path(RESULTS))
    # normalization needs a second platform, and held-out architectures beside references
    NORMALIZABLE = len(STUDY.gpus) > 1 and len(ARCHITECTURES) > 4
    # a figure that the study has no data for is none of its figures
    FACTS = [
        *cells.phases(STUDY),
        *["gpu" for entry in STUDY.gpus.values() if entry.device != "cpu"],
        *["normalizable" for _ in range(NORMALIZABLE)],
    ]
    FIGURES = captions.ordered(STUDY.figures.order, FACTS)
except InputError as error:
    # Snakemake would print lines of this file with an exception
    sys.exit(f"error: {error}")

if workflow.is_main_process:
    tell_failures(logger, RESULTS)
    as_it_is.listen_for_ctrl_c(workflow)

PHASES = cells.phases(STUDY)
ALL_RECORDS = [str(published(Path(RESULTS), cell)) for cell in cells.cells(STUDY)]
ALL_COUNTS = [f"{RESULTS}/compute/{name}.json" for name in ARCHITECTURES]
# a run that measures nothing takes what is there for all that there is
AS_IT_IS = as_it_is.is_asked_for()
RECORDS, COUNTS = (
    [path for path in paths if not AS_IT_IS or Path(path).is_file()]
    for paths in (ALL_RECORDS, ALL_COUNTS)
)
MEASUREMENTS = f"{RESULTS}/measurements.parquet"
LINKS = ("fits", "explained", "power-ratios", "claims")
# the tables of the report, below the results and without their ending
TABLES = [
    "findings",
    "tables/flags",
    *(f"compute-energy/{name}" for name in LINKS),
    *(f"pareto/{name}" for name in ("fronts", "summary", "stability")),
    *(f"normalization/{name}" for name in ("ranking", "references") if NORMALIZABLE),
    *(f"literature/{name}" for name in ("training", "waveflow")),
]


# every job reads this copy, so that editing the file while the study runs changes nothing half way; a variable stands
# for it in the commands, so that a change of its name, which is made of its content, does not run every job again
STORED = Path(".snakemake/isojoule") / f"{reruns.fingerprint(STUDY.plain())}.yaml"
reading.store(STUDY, STORED)
VARIABLE = f"ISOJOULE_{reruns.fingerprint(STUDY.study)}"
# a job that Snakemake starts reads its file anew, which somebody may have edited since: the copy stays that of the start
if (
    os.environ.setdefault(VARIABLE, str(STORED)) != str(STORED)
    and workflow.is_main_process
):
    sys.exit(
        f"error: study: found {STUDY.study} a second time in this workflow with another content, expected names that differ"
    )
CONFIGURATION = f"${VARIABLE}"


# a file of what the study does not have is made by no rule
wildcard_constraints:
    gpu="|".join(map(re.escape, STUDY.gpus)),
    architecture="|".join(map(re.escape, ARCHITECTURES)),
    repeat=r"\d+",


def gpu_entry(key):
    """Make a function that returns a key of the GPU's entry in the configuration, or None where it has none."""
    return lambda wildcards: getattr(STUDY.gpus[wildcards.gpu], key)


def partition(wildcards, **job):
    """Return the partition of the GPU's entry, or else that to which the profile sends all other jobs.

    The profile's may be quoted or an expression, which Snakemake evaluates for each job.
    """
    default = (workflow.resource_settings.default_resources or {}).get(
        "slurm_partition"
    )
    return STUDY.gpus[wildcards.gpu].partition or (
        default and default.evaluate(wildcards, **job).value
    )


def slurm_extra(wildcards):
    """Return options of sbatch that have no resource of their own."""
    entry = STUDY.gpus[wildcards.gpu]
    extra = ["--exclusive"] * entry.exclusive + [entry.slurm_extra]
    return " ".join(filter(None, extra)) or None


if workflow.is_main_process and not AS_IT_IS:
    # a run that sends its jobs elsewhere says how many at a time, not how many cores
    is_here = workflow.resource_settings.nodes is None
    for sentence in cpus.too_few(STUDY.gpus, is_here=is_here):
        logger.warning(f"warning: {sentence}")


# what jobs ask SLURM for, but only keys that an entry has: one function more per job slows the start of a large study
SLURM_RESOURCES = {
    key: gpu_entry(key)
    for key in ("gres", "gpu", "gpu_model", "constraint")
    if any(getattr(entry, key) is not None for entry in STUDY.gpus.values())
}
if any(entry.exclusive or entry.slurm_extra for entry in STUDY.gpus.values()):
    SLURM_RESOURCES["slurm_extra"] = slurm_extra


def captions_of(figures):
    """Make a function of the captions for Snakemake's own report; what asks for an input runs nothing again."""
    return lambda wildcards, input: {
        captions.FIGURES[figure].title: captions.FIGURES[figure].caption
        for figure in figures
    }


def tell_how_far():
    """Say how far the study is when this program ends, behind the last words of Snakemake."""
    atexit.register(
        subprocess.run, ["isojoule", "status", RESULTS], cwd=Path.cwd(), check=False
    )


onstart:
    reading.store(STUDY, Path(RESULTS) / "configuration.yaml")
    retire_stale_records(STUDY, Path(RESULTS))


onsuccess:
    tell_how_far()


onerror:
    tell_how_far()
    is_asked_for = any(MEASUREMENTS in job.output for job in workflow.dag.jobs)
    if (
        is_asked_for
        and not AS_IT_IS
        and not as_it_is.was_stopped(workflow.scheduler)
    ):
        as_it_is.settle(STUDY, Path(RESULTS))
        is_there = [Path(path).is_file() for path in [*ALL_RECORDS, *ALL_COUNTS]]
        if any(is_there[: len(ALL_RECORDS)]) and not all(is_there):
            as_it_is.analyse(sys.argv[1:], ALL_RECORDS)
