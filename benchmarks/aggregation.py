"""Aggregation of 100,000 records into one table, in time and memory.

    python benchmarks aggregation

Records are the tests' simulated ones, of the published study on more GPUs; held against the budget of a minute and two
gigabytes, and against reading the same files as plain JSON.
"""

import copy
import json
import sys
import tempfile
from functools import partial
from pathlib import Path

import yaml
from suite import PROJECT, Row, command, timed

sys.path.insert(0, str(PROJECT / "tests"))

from simulated import write_results

from isojoule.study import reading

GPUS, REPEATS = 117, 10


def measure(rounds: int) -> list[Row]:
    """Time and memory of aggregate.py."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = copy.deepcopy(yaml.safe_load((PROJECT / "config" / "config.yaml").read_text(encoding="utf-8")))
        first = next(iter(content["gpus"].values()))
        content |= {"gpus": {f"gpu{number}": first for number in range(GPUS)}, "repeats": REPEATS}
        (folder / "study.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        results = folder / "results"
        count = write_results(reading.load(folder / "study.yaml"), results)
        words = [sys.executable, "-m", "isojoule", "aggregate", "--config", "study.yaml", "--results", results]
        words += ["--output", folder / "table.parquet"]
        ended = [command(words, folder) for _ in range(rounds)]
        seconds = [one.wall_s for one in ended]
        floor_s = [timed(partial(plain, results)) for _ in range(rounds)]
    return [
        Row(f"aggregation of {count:,} records", seconds, "a minute", [60.0], "s", "<= 1"),
        Row("its memory", [one.memory_mb for one in ended], "two gigabytes", [2000.0], "MB", "<= 1"),
        Row("its time", seconds, "json.loads of the same files", floor_s, "s"),
    ]


def plain(results: Path) -> None:
    """Read every record and make nothing of it."""
    for path in (results / "records").rglob("*.json"):
        json.loads(path.read_text())
