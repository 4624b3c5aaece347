"""Fronts of training and test energy on every platform (after figure 2 of the generative study)."""

import pandas as pd

from isojoule.figures.shared import fronts
from isojoule.figures.shared.panels import Sheet

READ = fronts.read


def draw(table: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of fronts."""
    return fronts.of_phases(table, "energy_kwh")
