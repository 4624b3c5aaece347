"""Who started this process, and which other processes belong to the same run.

torchrun, accelerate, srun and mpirun start one process per GPU. One of each node measures, and the others only run.
"""

import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from isojoule.errors import InputError
from isojoule.measuring.device_lock import MARK, remove_locks_inside

# the first of these that is set tells which process of its node this is, and how many there are
RANKS = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")
SIZES = ("LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_TASKS_PER_NODE")
# programs that start others on all nodes of a job, and those that leave this to SLURM, whose children the others are
STARTERS = ("srun", "mpirun", "mpiexec", "prun")
OF_SLURM = ("srun", "sbatch", "salloc")


@dataclass(frozen=True)
class Launch:
    """How this process was started.

    Attributes:
        local_rank: which of the processes of this node it is, from 0.
        local_size: how many there are.
        nodes: on how many nodes the run is.
        mark: what all processes of the run on this node have in their environment.
    """

    local_rank: int
    local_size: int
    nodes: int
    mark: str


def launch(environment: Mapping[str, str]) -> Launch:
    """Read from the environment how this process was started."""
    local_size = max(_numbers(environment, SIZES), default=1)
    world_size = max(_numbers(environment, ("WORLD_SIZE",)), default=local_size)
    nodes = max(_numbers(environment, ("SLURM_STEP_NUM_NODES",)), default=1)
    # who starts one process per GPU is the parent of all of them
    number = os.getppid() if local_size > 1 else os.getpid()
    # a part of a program may have parts, each with a mark of its own
    depth = [mark.rpartition("-")[2] for mark in environment.get(MARK, "").split(":")].count(str(number))
    return Launch(
        local_rank=next(iter(_numbers(environment, RANKS)), 0) if local_size > 1 else 0,
        local_size=local_size,
        nodes=max(nodes, -(-world_size // local_size)),
        mark="-".join(filter(None, (platform.node(), f"part{depth}" if depth else "", str(number)))),
    )


def check_reach(started: Launch, command: Sequence[str], environment: Mapping[str, str], gpus: int) -> None:
    """Refuse a run of which the meter would see a part only.

    Args:
        started: how this process was started.
        command: the words of the command.
        environment: of this process.
        gpus: how many GPUs this process sees.

    Raises:
        InputError: the command starts processes on other nodes, or processes beside this one use what is not read.
    """
    starter = Path(command[0]).name
    if reason := out_of_reach(starter, environment) or (None if gpus else unseen_on_cpu(starter)):
        fitting = starter if starter in STARTERS else "srun"
        raise InputError(f"{reason}, expected {fitting} isojoule run -- and your program, which measures where it runs")
    if started.local_size == 1:
        return
    if not gpus:
        raise InputError(
            f"found {started.local_size} processes on this node and no GPU; the energy of a CPU would be that of the "
            "first process alone, expected one, which starts the others: isojoule run -- torchrun, or srun --ntasks=1"
        )
    step_gpus = max(_numbers(environment, ("SLURM_GPUS_ON_NODE",)), default=0)
    if step_gpus > gpus:
        raise InputError(
            f"found {gpus} of the {step_gpus} GPUs of this node visible to the process that measures, expected all: "
            "srun --gpu-bind=none, or isojoule run -- in front of srun"
        )


def out_of_reach(starter: str, environment: Mapping[str, str]) -> str | None:
    """Say why no meter of this machine sees all that a program starts; none where one does.

    Args:
        starter: name of the program.
        environment: of this process.
    """
    job_nodes = max(_numbers(environment, ("SLURM_JOB_NUM_NODES",)), default=1)
    if starter in OF_SLURM and (starter != "srun" or "SLURM_JOB_ID" not in environment):
        return f"found {starter}, which starts your program in another job and maybe on another machine"
    if job_nodes > 1 and "SLURM_STEP_ID" not in environment and starter in STARTERS:
        return f"found {starter} in a job on {job_nodes} nodes, of which one meter reads this one alone"
    return None


def unseen_on_cpu(starter: str) -> str | None:
    """Say why the CPU time of what a program starts cannot be read; none where it can."""
    if starter not in OF_SLURM:
        return None
    return f"found {starter}, whose processes are children of SLURM, so that the CPU time they use cannot be read here"


def starters_below() -> set[str]:
    """Return which programs that start others out of our sight are running below this process."""
    names = set()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            names.add(child.name())
    return names.intersection(STARTERS)


def owner(mark: str) -> Callable[[int], bool]:
    """Make a function that tells whether a process, by its number, is of the run with this mark.

    It is where it descends from this process, has the mark in its environment, or is in the same step of SLURM.
    """
    step = _step_of("self")

    def owns(pid: int) -> bool:
        if pid == os.getpid() or mark in _marks_of(pid) or (step is not None and _step_of(str(pid)) == step):
            return True
        try:
            return any(parent.pid == os.getpid() for parent in psutil.Process(pid).parents())
        except psutil.Error:
            return False

    return owns


def marked_environment(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """Return the environment with the mark of a run, behind those of the runs around it."""
    return {**environment, MARK: ":".join(filter(None, (environment.get(MARK), mark)))}


@contextmanager
def marking(mark: str) -> Iterator[None]:
    """Mark what this process starts inside this, so that it does not wait for the end of what it is in."""
    os.environ[MARK] = marked_environment(os.environ, mark)[MARK]
    try:
        yield
    finally:
        marks = [other for other in os.environ.pop(MARK, "").split(":") if other not in ("", mark)]
        if marks:
            os.environ[MARK] = ":".join(marks)
        remove_locks_inside(mark)


def alive(mark: str) -> set[int]:
    """Return the numbers of the processes beside this one that descend from it or have the mark of its run."""
    ours = {child.pid for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE}
    marked = {pid for pid in psutil.pids() if mark in _marks_of(pid)}
    return (ours | marked) - {os.getpid()}


def _numbers(environment: Mapping[str, str], names: Sequence[str]) -> list[int]:
    """The numbers in the first of these variables that is set; SLURM writes several as in `4(x2),3`."""
    text = next((environment[name] for name in names if environment.get(name)), "")
    return [int(number) for number in re.findall(r"\d+", re.sub(r"\(x\d+\)", "", text))]


def _marks_of(pid: int) -> list[str]:
    """The marks in the environment of a process; none where it cannot be read."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
    start = f"{MARK}=".encode()
    return next((entry[len(start) :].decode().split(":") for entry in environment if entry.startswith(start)), [])


def _step_of(pid: str) -> str | None:
    """The cgroup of the step of SLURM that a process is in; none where it is in none."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return None
    step = re.search(r"/job_\d+/step_[^/\n]+", text)
    return step[0] if step else None
