"""The energy of a CPU that nothing can measure: CPU time of our processes, times a core's share of the design power.

It leaves out the idle power, the memory, the board, and how far a core's power is from its share of the thermal design
power: turbo clocks, vector units, the second thread of a core. Two runs that use the same time have the same energy,
whatever else the machine does, which a model of the whole machine's load cannot give.
"""

import os
import resource
import time
from functools import cache
from pathlib import Path

import psutil

from isojoule.records.provenance import cpu_model

# thermal design power per logical core where nobody knows it: near 200 W over 64 threads and 65 W over 16
DEFAULT_CORE_W = 4.0
SOURCE = "CPU time x thermal design power per core"
# the kernel tells the time of other processes in ticks of its clock
PERIOD_S = 1 / os.sysconf("SC_CLK_TCK")


def own_cpu_s() -> float:
    """Return the CPU time of this process and of its children, living and ended, in seconds."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = time.process_time() + ended.ru_utime + ended.ru_stime
    for child in psutil.Process().children(recursive=True):
        try:
            of_child = child.cpu_times()
        except psutil.Error:
            continue
        # what has ended below a child is in the times of the child
        used_s += of_child.user + of_child.system + of_child.children_user + of_child.children_system
    return used_s


@cache
def core_power_w(max_power_w: float | None) -> tuple[float, str]:
    """Return the power of one busy logical core in watts, and where it is from, in words.

    Args:
        max_power_w: thermal design power of all CPUs of the machine, where the configuration states it.
    """
    cores = os.cpu_count() or 1
    if max_power_w is not None:
        return max_power_w / cores, f"{max_power_w:g} W of the configuration over {cores} cores"
    # a virtual machine has some cores of a CPU, and nobody says of how many
    listed_w = None if is_virtual() else _listed_w()
    if listed_w is not None:
        return listed_w / cores, f"{listed_w:g} W of CodeCarbon's list over {cores} cores"
    return DEFAULT_CORE_W, f"{DEFAULT_CORE_W:g} W per core"


def is_virtual() -> bool:
    """Return whether the kernel says that it runs in a virtual machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(line.startswith("flags") and "hypervisor" in line.split() for line in lines)


def _listed_w() -> float | None:
    """Return the thermal design power of the machine's CPUs by CodeCarbon's list; none where they are not in it."""
    name = cpu_model()
    if name is None:
        return None
    from codecarbon.core.cpu import TDP

    # its constructor looks for more than the list
    power_w = TDP._get_cpu_power_from_registry(TDP.__new__(TDP), name)
    return float(power_w) * _sockets() if power_w else None


def _sockets() -> int:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 1
    return len({line for line in lines if line.startswith("physical id")}) or 1
