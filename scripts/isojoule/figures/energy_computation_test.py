"""Energy of test against compute."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.linking import FITS, computation

CAPTION = (
    "Energy of test against FLOPs and against the number of parameters: all architectures, MLP and RNN, CNN and CRNN "
    f"(Douwes and Serizel, DCASE 2024, figure 1). {FITS}"
)


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements."""
    return computation(frame, "test")
