"""Fronts of training and test energy, normalized from every platform to one of them."""

import pandas as pd

from isojoule.figures.shared import fronts
from isojoule.figures.shared.panels import Sheet
from isojoule.fronts.costs import NORMALIZED

READ = fronts.read


def draw(table: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of fronts."""
    return fronts.of_phases(table, NORMALIZED)
