"""Fronts of training and test energy on every platform (after figure 2 of the generative study)."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared import fronts

READ = fronts.read


def draw(table: pd.DataFrame) -> Figure:
    """Draw the figure from a table of fronts."""
    return fronts.of_phases(table, "energy_kwh")
