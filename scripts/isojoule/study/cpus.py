"""Threads that a job will not get, told before it starts where the number of CPUs is known; the job itself refuses."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from isojoule.configuration.every_study import Gpu

SINFO_TIMEOUT_S = 10


def too_few(gpus: Mapping[str, Gpu], *, is_here: bool | None = None) -> list[str]:
    """Say which entries ask for more threads than their machine has CPUs, in sentences.

    A partition that SLURM does not tell of, and a machine that only sends jobs elsewhere, are not known: nothing is
    said of them.

    Args:
        gpus: the configuration's.
        is_here: whether the jobs run on this machine; None where nobody says, which a machine with SLURM leaves open.
    """
    sentences = []
    for name, entry in gpus.items():
        threads, partition = entry.all_threads, entry.partition
        is_on_this = is_here or (is_here is None and partition is None and shutil.which("sbatch") is None)
        cpus = of_process() if is_on_this else _of_partition(partition)
        where = "this machine" if is_on_this else f"a node of the partition {partition}"
        if cpus is not None and threads > cpus:
            sentences.append(
                f"gpus.{name}.threads: found {threads}, and {cpus} CPUs on {where}, expected one for each: a job there "
                "will refuse to measure"
            )
    return sentences


def of_process() -> int:
    """Return how many CPUs this process may use, where the system tells, else how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _of_partition(partition: str | None) -> int | None:
    """Return the most CPUs that a node of a partition has; None where SLURM does not tell."""
    if partition is None or shutil.which("sinfo") is None:
        return None
    command = ["sinfo", "--noheader", "--Node", "--partition", partition, "--format", "%c"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=SINFO_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    counts = [int(word) for word in asked.stdout.split() if word.isdigit()]
    return max(counts, default=None) if asked.returncode == 0 else None
