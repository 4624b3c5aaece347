"""Energy on one platform normalized to another by one or two references (the paper's figures 1 and 2)."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isojoule.figures.shared.comparing import NOTHING, first_pairs, half_widths, kinds_of
from isojoule.figures.shared.panels import SHORTEST, blank, label_decades, legend, nothing, points
from isojoule.figures.shared.reading import in_few_families
from isojoule.figures.shared.styles import PHASES, family_label, family_styles
from isojoule.normalization.base import Values
from isojoule.normalization.pairs import Pair
from isojoule.normalization.published import PUBLISHED

METHODS = {
    "Not normalized": None,
    "Low reference": "single-low",
    "High reference": "single-high",
    "Dual reference": "dual",
}
GREY = "#555555"


class Normalized(NamedTuple):
    """Normalized energies of all systems of a pair, and the interval that those of their source become.

    Attributes:
        energy_kwh: normalized energies in kWh, (m,).
        half_kwh: half of the normalized intervals in kWh, (m,).
    """

    energy_kwh: Values
    half_kwh: Values


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements, with one panel per pair (row) and method (column)."""
    frame = in_few_families(frame)
    shown = first_pairs(frame)
    if not shown:
        return nothing(NOTHING)
    figure = blank(2.3 * len(METHODS) + 0.6, 2.2 * len(shown) + 0.8)
    grid = figure.subplots(len(shown), len(METHODS), squeeze=False, sharex="row", sharey="row")
    styles = family_styles(frame)
    for row, pair in zip(grid, shown, strict=True):
        truth_kwh, source_kwh = pair.target_kwh, pair.systems["energy_kwh"].to_numpy()
        source_half_kwh, target_half_kwh = half_widths(frame, pair)
        by_title = {title: _normalized(pair, method, source_half_kwh) for title, method in METHODS.items()}
        low = min(truth_kwh.min(), source_kwh.min()) / 2
        high = max(truth_kwh.max(), *(normalized.energy_kwh.max() for normalized in by_title.values())) * 2
        for axis, (title, normalized) in zip(row, by_title.items(), strict=True):
            axis.set(xscale="log", yscale="log")
            _draw_panel(axis, pair, normalized, target_half_kwh, styles, low, high)
            axis.set_title(f"{PHASES[pair.phase]}: {title.lower()}", fontsize=8)
        row[0].set_ylabel(f"{pair.source}, normalized\nto {pair.target} (kWh)", fontsize=7)
    legend(figure, grid[0][0], len(styles))
    return figure


def _normalized(pair: Pair, method: str | None, source_half_kwh: Values) -> Normalized:
    """Normalize the energies of the source and the ends of their intervals; the references are taken as exact.

    Args:
        pair: the pair of platforms.
        method: name of a published method, or None to leave energies as they are.
        source_half_kwh: half of the intervals of the energies on the source in kWh, (m,).
    """
    source_kwh = pair.systems["energy_kwh"].to_numpy()
    # as far down as bars go on a logarithmic axis, since no method takes an energy of 0
    lowest_kwh = np.maximum(source_kwh - source_half_kwh, SHORTEST * source_kwh)
    low, middle, high = lowest_kwh, source_kwh, source_kwh + source_half_kwh
    if method:
        fitted = PUBLISHED[method]().fit(pair.systems, pair.target_kwh)
        low, middle, high = (fitted.predict(pair.systems.assign(energy_kwh=kwh)) for kwh in (low, middle, high))
    return Normalized(middle, np.abs(high - low) / 2)


def _draw_panel(
    axis: Axes,
    pair: Pair,
    normalized: Normalized,
    target_half_kwh: Values,
    styles: dict[str, tuple[str, str]],
    low: float,
    high: float,
) -> None:
    """Draw normalized against true energies from `low` to `high`; energies below that are triangles at the edge."""
    truth_kwh, normalized_kwh = pair.target_kwh, normalized.energy_kwh
    axis.plot([low, high], [low, high], color=GREY, linewidth=0.8, zorder=1)
    for family, (colour, marker) in styles.items():
        part = (pair.systems["family"] == family).to_numpy()
        inside, below = part & (normalized_kwh >= low), part & (normalized_kwh < low)
        bars = {"xerr": pd.Series(target_half_kwh[inside]), "yerr": pd.Series(normalized.half_kwh[inside])}
        points(axis, truth_kwh[inside], normalized_kwh[inside], colour, marker, family_label(family), **bars)
        at_edge = np.full(below.sum(), low)
        axis.plot(truth_kwh[below], at_edge, "v", color=colour, markerfacecolor="none", markersize=5)
    axis.set(xlim=(low, high), ylim=(low, high))
    label_decades(axis.xaxis)
    label_decades(axis.yaxis)
    axis.set_xlabel(f"On {pair.target}\n(kWh, {kinds_of(pair)})", fontsize=7)
