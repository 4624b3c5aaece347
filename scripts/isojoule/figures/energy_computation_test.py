"""Energy of test against compute."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared.linking import computation


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements."""
    return computation(frame, "test")
