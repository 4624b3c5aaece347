"""Measure the time and memory of aggregating 100,000 records into one table.

    python benchmarks aggregation

The records are simulated by the tests' helpers, for the published study on more GPUs. The budget is a minute and two
gigabytes; the floor is to read the same files as plain JSON.
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
    """Measure the time and memory of `isojoule aggregate`."""
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
        runs = [command(words, folder) for _ in range(rounds)]
        durations_s = [run.wall_s for run in runs]
        floor_s = [timed(partial(plain, results)) for _ in range(rounds)]
    return [
        Row(f"aggregation of {count:,} records", durations_s, "a minute", [60.0], "s", "<= 1"),
        Row("its memory", [run.memory_mb for run in runs], "two gigabytes", [2000.0], "MB", "<= 1"),
        Row("its time", durations_s, "json.loads of the same files", floor_s, "s"),
    ]


def plain(results: Path) -> None:
    """Read every record and make nothing of it."""
    for path in (results / "records").rglob("*.json"):
        json.loads(path.read_text())
