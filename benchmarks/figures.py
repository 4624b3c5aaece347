"""Measure the CPU time of the figures of a study as large as the published one: 43 architectures on 4 GPUs, 3 repeats.

    python benchmarks figures

Each figure is drawn into SVG, PDF and PNG. Its budget is 3 s beside the start of the process, which draws several, and
that of the names in all panels of a figure is 1 s. The table of errors is of every 8th architecture, which has as many
pairs, and so as many bars.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from suite import Row, command, interleaved

from isojoule.figures import captions
from isojoule.figures.shared import drawing, fronts, naming
from isojoule.fronts import of_study
from isojoule.normalization.study_experiment import evaluate
from isojoule.simulation import worlds

FIGURES = (
    "energy-computation-train", "energy-utilization", "energy-quality", "pareto-energy", "normalization-points",
    "normalization-curves", "normalization-sampling",
)  # fmt: skip
START = "from isojoule.figures.captions import STUDY, load; import isojoule.figures.shared.drawing; [*map(load, STUDY)]"


def measure(rounds: int) -> list[Row]:
    """Time the slowest figures, the start of a process that draws, and the placing of names."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tables = study(folder)
        starts = interleaved(rounds, partial(_start_s, folder))
        times = interleaved(rounds, *(partial(_draw_s, name, tables, folder) for name in FIGURES))
        names = interleaved(rounds, partial(_names_s, tables[captions.FRONTS]))
    return [
        *(
            Row(f"{name}, CPU time", seconds, "the budget", [3.0], "s", "<= 1")
            for name, seconds in zip(FIGURES, times, strict=True)
        ),
        Row("start of the process that draws, CPU time", starts[0], "the budget of a figure", [3.0], "s", "<= 1"),
        Row("placing all names of pareto-energy, CPU time", names[0], "the budget", [1.0], "s", "<= 1"),
    ]


def study(folder: Path) -> dict[str, pd.DataFrame]:
    """Make up the tables of a study, by their path below its results."""
    frame = worlds.world(0, 4, repeats=3)
    size = np.log10(frame["flops"].astype(float))
    share = (size - size.min()) / (size.max() - size.min())
    noise = np.random.default_rng(0).normal(0, 0.015, len(frame))
    frame = frame.assign(
        macro_f1=(0.3 + 0.25 * share + noise).where(frame["phase"] == "test"),
        gpu_utilization_percent=(20 + 60 * share + 100 * noise).clip(0, 100),
        gpu_memory_utilization_percent=(10 + 40 * share + 100 * noise).clip(0, 100),
    )
    of_study.fronts(frame).table.to_csv(folder / "fronts.csv", index=False)
    few = worlds.world(0, 4, worlds.published_systems().iloc[::8])
    return {
        captions.MEASUREMENTS: frame,
        captions.FRONTS: fronts.read(folder / "fronts.csv"),
        captions.ERRORS: pd.concat(evaluate(few, "shuffle", 2, 0, 1, 1), ignore_index=True),
    }


def _draw_s(name: str, tables: dict[str, pd.DataFrame], folder: Path) -> float:
    outputs = [folder / f"{name}.{ending}" for ending in ("svg", "pdf", "png")]
    began_s = time.process_time()
    drawing.save(captions.load(name).draw, tables[captions.FIGURES[name].table], outputs)
    return time.process_time() - began_s


def _names_s(table: pd.DataFrame) -> float:
    """Return the seconds of the placing alone, of all panels of the figure with most names."""
    seconds = 0.0

    def timed(place: Callable[..., None], *arguments: object) -> None:
        nonlocal seconds
        began_s = time.process_time()
        place(*arguments)
        seconds += time.process_time() - began_s

    with mock.patch.object(naming, "place", partial(timed, naming.place)):
        drawing.drawn(captions.load("pareto-energy").draw, table)
    return seconds


def _start_s(folder: Path) -> float:
    return command([sys.executable, "-c", START], folder).cpu_s
