"""Mean power against the rate of computation."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared.drawing import blank, family_styles, half_width, phases_of, platform_label, points
from isojoule.figures.shared.linking import MARKERS, described, engineering, legend_of_phases

ACROSS = 3


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements: one panel per platform."""
    table = described(frame)
    gpus, styles, phases = list(table["gpu"].unique()), family_styles(table), phases_of(table)
    rows = -(-len(gpus) // ACROSS)
    columns = min(len(gpus), ACROSS)
    figure = blank(3.4 * columns + 0.6, 2.9 * rows + 0.7)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, gpu in zip(axes, gpus, strict=False):
        part = table[table["gpu"] == gpu]
        for family, (colour, _) in styles.items():
            for phase in phases:
                mine = part[(part["family"] == family) & (part["phase"] == phase)]
                points(
                    axis,
                    mine["flop_per_s"],
                    mine["power_mean_w"],
                    colour,
                    MARKERS[phase],
                    "",
                    yerr=half_width(mine, "power", "_w"),
                )
        engineering(axis, "W")
        axis.set_title(platform_label(part, gpu), fontsize=8)
        axis.set(xlabel="FLOPs per second", ylabel="Mean power")
    for axis in axes[len(gpus) :]:
        axis.remove()
    legend_of_phases(figure, styles, phases)
    return figure
