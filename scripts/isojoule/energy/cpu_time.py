"""The energy of a CPU that nothing can measure: CPU time of our processes, times a core's share of the design power.

It leaves out the idle power, the memory, the board, and how far a core's power is from its share of the thermal design
power: turbo clocks, vector units, the second thread of a core. Two runs that use the same time have the same energy,
whatever else the machine does, which a model of the whole machine's load cannot give.
"""

import os
import resource
import time
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from threading import Thread

import psutil

from isojoule.records.provenance import cpu_model

SOURCE = "CPU time x thermal design power per core"
# thermal design power per logical core where nobody knows it: near 200 W over 64 threads and 65 W over 16
DEFAULT_CORE_W = 4.0
# the kernel tells the time of children that have ended in ticks of its clock
PERIOD_S = 1 / os.sysconf("SC_CLK_TCK")
# how often to read again because a child ended meanwhile, whose time then is in two places or in none
ATTEMPTS = 5
# how often to try whether the kernel tells which number it gave out last: other programs start processes meanwhile
TRIES = 20
# a clock with longer steps stands still while a process does something
FINE_STEP_S = 1e-4

_looking_s = 0.0


def work_cpu_s() -> float:
    """Return the CPU time of this process and of its children without what this function itself takes, in seconds.

    Many children take as long to look at as some parts of the work.
    """
    global _looking_s
    began_s = time.thread_time()
    children_s = children_cpu_s()
    _looking_s += time.thread_time() - began_s
    return time.process_time() - _looking_s + children_s


def own_cpu_s() -> float:
    """Return the CPU time of this process and of its children, living and ended, in seconds.

    Time of the user and of the system counts. A process that left its parent, or whose parent wants to hear nothing of
    its end, is not found.
    """
    return time.process_time() + children_cpu_s()


def children_cpu_s() -> float:
    """Return the CPU time of the children of this process, living and ended, as `own_cpu_s` does."""
    ended_s = _of_ended_children_s()
    for _ in range(ATTEMPTS):
        before_s = ended_s
        used_s = sum(map(_of_process_s, _descendants()))
        ended_s = _of_ended_children_s()
        if ended_s == before_s:
            break
    return used_s + ended_s


def told_in_ticks_s() -> float:
    """Return the time of the ended children of our living ones, which the kernel tells in whole ticks, in seconds."""
    return sum(_of_ended_children_of_s(pid, _clock_of_s(pid)) for pid in _descendants())


@cache
def clock_step() -> float:
    """Return by how much the CPU time of this process rises at once, in seconds.

    That is less than a microsecond on most kernels. Some sandboxes, such as gVisor, tell the time in ticks of 10 ms,
    and still call the clock one of nanoseconds.
    """
    times_s = [time.process_time()]
    while len(times_s) < 4:
        if (now_s := time.process_time()) > times_s[-1]:
            times_s.append(now_s)
    # the first one is seen from its middle on
    return min(later_s - earlier_s for earlier_s, later_s in pairwise(times_s[1:]))


@cache
def core_power_w(max_power_w: float | None) -> tuple[float, str]:
    """Return the power of one busy logical core in watts, and where it is from, in words.

    With all logical cores busy, the CPUs draw their thermal design power.

    Args:
        max_power_w: thermal design power of all CPUs of the machine together, where the configuration states it.
    """
    cores = psutil.cpu_count() or 1
    if max_power_w is not None:
        return max_power_w / cores, f"{max_power_w:g} W of the configuration over {cores} cores"
    # a virtual machine has some cores of a CPU, and nobody says of how many
    listed_w = None if is_virtual() else _listed_w()
    if listed_w is not None:
        return listed_w / cores, f"{listed_w:g} W of CodeCarbon's list over {cores} cores"
    return DEFAULT_CORE_W, f"{DEFAULT_CORE_W:g} W per core"


def is_virtual() -> bool:
    """Return whether the kernel says that it runs in a virtual machine."""
    return any("hypervisor" in line.split() for line in _cpuinfo() if line.startswith("flags"))


def _of_ended_children_s() -> float:
    """Return the time of children that have ended, which have that of their own children in it."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _of_process_s(pid: int) -> float:
    """Return the time of another process and of its ended children; 0 where it has just gone."""
    own_s = _clock_of_s(pid)
    return 0.0 if own_s is None else own_s + _of_ended_children_of_s(pid, own_s)


def _clock_of_s(pid: int) -> float | None:
    """Return the time of another process alone; none where it has just gone."""
    try:
        # the number of the clock of another process, by `clock_getcpuclockid` of the C library; it has no ticks
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        # its children have another parent now
        _listed.cache_clear()
        return None


def _of_ended_children_of_s(pid: int, own_s: float | None) -> float:
    """Return the time of ended children of another process, which has used the time `own_s`; 0 where it has just gone.

    A process that has used no time since the last look has heard of no child's end.
    """
    look = _looked_up_s if clock_step() < FINE_STEP_S else _looked_up_s.__wrapped__
    return look(pid, own_s)


@lru_cache(maxsize=1024)
def _looked_up_s(pid: int, _own_s: float | None) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.children_user + times.children_system)


def _descendants() -> list[int]:
    """Return the numbers of all living processes below this one, looked up again only where others may be there."""
    return _listed(_newest_pid()) if _tells_births() else _listed.__wrapped__(None)


@lru_cache(maxsize=1)
def _listed(_newest: int | None) -> list[int]:
    """Return them; there are no others as long as `_newest` is the newest process or thread of the machine."""
    try:
        return list(_below(os.getpid()))
    except FileNotFoundError:
        # this kernel lists no children; to look through all processes takes long where there are thousands
        return [child.pid for child in psutil.Process().children(recursive=True)]


@cache
def _tells_births() -> bool:
    """Return whether the kernel tells at once which number it gave out last: some containers show an old one.

    Where others start processes all the time, this may say no in vain, which costs time alone.
    """
    for _ in range(TRIES):
        thread = Thread(target=lambda: None)
        thread.start()
        newest_pid = _newest_pid()
        thread.join()
        if newest_pid == thread.native_id:
            return True
    return False


def _newest_pid() -> int | None:
    """Return the number that the kernel gave out last to a process or thread; none where it does not tell."""
    try:
        with open("/proc/loadavg", encoding="ascii") as file:  # noqa: PTH123 - a path takes as long as the reading
            return int(file.read().split()[-1])
    except (OSError, ValueError, IndexError):
        return None


def _below(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            children = (thread / "children").read_text(encoding="ascii").split()
        except (FileNotFoundError, ProcessLookupError):
            if pid == os.getpid() and thread.name == str(pid):
                raise
            # a thread or a child that has just ended
            continue
        for child in map(int, children):
            yield child
            try:
                yield from _below(child)
            except (FileNotFoundError, ProcessLookupError):
                continue


def _listed_w() -> float | None:
    """Return the thermal design power of the machine's CPUs by CodeCarbon's list; none where they are not in it."""
    name = cpu_model()
    if name is None:
        return None
    try:
        from codecarbon.core.cpu import TDP

        # its constructor looks for more than the list
        power_w = TDP._get_cpu_power_from_registry(TDP.__new__(TDP), name)
    except Exception:
        # CodeCarbon must never end a measurement, and there is a default
        return None
    return float(power_w) * _sockets() if power_w else None


def _sockets() -> int:
    return len({line for line in _cpuinfo() if line.startswith("physical id")}) or 1


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
