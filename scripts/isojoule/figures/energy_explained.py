"""Energy of training against three quantities of compute."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.compute_energy.quantities import PREDICTORS
from isojoule.figures.shared.drawing import blank, family_styles, legend, nothing, platform_label
from isojoule.figures.shared.linking import described, energies

SHOWN = {"flops": "FLOP", "flops-exact": "FLOP", "bytes-moved": "B"}


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements: one row per platform."""
    table = described(frame, "train")
    shown = {name: unit for name, unit in SHOWN.items() if table[PREDICTORS[name][0]].notna().any()}
    if not shown:
        return nothing("This study has no training whose compute was counted.")
    gpus = list(table["gpu"].unique())
    figure = blank(2.9 * len(shown) + 0.8, 2.6 * len(gpus) + 0.7)
    grid = figure.subplots(len(gpus), len(shown), squeeze=False)
    for row, gpu in zip(grid, gpus, strict=True):
        part = table[table["gpu"] == gpu]
        for axis, (name, unit) in zip(row, shown.items(), strict=True):
            column, _, words = PREDICTORS[name]
            energies(axis, part, column, unit, fit_each=True)
            axis.set_title(platform_label(part, gpu), fontsize=8)
            axis.set_xlabel(words)
        row[0].set_ylabel("Energy of the training")
    legend(figure, grid[0][0], len(family_styles(table)))
    return figure
