"""Training and test steps of all 43 published architectures, beside the plainest correct loop over data in memory.

    python benchmarks steps

Both loops share the model, so that the largest fits twice beside its optimizers; batches of 8 features as the published
ones are. Rounds of a large model are single steps of seconds, which differ by more than a loop could cost them; the
mean of all models is what tells.
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
    """Steps per second of every architecture and phase."""
    study = reading.load(PROJECT / "config" / "config.yaml")
    rows: dict[str, list[Row]] = {phase: [] for phase in PLAIN}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_features(folder, study, 8)
        for architecture, described in architectures(study).items():
            for phase in PLAIN:
                ours, theirs = steps_per_s(*loops(folder, study, build(described), phase), rounds)
                rows[phase].append(Row(f"{architecture}, {phase}", ours, "plain loop", theirs, "steps/s", ">= 0.98"))
    return [row for phase, found in rows.items() for row in [mean(found, phase, rounds), *found]]


def mean(rows: list[Row], phase: str, rounds: int) -> Row:
    """The geometric mean of all models in every round; quick ones had more rounds, whose first count here."""
    ours, theirs = (
        np.exp(np.log([getattr(row, side)[:rounds] for row in rows]).mean(axis=0)).tolist()
        for side in ("ours", "theirs")
    )
    return Row(f"all {len(rows)}, {phase}, geometric mean", ours, "plain loop", theirs, "steps/s", ">= 0.98")
