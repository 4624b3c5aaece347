"""Quality against energy."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared.panels import blank, half_width, label_decades, legend, nothing, points
from isojoule.figures.shared.reading import drawable
from isojoule.figures.shared.styles import (
    PHASES,
    energy_label,
    family_label,
    family_styles,
    phases_of,
    platform_label,
)
from isojoule.tables.qualities import QUALITIES


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements, with one panel per platform (row) and phase (column)."""
    table = drawable(frame)
    shown = next((name for name in QUALITIES if f"{name}_mean" in table), None)
    if shown is None:
        return nothing("The table of measurements has no quality.")
    tested = table.dropna(subset=[f"{shown}_mean"]).assign(
        quality=lambda rows: rows[f"{shown}_mean"].astype(float), half=lambda rows: half_width(rows, shown)
    )
    table = table.merge(tested[["architecture", "gpu", "quality", "half"]], on=["architecture", "gpu"], how="left")
    phases, gpus, styles = phases_of(table), list(table["gpu"].unique()), family_styles(table)
    figure = blank(3.5 * len(phases), 2.4 * len(gpus) + 0.5)
    grid = figure.subplots(len(gpus), len(phases), sharey="row", squeeze=False)
    for row, gpu in zip(grid, gpus, strict=True):
        for axis, phase in zip(row, phases, strict=True):
            axis.set_xscale("log")
            panel = table[(table["gpu"] == gpu) & (table["phase"] == phase)]
            for family, (colour, marker) in styles.items():
                part = panel[panel["family"] == family]
                bars = {"xerr": half_width(part, "energy", "_kwh"), "yerr": part["half"]}
                points(axis, part["energy_mean_kwh"], part["quality"], colour, marker, family_label(family), **bars)
            axis.set(title=f"{PHASES[phase]} on {platform_label(panel, gpu)}", xlabel=energy_label(panel))
            label_decades(axis.xaxis)
        row[0].set_ylabel(QUALITIES[shown])
    legend(figure, grid[0][0], len(styles))
    return figure
