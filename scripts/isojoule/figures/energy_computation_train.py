"""Energy of training against compute (figure 2 of the paper on compute and energy)."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared.linking import energy_against_computation


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements."""
    return energy_against_computation(frame, "train")
