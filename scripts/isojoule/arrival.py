"""Where a job arrived: the device that is really there, held against the one that the configuration expects."""

import os
from dataclasses import dataclass
from typing import Any

import torch

from isojoule import gpus, provenance
from isojoule.errors import InputError
from isojoule.records.measurement import Gpu


class RefusedError(InputError):
    """The job is not where the configuration sends it; the message says what was found and what was expected."""


@dataclass(frozen=True)
class Arrival:
    """The device of a job.

    Attributes:
        device: where torch computes.
        gpu: the GPU behind it, none on a CPU.
    """

    device: torch.device
    gpu: Gpu | None


def arrive(name: str, entry: dict[str, Any]) -> Arrival:
    """Identify the device and take it only when it is the expected one, whole and alone.

    Args:
        name: key of the configuration's `gpus`.
        entry: that entry.

    Raises:
        RefusedError: another partition, no GPU or several, another model of GPU, one that NVML cannot read, or one that
            is split into instances, whose energy nothing reads apart.
    """
    here = f"on {provenance.hardware().hostname}"
    partition = os.environ.get("SLURM_JOB_PARTITION")
    if "partition" in entry and partition not in (None, entry["partition"]):
        raise _refused(f"gpus.{name}.partition", f"{partition} {here}", entry["partition"])
    if entry["device"] == "cpu":
        return Arrival(torch.device("cpu"), None)
    expected = entry.get("device_name", "one GPU")
    if not torch.cuda.is_available():
        raise _refused(f"gpus.{name}", f"no CUDA device {here}", expected)
    if torch.cuda.device_count() != 1:
        visible = f"{torch.cuda.device_count()} GPUs visible {here}"
        raise _refused(f"gpus.{name}", visible, "1: gres under SLURM, CUDA_VISIBLE_DEVICES elsewhere")
    try:
        (gpu,) = gpus.visible()
    except InputError as error:
        raise RefusedError(f"gpus.{name}: {error}; nothing was measured") from error
    if gpu.name != entry.get("device_name", gpu.name):
        raise _refused(f"gpus.{name}.device_name", f"{gpu.name} {here}", expected)
    if gpu.mig:
        raise _refused(f"gpus.{name}", f"{gpu.name} {here} split into instances (MIG)", "a whole board")
    return Arrival(torch.device("cuda", 0), gpu)


def _refused(key: str, found: str, expected: str) -> RefusedError:
    return RefusedError(f"{key}: found {found}, expected {expected}; nothing was measured")
