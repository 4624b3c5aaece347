"""Energy on one platform normalized to another by one or two references (the paper's figures 1 and 2)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared.comparing import first_pairs, half_widths, kinds_of
from isojoule.figures.shared.drawing import (
    PHASES,
    SHORTEST,
    blank,
    family_label,
    family_styles,
    in_few_families,
    label_decades,
    legend,
    nothing,
    points,
)
from isojoule.normalization.published import PUBLISHED

PANELS = {
    "Not normalized": None,
    "Low reference": "single-low",
    "High reference": "single-high",
    "Dual reference": "dual",
}


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements."""
    frame = in_few_families(frame)
    shown = first_pairs(frame)
    if not shown:
        return nothing("Nothing to normalize: no phase has energies on two platforms.")
    figure = blank(2.3 * len(PANELS) + 0.6, 2.2 * len(shown) + 0.8)
    grid = figure.subplots(len(shown), len(PANELS), squeeze=False, sharex="row", sharey="row")
    styles = family_styles(frame)
    for row, pair in zip(grid, shown, strict=True):
        truth, source = pair.target_kwh, pair.systems["energy_kwh"].to_numpy()
        source_half, target_half = half_widths(frame, pair)
        # as far down as bars go on a logarithmic axis: no method takes an energy of 0
        lowest = np.maximum(source - source_half, SHORTEST * source)
        ends = [pair.systems.assign(energy_kwh=energy) for energy in (lowest, source, source + source_half)]
        fitted = {title: method and PUBLISHED[method]().fit(pair.systems, truth) for title, method in PANELS.items()}
        # the interval of the source's energy, normalized as that is; the references are taken as exact
        lower, normalized, upper = (
            {title: fit.predict(end) if fit else end["energy_kwh"].to_numpy() for title, fit in fitted.items()}
            for end in ends
        )
        low = min(truth.min(), source.min()) / 2
        high = max(truth.max(), *(values.max() for values in normalized.values())) * 2
        for axis, (title, predicted) in zip(row, normalized.items(), strict=True):
            axis.set(xscale="log", yscale="log")
            axis.plot([low, high], [low, high], color="#555555", linewidth=0.8, zorder=1)
            for family, (colour, marker) in styles.items():
                part = (pair.systems["family"] == family).to_numpy()
                inside = part & (predicted >= low)
                points(
                    axis,
                    truth[inside],
                    predicted[inside],
                    colour,
                    marker,
                    family_label(family),
                    xerr=pd.Series(target_half[inside]),
                    yerr=pd.Series(np.abs(upper[title] - lower[title])[inside] / 2),
                )
                below = part & (predicted < low)
                axis.plot(
                    truth[below], np.full(below.sum(), low), "v", color=colour, markerfacecolor="none", markersize=5
                )
            axis.set(xlim=(low, high), ylim=(low, high))
            axis.set_title(f"{PHASES[pair.phase]}: {title.lower()}", fontsize=8)
            label_decades(axis.xaxis)
            label_decades(axis.yaxis)
            axis.set_xlabel(f"On {pair.target}\n(kWh, {kinds_of(pair)})", fontsize=7)
        row[0].set_ylabel(f"{pair.source}, normalized\nto {pair.target} (kWh)", fontsize=7)
    legend(figure, grid[0][0], len(styles))
    return figure
