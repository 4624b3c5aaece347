"""What benchmarks share: rounds in which ours and a rival take turns, ratios with their spread, and timed commands."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import binom

PROJECT = Path(__file__).parents[1]
# benchmarks import isojoule from here, as the programs that they start do
sys.path.insert(0, str(PROJECT / "scripts"))


@dataclass(frozen=True)
class Row:
    """One figure beside its floor, rival or budget.

    Attributes:
        what: name of the figure.
        ours: our value in every round.
        beside: name of what ours is compared with.
        theirs: its value in the same rounds, or one value where it is a budget.
        unit: unit of both.
        limit: limit of the ratio ours / theirs, such as `<= 1.3`, or nothing where there is none.
    """

    what: str
    ours: Sequence[float]
    beside: str
    theirs: Sequence[float]
    unit: str
    limit: str = ""

    @property
    def ratios(self) -> list[float]:
        """Ours over theirs in every round, the lowest ratio first."""
        theirs = self.theirs if len(self.theirs) > 1 else [self.theirs[0]] * len(self.ours)
        return sorted(ours / beside for ours, beside in zip(self.ours, theirs, strict=True))

    @property
    def ratio(self) -> float:
        """The median ratio of the rounds."""
        return statistics.median(self.ratios)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the median, by the order of the rounds; it spans all rounds where they are few."""
        place = max(int(binom.ppf(0.025, len(self.ratios), 0.5)) - 1, 0)
        return self.ratios[place], self.ratios[-1 - place]

    @property
    def holds(self) -> str:
        """`yes` where the median is within its limit; else `no`, or `undecided` where its interval reaches within."""
        if not self.limit:
            return ""
        sign, value = self.limit.split()
        within = [
            ratio <= float(value) if sign == "<=" else ratio >= float(value) for ratio in (self.ratio, *self.interval)
        ]
        return "yes" if within[0] else "undecided" if any(within) else "no"

    def as_json(self) -> dict[str, Any]:
        """Return the row for the file of the benchmark."""
        return {
            "what": self.what,
            "ours": statistics.median(self.ours),
            "beside": self.beside,
            "theirs": statistics.median(self.theirs),
            "unit": self.unit,
            "ratio": self.ratio,
            "lowest_ratio": self.ratios[0],
            "highest_ratio": self.ratios[-1],
            "rounds": len(self.ours),
            "limit": self.limit,
            "holds": self.holds,
        }


def interleaved(rounds: int, *calls: Callable[[], float]) -> list[list[float]]:
    """Return what each call returns in every round; the calls take turns, every other round in the opposite order."""
    results: list[list[float]] = [[] for _ in calls]
    for number in range(rounds):
        for place in list(range(len(calls)))[:: -1 if number % 2 else 1]:
            results[place].append(calls[place]())
    return results


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began_s = time.perf_counter()
    call()
    return time.perf_counter() - began_s


@dataclass(frozen=True)
class Run:
    """A command that succeeded: its wall time, its CPU time, and the most memory that it or one of its children had."""

    wall_s: float
    cpu_s: float
    memory_mb: float


def command(words: Sequence[object], folder: Path, **environment: str) -> Run:
    """Run a command that must succeed."""
    began_s = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, words)),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "scripts"), **environment},
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, errors.decode()
    return Run(time.perf_counter() - began_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
