"""Measure what a measuring job costs before its first window, beside importing torch.

    python benchmarks job_cost

CPU time stands beside wall time, since other processes on the machine change it less.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import yaml
from suite import PROJECT, Row, command, interleaved

FIRST_WINDOW = """
import os, runpy, sys
from isojoule.energy import meter
# stop where the first window would open
meter.Meter.__enter__ = lambda self: os._exit(0)
runpy.run_module("isojoule", run_name="__main__", alter_sys=True)
"""


def measure(rounds: int) -> list[Row]:
    """Measure the seconds until the first window."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text(encoding="utf-8"))
        content |= {
            "study": "tiny",
            "dataset": {"source": "synthetic", "train_clips": 24, "test_clips": 24},
            "architectures": {"mlp": [{"layers": 1, "hidden": 4}]},
            "gpus": {"here": {"device": "cpu"}},
            "repeats": 1,
        }
        (folder / "study.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        results = folder / "results"
        configured = ["--config", "study.yaml"]
        prepared = results / "dataset"
        command([sys.executable, "-m", "isojoule", "prepare-dataset", *configured, "--output", prepared], folder)
        extract = ["--dataset", prepared, "--output", results / "features"]
        command([sys.executable, "-m", "isojoule", "extract-features", *configured, *extract], folder)
        job = ["measure", *configured, "--gpu", "here", "--results", results]
        ways = {
            "ours": [sys.executable, "-c", FIRST_WINDOW, *job],
            "torch": [sys.executable, "-c", "import torch"],
        }
        rows = []
        for clock, attribute in (("wall", "wall_s"), ("CPU", "cpu_s")):
            calls = [partial(_seconds, words, folder, attribute) for words in ways.values()]
            ours, torch = interleaved(2 * rounds, *calls)
            floor = "`python -c 'import torch'`"
            rows.append(Row(f"process until its first window, {clock} time", ours, floor, torch, "s", "<= 1.3"))
    return rows


def _seconds(words: list[object], folder: Path, attribute: str) -> float:
    return float(getattr(command(words, folder), attribute))
