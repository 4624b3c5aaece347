"""Energy on one platform normalized to another by one or two references (the paper's figures 1 and 2)."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from isojoule.figures.shared.comparing import NOTHING, bars_of_pair, first_pairs, kinds_of, unit_of_pair
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet, blank, label_decades, legend, points
from isojoule.figures.shared.reading import in_few_families
from isojoule.figures.shared.styles import PHASES, family_label, family_styles
from isojoule.normalization.base import Values
from isojoule.normalization.pairs import Pair
from isojoule.normalization.published import PUBLISHED
from isojoule.tables.energy import energy_table

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
        bars_kwh: lengths of the normalized intervals below and above them in kWh, (2, m).
    """

    energy_kwh: Values
    bars_kwh: Values


def draw(frame: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of measurements, with one panel per pair (row) and method (column)."""
    frame = in_few_families(frame)
    shown = first_pairs(frame)
    if not shown:
        raise NothingError(NOTHING)
    energies = energy_table(frame)
    figure = blank(2.3 * len(METHODS) + 0.6, 2.2 * len(shown) + 0.8)
    grid = figure.subplots(len(shown), len(METHODS), squeeze=False, sharex="row", sharey="row")
    styles = family_styles(frame)
    for row, pair in zip(grid, shown, strict=True):
        truth_kwh, source_kwh = pair.target_kwh, pair.systems["energy_kwh"].to_numpy()
        source_bars_kwh, target_bars_kwh = bars_of_pair(energies, pair)
        by_title = {title: _normalized(pair, method, source_bars_kwh) for title, method in METHODS.items()}
        low = min(truth_kwh.min(), source_kwh.min()) / 2
        high = max(truth_kwh.max(), *(normalized.energy_kwh.max() for normalized in by_title.values())) * 2
        for axis, (title, normalized) in zip(row, by_title.items(), strict=True):
            axis.set(xscale="log", yscale="log")
            _draw_panel(axis, pair, normalized, target_bars_kwh, styles, low, high)
            axis.set_title(f"{PHASES[pair.phase]}\n{title.lower()}")
        row[0].set_ylabel(f"{pair.source}\nnormalized to\n{pair.target} ({unit_of_pair(pair).symbol})", fontsize=7)
    legend(figure, len(styles))
    return figure


def _normalized(pair: Pair, method: str | None, source_bars_kwh: Values) -> Normalized:
    """Normalize the energies of the source and the ends of their intervals; the references are taken as exact.

    Args:
        pair: the pair of platforms.
        method: name of a published method, or None to leave energies as they are.
        source_bars_kwh: bars of the energies on the source in kWh, (2, m).
    """
    source_kwh = pair.systems["energy_kwh"].to_numpy()
    low, middle, high = source_kwh - source_bars_kwh[0], source_kwh, source_kwh + source_bars_kwh[1]
    if method:
        fitted = PUBLISHED[method]().fit(pair.systems, pair.target_kwh)
        low, middle, high = (fitted.predict(pair.systems.assign(energy_kwh=kwh)) for kwh in (low, middle, high))
    # a curve that falls turns the ends around
    ends = np.sort([low, middle, high], axis=0)
    return Normalized(middle, np.vstack([middle - ends[0], ends[2] - middle]))


def _draw_panel(
    axis: Axes,
    pair: Pair,
    normalized: Normalized,
    target_bars_kwh: Values,
    styles: dict[str, tuple[str, str]],
    low: float,
    high: float,
) -> None:
    """Draw normalized against true energies from `low` to `high`; energies below that are triangles at the edge."""
    unit = unit_of_pair(pair)
    low, high = unit.of(low), unit.of(high)
    truth, estimates = unit.of(pair.target_kwh), unit.of(normalized.energy_kwh)
    axis.plot([low, high], [low, high], color=GREY, linewidth=0.8, zorder=1)
    for family, (colour, marker) in styles.items():
        part = (pair.systems["family"] == family).to_numpy()
        inside, below = part & (estimates >= low), part & (estimates < low)
        lengths = {
            "xerr": unit.of(target_bars_kwh[:, inside]),
            # a straight line takes a low end below 0, which a logarithmic axis does not have
            "yerr": np.vstack(
                [
                    np.minimum(unit.of(normalized.bars_kwh[0, inside]), estimates[inside] - low / 2),
                    unit.of(normalized.bars_kwh[1, inside]),
                ]
            ),
        }
        points(axis, truth[inside], estimates[inside], colour, marker, family_label(family), **lengths)
        at_edge = np.full(below.sum(), low)
        axis.plot(truth[below], at_edge, "v", color=colour, markerfacecolor="none", markersize=5)
    axis.set(xlim=(low, high), ylim=(low, high))
    label_decades(axis.xaxis)
    label_decades(axis.yaxis)
    axis.set_xlabel(f"On {pair.target}\n({unit.symbol}, {kinds_of(pair)})", fontsize=7)
