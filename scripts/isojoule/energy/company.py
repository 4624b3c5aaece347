"""Who else is on a GPU: what the driver's lists of processes tell, and the memory that nobody in them holds.

A container with process numbers of its own (a PID namespace) is shown its own processes alone by some drivers, and all
of them under the host's numbers by others. So a list tells that nobody else is there only outside of one, and only if
our own process is in it; that somebody is there, it tells everywhere.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

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


class Present(NamedTuple):
    """Who is on a GPU at one moment; a field is none where it is not known.

    Attributes:
        foreign_processes: processes of others that compute, those at least that are there for certain; none where
            nobody else is shown, but might be there.
        unlisted_memory_bytes: memory in use beyond what listed processes, we and the driver take: that of processes
            that a container does not show.
        drawing_processes: processes of others that draw and do not compute: a desktop, a browser.
    """

    foreign_processes: int | None
    unlisted_memory_bytes: int | None
    drawing_processes: int | None


class Company:
    """The processes on one GPU.

    Args:
        handle: the binding's.
        uuid: the GPU's.
        device: how a message names the GPU.
        own_processes: how many processes of this job compute on the GPU, this one among them; 0 where none does,
            or where each can be told by its number.
        owns: tells whether a process, by its number, is of this job; by default this process and its children are.
    """

    def __init__(
        self, handle: Any, uuid: str, device: str, own_processes: int = 1, owns: Callable[[int], bool] | None = None
    ) -> None:
        self._handle, self._uuid, self._device = handle, uuid, device
        self._own_processes, self._owns = own_processes, owns or _is_ours

    def present(self) -> Present:
        """Look who is there."""
        computing, drawing = self._listed("Compute"), self._listed("Graphics")
        if computing is not None:
            computing |= self._listed("MPSCompute") or {}
        alone = None if drawing is None else sum(not self._owns(pid) for pid in drawing.keys() - (computing or {}))
        if computing is None:
            return Present(None, None, alone)
        ours = {pid for pid in computing if self._owns(pid)}
        foreign = sum(not _is_mps_server(pid) for pid in computing.keys() - ours)
        # those of ours that are not to be seen may be there under other numbers
        foreign = max(foreign - max(self._own_processes - len(ours), 0), 0)
        is_certain = bool(foreign) or (bool(ours) and sees_all_processes())
        # who draws has memory as well
        unlisted_bytes = self._unlisted_bytes([*((drawing or {}) | computing).values()], is_listed=bool(ours))
        return Present(foreign if is_certain else None, unlisted_bytes, alone)

    def _unlisted_bytes(self, sizes: Sequence[int | None], *, is_listed: bool) -> int | None:
        memory = self._memory()
        own_bytes = 0 if is_listed or not self._own_processes else _reserved_by_torch(self._uuid)
        listed_bytes = [size for size in sizes if size is not None]
        if memory is None or own_bytes is None or len(listed_bytes) < len(sizes):
            return None
        return max(int(memory.used) - sum(listed_bytes) - own_bytes - UNLISTED_ALLOWANCE_BYTES, 0)

    def _listed(self, kind: str) -> dict[int, int | None] | None:
        """The memory of each process in one of the driver's lists; drivers before 510 have an earlier version of it."""
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


def sees_all_processes() -> bool:
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
