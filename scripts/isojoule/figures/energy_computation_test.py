"""Energy of test against compute (figure 1 of the paper on compute and energy)."""

import pandas as pd

from isojoule.figures.shared.linking import energy_against_computation
from isojoule.figures.shared.panels import Sheet


def draw(frame: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of measurements."""
    return energy_against_computation(frame, "test")
