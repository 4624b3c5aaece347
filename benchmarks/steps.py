"""Training and test steps of all 43 published architectures, beside the plainest correct loop over data in memory.

    python benchmarks steps

Both loops share the model, so that the largest fits twice beside its optimizers; batches of 8 features as the published
ones are.
"""

import tempfile
from pathlib import Path

from loops import PLAIN, loops, steps_per_s, write_features
from suite import PROJECT, Row

from isojoule import configuration
from isojoule.cells import architectures
from isojoule.models import build


def measure(rounds: int) -> list[Row]:
    """Steps per second of every architecture and phase."""
    study = configuration.load(PROJECT / "config" / "config.yaml")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_features(folder, study, 8)
        for architecture, described in architectures(study).items():
            for phase in PLAIN:
                ours, theirs = steps_per_s(*loops(folder, study, build(described), phase), rounds)
                rows.append(Row(f"{architecture}, {phase}", ours, "plain loop", theirs, "steps/s", ">= 0.98"))
    return rows
