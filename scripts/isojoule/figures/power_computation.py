"""Mean power against the rate of computation (figure 3 of the paper on compute and energy)."""

import pandas as pd

from isojoule import readable
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.linking import MARKERS, legend_of_phases, quantities_to_draw, si_ticks
from isojoule.figures.shared.panels import Sheet, bars, blank, points
from isojoule.figures.shared.styles import family_styles, phases_of, platform_label

MOST_COLUMNS = 3


def draw(frame: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of measurements, with one panel per platform."""
    table = quantities_to_draw(frame).dropna(subset=["flop_per_s", "power_mean_w"])
    if table.empty:
        raise NothingError("This study has no power of a phase whose FLOPs and duration are there.")
    unit = readable.unit_of_linear_axis("W", table["power_mean_w"])
    gpus, styles, phases = list(table["gpu"].unique()), family_styles(table), phases_of(table)
    rows = -(-len(gpus) // MOST_COLUMNS)
    columns = min(len(gpus), MOST_COLUMNS)
    figure = blank(3.4 * columns + 0.6, 2.9 * rows + 0.7)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, gpu in zip(axes, gpus, strict=False):
        part = table[table["gpu"] == gpu]
        for family, (colour, _) in styles.items():
            for phase in phases:
                cells = part[(part["family"] == family) & (part["phase"] == phase)]
                y, yerr = unit.of(cells["power_mean_w"]), bars(cells, "power", "_w", unit)
                points(axis, cells["flop_per_s"], y, colour, MARKERS[phase], "", yerr=yerr)
        si_ticks(axis)
        axis.set_title(platform_label(part, gpu), fontsize=8)
        axis.set(xlabel="FLOPs per second", ylabel=unit.label("Mean power"))
    legend_of_phases(figure, styles, phases)
    return figure
