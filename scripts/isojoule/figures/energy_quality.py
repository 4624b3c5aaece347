"""Quality against energy."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.drawing import (
    BARS,
    PHASES,
    blank,
    drawable,
    energy_label,
    family_label,
    family_styles,
    half_width,
    label_decades,
    legend,
    phases_of,
    platform_label,
    points,
)

CAPTION = f"Macro F1 on the test data against the energy of training and of test. {BARS}"


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements: one panel per phase (row) and platform (column)."""
    table = drawable(frame)
    tested = table.dropna(subset=["macro_f1_mean"]).assign(
        quality=lambda rows: rows["macro_f1_mean"].astype(float), half=lambda rows: half_width(rows, "macro_f1")
    )
    table = table.merge(tested[["architecture", "gpu", "quality", "half"]], on=["architecture", "gpu"], how="left")
    if table["quality"].isna().all():
        figure = blank(5, 1)
        figure.text(0.5, 0.5, "No quality was measured in this study.", ha="center")
        return figure
    phases, gpus, styles = phases_of(table), list(table["gpu"].unique()), family_styles(table)
    figure = blank(2.9 * len(gpus) + 0.9, 2.4 * len(phases) + 0.7)
    grid = figure.subplots(len(phases), len(gpus), sharey="row", squeeze=False)
    for row, phase in zip(grid, phases, strict=True):
        for axis, gpu in zip(row, gpus, strict=True):
            axis.set_xscale("log")
            panel = table[(table["gpu"] == gpu) & (table["phase"] == phase)]
            for family, (colour, marker) in styles.items():
                part = panel[panel["family"] == family]
                bars = {"xerr": half_width(part, "energy", "_kwh"), "yerr": part["half"]}
                points(axis, part["energy_mean_kwh"], part["quality"], colour, marker, family_label(family), **bars)
            axis.set(title=f"{PHASES[phase]} on {platform_label(panel, gpu)}", xlabel=energy_label(panel))
            label_decades(axis.xaxis)
        row[0].set_ylabel("Macro F1 on the test data")
    legend(figure, grid[0][0], len(styles))
    return figure
