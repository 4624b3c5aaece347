"""What benchmarks share: rounds in which ours and its rival take turns, medians, ratios, and one JSON file each."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "scripts"))


@dataclass(frozen=True)
class Row:
    """One figure beside its floor or rival.

    Attributes:
        what: was measured.
        ours: median.
        beside: what it is held against.
        theirs: its median.
        unit: of both.
        limit: of the ratio ours / theirs, such as `<= 1.3`; nothing where there is none.
    """

    what: str
    ours: float
    beside: str
    theirs: float
    unit: str
    limit: str = ""

    @property
    def ratio(self) -> float:
        """Ours over theirs."""
        return self.ours / self.theirs

    @property
    def holds(self) -> bool | None:
        """Whether the ratio is within its limit."""
        if not self.limit:
            return None
        sign, value = self.limit.split()
        return self.ratio <= float(value) if sign == "<=" else self.ratio >= float(value)


def interleaved(rounds: int, *calls: Callable[[], float]) -> list[float]:
    """The median of what each call returns, all of them taking turns so that a slow minute is shared."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for values, call in zip(found, calls, strict=True):
            values.append(call())
    return [statistics.median(values) for values in found]


@dataclass(frozen=True)
class Ended:
    """A command that succeeded: wall time, CPU time, and the most memory that it or a child of its had."""

    wall_s: float
    cpu_s: float
    memory_mb: float


def command(words: Sequence[object], folder: Path, **environment: str) -> Ended:
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
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said.decode()
    return Ended(time.perf_counter() - began_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def run(name: str, description: str | None, measure: Callable[[int], list[Row]]) -> None:
    """Measure by hand, as a program: write `<name>.json` beside this file, print the table."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="that medians are of (default: 5)")
    options = parser.parse_args()
    rows = measure(options.rounds)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False)
    content = {
        "benchmark": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}",
        "rounds": options.rounds,
        "rows": [{**asdict(row), "ratio": row.ratio, "holds": row.holds} for row in rows],
    }
    (Path(__file__).parent / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print("\n".join(table(rows)))


def table(rows: Sequence[Row]) -> list[str]:
    """Rows as Markdown."""
    lines = ["| what | ours | beside | theirs | ratio | limit | holds |", "|---|---:|---|---:|---:|---|---|"]
    for row in rows:
        holds = {None: "", True: "yes", False: "**no**"}[row.holds]
        figures = f"{row.ours:,.3g} {row.unit} | {row.beside} | {row.theirs:,.3g} {row.unit} | {row.ratio:.2f}"
        lines.append(f"| {row.what} | {figures} | {row.limit} | {holds} |")
    return lines
