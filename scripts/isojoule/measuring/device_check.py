"""Where a job arrived: the device that is really there is compared with the one that the configuration expects."""

import os
from dataclasses import dataclass

import torch

from isojoule.configuration.every_study import Gpu as Entry
from isojoule.energy import nvml
from isojoule.errors import InputError
from isojoule.measuring.torch_build import lacks_code, old_driver, why_no_cuda
from isojoule.records import provenance
from isojoule.records.measurement import Gpu
from isojoule.study.cpus import of_process
from isojoule.workloads.precision import missing_in, missing_in_cpu, overridden


class RefusedError(InputError):
    """The job did not arrive where the configuration sends it; the message says where it did."""


@dataclass(frozen=True)
class Arrival:
    """Where a job arrived: the device that it computes on.

    Attributes:
        device: torch's device in this process.
        gpu: the GPU behind it, none on a CPU.
        others: further GPUs of the node, each for a process of its own.
    """

    device: torch.device
    gpu: Gpu | None
    others: tuple[Gpu, ...] = ()

    @property
    def gpus(self) -> list[Gpu]:
        """All GPUs of the job."""
        return [self.gpu, *self.others] if self.gpu else []


def arrive(name: str, entry: Entry, precision: str = "fp32") -> Arrival:
    """Identify the job's device, or all of its GPUs, and accept it only when it is what the configuration expects.

    Args:
        name: key of the configuration's `gpus`.
        entry: the entry under that key.
        precision: what is to be computed with: `fp32`, `tf32` or `bf16`.

    Raises:
        RefusedError: the job arrived on another partition, has fewer CPUs than threads, or finds another number of GPUs
            or another model of GPU, or a GPU that NVML cannot read, or one that is split into instances, whose energies
            no instrument reads apart; or the precision cannot be had there, or torch has no code for the GPU.
    """
    here = f"on {provenance.hardware().hostname}"
    partition = os.environ.get("SLURM_JOB_PARTITION")
    if entry.partition is not None and partition not in (None, *entry.partition.split(",")):
        raise _refused(f"gpus.{name}.partition", f"{partition} {here}", entry.partition)
    threads, cpus = entry.all_threads, of_process()
    if threads > cpus:
        raise _refused(f"gpus.{name}.threads", f"{cpus} CPUs for this job {here}", f"one for each of {threads} threads")
    if overrule := overridden(precision, entry.device):
        raise RefusedError(f"gpus.{name}.precision: {precision} cannot be had {here}: {overrule}; nothing was measured")
    if entry.device == "cpu":
        if lack := missing_in_cpu(precision, provenance.cpu_features()):
            cpu = provenance.cpu_model() or "a CPU"
            raise RefusedError(f"gpus.{name}.precision: found {cpu} {here}, {lack}; nothing was measured")
        return Arrival(torch.device("cpu"), None)
    expected = entry.device_name or "one GPU"
    if not torch.cuda.is_available():
        reasons = [why_no_cuda(), old_driver(*nvml.driver_versions(), torch.version.cuda)]
        reason = "; ".join(filter(None, reasons))
        raise _refused(f"gpus.{name}", f"no CUDA device {here} ({reason})", expected)
    if torch.cuda.device_count() != entry.devices:
        visible = f"{torch.cuda.device_count()} GPUs visible {here}"
        wanted = f"{entry.devices}: gres under SLURM, CUDA_VISIBLE_DEVICES elsewhere"
        raise _refused(f"gpus.{name}", visible, wanted)
    for number in range(entry.devices):
        properties = torch.cuda.get_device_properties(number)
        capability = properties.major, properties.minor
        if lack := lacks_code(capability, torch.cuda.get_arch_list()):
            raise RefusedError(f"gpus.{name}: found {properties.name} {here} of {lack}; nothing was measured")
        if lack := missing_in(precision, capability):
            raise RefusedError(f"gpus.{name}.precision: found {properties.name} {here}, {lack}; nothing was measured")
    try:
        gpus = nvml.visible()
    except InputError as error:
        raise RefusedError(f"gpus.{name}: {error}; nothing was measured") from error
    device_name = entry.device_name or gpus[0].name
    for gpu in gpus:
        if gpu.name != device_name:
            raise _refused(f"gpus.{name}.device_name", f"{gpu.name} {here}", device_name)
        if gpu.mig:
            raise _refused(f"gpus.{name}", f"{gpu.name} {here} split into instances (MIG)", "a whole board")
    return Arrival(torch.device("cuda", 0), gpus[0], tuple(gpus[1:]))


def _refused(key: str, found: str, expected: str) -> RefusedError:
    return RefusedError(f"{key}: found {found}, expected {expected}; nothing was measured")
