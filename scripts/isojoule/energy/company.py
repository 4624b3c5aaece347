"""Who else is on a GPU: what the driver's lists of processes tell, and the memory that nobody in them holds.

A container with process numbers of its own (a PID namespace) is shown its own processes alone by some drivers, and all
of them under the host's numbers by others. So a list tells that nobody else is there only outside of one, and only if
our own process is in it; that somebody is there, it tells everywhere.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pynvml

from isojoule.energy.nvml_queries import optional

# what the kernel calls the namespace in which every process has a number
FIRST_NAMESPACE = "pid:[4026531836]"
NAMESPACE = Path("/proc/self/ns/pid")
# it has a context for its clients, which are listed apart, and computes nothing itself
MPS_SERVER = "nvidia-cuda-mps"
# memory that the driver, and contexts that are not listed, may take without being anybody else's
UNLISTED_ALLOWANCE_BYTES = 3 * 2**29


class Company:
    """The processes on one GPU.

    Args:
        handle: the binding's.
        uuid: the GPU's.
        device: how a message names the GPU.
        own_processes: how many processes of this job compute on the GPU, this one among them.
        owns: tells whether a process, by its number, is of this job; by default this process and its children are.
    """

    def __init__(
        self, handle: Any, uuid: str, device: str, own_processes: int = 1, owns: Callable[[int], bool] | None = None
    ) -> None:
        self._handle, self._uuid, self._device = handle, uuid, device
        self._own_processes, self._owns = own_processes, owns or _is_ours

    def foreign_processes(self) -> int | None:
        """Count the processes of others that compute on the GPU, those at least that are there for certain.

        Returns:
            none where nobody else is shown, but might be there.
        """
        computing = self._computing()
        if computing is None:
            return None
        ours = sum(self._owns(pid) for pid in computing)
        others = sum(not self._owns(pid) and not _is_mps_server(pid) for pid in computing)
        # those of ours that are not to be seen may be there under other numbers
        foreign = others - max(self._own_processes - ours, 0)
        if foreign > 0:
            return foreign
        return 0 if ours and _sees_all_processes() else None

    def unlisted_memory_bytes(self) -> int | None:
        """Return the memory that is in use beyond what listed processes, we and the driver take; none if not known.

        It tells of processes that a container does not show.
        """
        computing, memory = self._computing(), self._memory()
        if computing is None or memory is None or any(size is None for size in computing.values()):
            return None
        own_bytes = 0 if any(map(self._owns, computing)) else _reserved_by_torch(self._uuid)
        if own_bytes is None:
            return None
        listed_bytes = sum(size for size in computing.values() if size is not None)
        return max(int(memory.used) - listed_bytes - own_bytes - UNLISTED_ALLOWANCE_BYTES, 0)

    def _computing(self) -> dict[int, int | None] | None:
        """The memory of each process that computes, by its number; none where the driver has no such list."""
        computing = self._listed("Compute")
        return None if computing is None else {**computing, **(self._listed("MPSCompute") or {})}

    def _listed(self, kind: str) -> dict[int, int | None] | None:
        """One of the driver's lists; drivers before 510 have an earlier version of it."""
        for version in ("v3", "v2"):
            query = getattr(pynvml, f"nvmlDeviceGet{kind}RunningProcesses_{version}")
            processes = optional(partial(query, self._handle), self._device)
            if processes is not None:
                return {process.pid: process.usedGpuMemory for process in processes}
        return None

    def _memory(self) -> Any:
        """The second version of this query does not count as used what the driver keeps to itself."""
        newer = optional(lambda: pynvml.nvmlDeviceGetMemoryInfo(self._handle, pynvml.nvmlMemory_v2), self._device)
        return newer or optional(lambda: pynvml.nvmlDeviceGetMemoryInfo(self._handle), self._device)


def _sees_all_processes() -> bool:
    """Say whether this process is in the first PID namespace, so that no process of this machine is hidden from it."""
    try:
        return str(NAMESPACE.readlink()) == FIRST_NAMESPACE
    except OSError:
        return False


def _is_ours(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        return any(parent.pid == os.getpid() for parent in psutil.Process(pid).parents())
    except psutil.Error:
        return False


def _is_mps_server(pid: int) -> bool:
    try:
        return psutil.Process(pid).name().startswith(MPS_SERVER)
    except psutil.Error:
        return False


def _reserved_by_torch(uuid: str) -> int | None:
    """The memory that torch holds for this process on a GPU; none where it holds none, as where another process does.

    This is asked only where the driver does not list our own process.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    for number in range(torch.cuda.device_count()):
        if f"GPU-{torch.cuda.get_device_properties(number).uuid}" == uuid:
            return int(torch.cuda.memory_reserved(number)) or None
    return None
