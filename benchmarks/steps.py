"""Measure training and test steps of all 43 published architectures, beside the plainest correct loop.

    python benchmarks steps

Both loops share the model, so that the memory also has room for the two optimizers of the largest one. Batches have 8
clips, as the published ones. A round of a large model is a single step of seconds, and such steps differ by more than a
loop could cost; only the mean of all models decides.
"""

import tempfile
from pathlib import Path

import numpy as np
from loops import PLAIN, loops, steps_per_s, write_features
from suite import PROJECT, Row

from isojoule.study import reading
from isojoule.study.cells import architectures
from isojoule.workloads.building import build


def measure(rounds: int) -> list[Row]:
    """Measure the steps per second of every architecture and phase."""
    study = reading.load(PROJECT / "config" / "config.yaml")
    rows: dict[str, list[Row]] = {phase: [] for phase in PLAIN}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_features(folder, study, 8)
        for name, architecture in architectures(study).items():
            for phase in PLAIN:
                ours, theirs = steps_per_s(*loops(folder, study, build(architecture), phase), rounds)
                rows[phase].append(Row(f"{name}, {phase}", ours, "plain loop", theirs, "steps/s", ">= 0.98"))
    return [row for phase, of_phase in rows.items() for row in [mean(of_phase, phase, rounds), *of_phase]]


def mean(rows: list[Row], phase: str, rounds: int) -> Row:
    """Return the geometric mean over all models of every round; of quick models only the first rounds count."""
    ours, theirs = (
        np.exp(np.log([getattr(row, side)[:rounds] for row in rows]).mean(axis=0)).tolist()
        for side in ("ours", "theirs")
    )
    return Row(f"all {len(rows)}, {phase}, geometric mean", ours, "plain loop", theirs, "steps/s", ">= 0.98")
