"""Energy against how busy the GPU and its memory were (figure 4 of the paper on compute and energy)."""

import numpy as np
import pandas as pd

from isojoule import readable
from isojoule.compute_energy.fits import rank_correlation
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.linking import MARKERS, legend_of_phases, quantities_to_draw
from isojoule.figures.shared.panels import Sheet, bars, blank, label_decades, points
from isojoule.figures.shared.styles import energy_label, family_styles, phases_of, platform_label

LABELS = {"gpu_utilization": "GPU utilisation (%)", "gpu_memory_utilization": "Memory utilisation (%)"}


def draw(frame: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of measurements, with one row of panels per platform."""
    table = quantities_to_draw(frame)
    table = table[table[[f"{name}_mean_percent" for name in LABELS]].notna().any(axis=1)]
    if table.empty:
        raise NothingError("This study has no utilisation of a GPU.")
    gpus, styles, phases = list(table["gpu"].unique()), family_styles(table), phases_of(table)
    unit = readable.unit("kWh", table["energy_mean_kwh"])
    figure = blank(7, 2.6 * len(gpus) + 0.7)
    grid = figure.subplots(len(gpus), len(LABELS), squeeze=False, sharey="row")
    for row, gpu in zip(grid, gpus, strict=True):
        part = table[table["gpu"] == gpu]
        for axis, (name, label) in zip(row, LABELS.items(), strict=True):
            axis.set_yscale("log")
            for family, (colour, _) in styles.items():
                for phase in phases:
                    cells = part[(part["family"] == family) & (part["phase"] == phase)]
                    x, y = cells[f"{name}_mean_percent"], unit.of(cells["energy_mean_kwh"])
                    lengths = {"xerr": bars(cells, name, "_percent"), "yerr": bars(cells, "energy", "_kwh", unit)}
                    points(axis, x, y, colour, MARKERS[phase], "", **lengths)
            correlation = rank_correlation(part[f"{name}_mean_percent"].astype(float), part["energy_j"])
            words = "" if np.isnan(correlation) else f": Spearman {correlation:.2f}"
            axis.set_title(f"{platform_label(part, gpu)}{words}", fontsize=8)
            axis.set_xlabel(label)
            label_decades(axis.yaxis)
        row[0].set_ylabel(energy_label(part, unit))
    legend_of_phases(figure, styles, phases)
    return figure
