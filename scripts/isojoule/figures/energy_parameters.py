"""Energy against size."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.drawing import energy_against

CAPTION = (
    "Energy against the number of parameters (Douwes and Serizel, DCASE 2024, figures 1 and 2, bottom row). "
    "Bars: standard deviation over repeats."
)


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements."""
    return energy_against(frame, "params", "Parameters")
