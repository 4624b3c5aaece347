"""Quality against energy."""

import pandas as pd

from isojoule import readable
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet, bars, blank, end_of_quality, label_decades, legend, points
from isojoule.figures.shared.reading import drawable
from isojoule.figures.shared.styles import (
    PHASES,
    energy_label,
    family_label,
    family_styles,
    phases_of,
    platform_label,
)
from isojoule.tables.qualities import QUALITIES, qualities_of


def draw(frame: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of measurements, with one panel per platform (row) and phase (column)."""
    table = drawable(frame)
    shown = next(iter(qualities_of(frame[frame["outcome"] == "ok"])), None)
    if shown is None:
        raise NothingError("This study has no quality.")
    qualities = [f"{shown}{ending}" for ending in ("_mean", "_ci95_low", "_ci95_high")]
    tested = table.dropna(subset=qualities[:1])[["architecture", "gpu", *qualities]]
    table = table.drop(columns=qualities).merge(tested, on=["architecture", "gpu"], how="left")
    units = {phase: readable.unit("kWh", part["energy_mean_kwh"]) for phase, part in table.groupby("phase")}
    phases, gpus, styles = phases_of(table), list(table["gpu"].unique()), family_styles(table)
    figure = blank(3.5 * len(phases), 2.4 * len(gpus) + 0.5)
    grid = figure.subplots(len(gpus), len(phases), sharey="row", squeeze=False)
    for row, gpu in zip(grid, gpus, strict=True):
        for axis, phase in zip(row, phases, strict=True):
            axis.set_xscale("log")
            unit = units[phase]
            panel = table[(table["gpu"] == gpu) & (table["phase"] == phase)]
            for family, (colour, marker) in styles.items():
                part = panel[panel["family"] == family]
                x, y = unit.of(part["energy_mean_kwh"]), part[f"{shown}_mean"]
                lengths = {"xerr": bars(part, "energy", "_kwh", unit), "yerr": bars(part, shown)}
                points(axis, x, y, colour, marker, family_label(family), **lengths)
            axis.set(title=f"{PHASES[phase]} on {platform_label(panel, gpu)}", xlabel=energy_label(panel, unit))
            label_decades(axis.xaxis)
            end_of_quality(axis, shown)
        row[0].set_ylabel(QUALITIES[shown])
    legend(figure, len(styles))
    return figure
