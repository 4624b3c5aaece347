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

from simulated import DATA, record

from isojoule import configuration
from isojoule.cells import architectures, cells

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
        count = write(configuration.load(folder / "study.yaml"), results)
        words = [sys.executable, PROJECT / "scripts" / "aggregate.py", "--config", "study.yaml", "--results", results]
        words += ["--output", folder / "table.parquet"]
        ended = [command(words, folder) for _ in range(rounds)]
        seconds = [one.wall_s for one in ended]
        floor_s = [timed(partial(plain, results)) for _ in range(rounds)]
    return [
        Row(f"aggregation of {count:,} records", seconds, "a minute", [60.0], "s", "<= 1"),
        Row("its memory", [one.memory_mb for one in ended], "two gigabytes", [2000.0], "MB", "<= 1"),
        Row("its time", seconds, "json.loads of the same files", floor_s, "s"),
    ]


def write(study: configuration.Configuration, results: Path) -> int:
    """Records and counts of the study."""
    named = architectures(study)
    number = 0
    for number, cell in enumerate(cells(study), 1):
        path = results / "records" / cell.gpu / cell.architecture / f"{cell.phase}-{cell.repeat}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record(study, cell, 1e-3 * number).model_dump_json())
    counts = ("parameters", "deepspeed_forward_flops", "forward_flops", "backward_flops", "weights_bytes")
    counts += ("gradients_bytes", "optimizer_state_bytes", "activations_bytes", "peak_memory_bytes")
    for name, architecture in named.items():
        content = dict.fromkeys(counts, 100) | {"workload": "tagging", "architecture": name, "duration_s": 1.0}
        content |= {"family": architecture.family, "training_flops_published": 300, "training_flops_exact": 200}
        content |= {"batch_size": 8, "software": {}, "configuration_fingerprint": "x"}
        (results / "compute").mkdir(exist_ok=True)
        (results / "compute" / f"{name}.json").write_text(json.dumps(content))
    (results / "features").mkdir()
    (results / "features" / "statistics.json").write_text(json.dumps({"fingerprint": DATA}))
    return number


def plain(results: Path) -> None:
    """Read every record and make nothing of it."""
    for path in (results / "records").rglob("*.json"):
        json.loads(path.read_text())
