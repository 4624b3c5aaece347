"""Energy against how busy the GPU and its memory were."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.compute_energy.fits import rank_correlation
from isojoule.figures.shared.drawing import (
    blank,
    energy_label,
    family_styles,
    half_width,
    label_decades,
    nothing,
    phases_of,
    platform_label,
    points,
)
from isojoule.figures.shared.linking import MARKERS, described, legend_of_phases

QUANTITIES = {"gpu_utilization": "GPU utilisation (%)", "gpu_memory_utilization": "Memory utilisation (%)"}


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements: one row per platform."""
    table = described(frame)
    table = table[table[[f"{name}_mean_percent" for name in QUANTITIES]].notna().any(axis=1)]
    if table.empty:
        return nothing("This study has no utilisation of a GPU.")
    gpus, styles, phases = list(table["gpu"].unique()), family_styles(table), phases_of(table)
    figure = blank(7, 2.6 * len(gpus) + 0.7)
    grid = figure.subplots(len(gpus), len(QUANTITIES), squeeze=False, sharey="row")
    for row, gpu in zip(grid, gpus, strict=True):
        part = table[table["gpu"] == gpu]
        for axis, (name, label) in zip(row, QUANTITIES.items(), strict=True):
            axis.set_yscale("log")
            for family, (colour, _) in styles.items():
                for phase in phases:
                    mine = part[(part["family"] == family) & (part["phase"] == phase)]
                    points(
                        axis,
                        mine[f"{name}_mean_percent"],
                        mine["energy_mean_kwh"],
                        colour,
                        MARKERS[phase],
                        "",
                        xerr=half_width(mine, name, "_percent"),
                        yerr=half_width(mine, "energy", "_kwh"),
                    )
            found = rank_correlation(part[f"{name}_mean_percent"].astype(float), part["energy_j"])
            axis.set_title(f"{platform_label(part, gpu)}: Spearman {found:.2f}", fontsize=8)
            axis.set_xlabel(label)
            label_decades(axis.yaxis)
        row[0].set_ylabel(energy_label(part))
    legend_of_phases(figure, styles, phases)
    return figure
