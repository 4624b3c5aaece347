"""Quality against energy."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.drawing import blank, drawable, panels

CAPTION = "Macro F1 on the test data against the energy of training and of test. Bars: standard deviation over repeats."


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements."""
    table = drawable(frame)
    quality = table.dropna(subset=["macro_f1_mean"]).set_index(["architecture", "gpu"])["macro_f1_mean"]
    table["quality"] = [quality.get(key) for key in zip(table["architecture"], table["gpu"], strict=True)]
    if table["quality"].isna().all():
        figure = blank(5, 1)
        figure.text(0.5, 0.5, "No quality was measured in this study.", ha="center")
        return figure
    return panels(table, "energy_mean_kwh", "quality", "Macro F1 on the test data", horizontal_energy=True)
