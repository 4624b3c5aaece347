"""Energy of training against compute."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.linking import FITS, computation

CAPTION = (
    "Energy of training against FLOPs and against the number of parameters: all architectures, MLP and RNN, CNN and "
    "CRNN (Douwes and Serizel, DCASE 2024, figure 2). FLOPs of training are three times those of the forward pass, as "
    f"published. {FITS}"
)


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements."""
    return computation(frame, "train")
