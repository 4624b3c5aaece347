"""The fronts of the generative study, from its published numbers (its figure 2)."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from isojoule.errors import InputError
from isojoule.figures import fronts

PANELS = {"train": "Training, Carbontracker's prediction", "test": "Generation of 100 s of audio"}


def READ(path: Path) -> pd.DataFrame:  # noqa: N802 - as in the other figures
    """Read the fronts of the published table, as find_front.py writes them.

    Raises:
        InputError: unreadable, or another table.
    """
    try:
        table = pd.read_csv(path)
        return table.assign(phase=table["part"].str.split().str[-1])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: is not a table of find_front.py (CSV): {' '.join(str(error).split())}") from error


def draw(table: pd.DataFrame) -> Figure:
    """Draw the figure from the fronts of the published table."""
    ends = ("_mean", "_ci95_high")
    names = {f"energy_kwh{end}": f"cost{end}" for end in ends} | {
        f"one_minus_mos{end}": f"quality{end}" for end in ends
    }
    table = table.rename(columns=names)
    panels = [(title, "Energy (kWh)", table[table["phase"] == phase]) for phase, title in PANELS.items()]
    return fronts.of_panels(panels, "1 - %MOS (less is better)")
