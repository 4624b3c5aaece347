"""Regressions of different types through the same references (figure 4 of the paper on normalization)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from isojoule import readable
from isojoule.errors import InputError
from isojoule.figures.shared.comparing import METHODS, NOTHING, bars_of_pair, first_pairs, kinds_of, unit_of_pair
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet, blank, draw_bars, legend_of
from isojoule.figures.shared.styles import PHASES
from isojoule.normalization.base import ENERGY, Values
from isojoule.normalization.pairs import Pair
from isojoule.normalization.published import PUBLISHED, VARIANTS
from isojoule.normalization.splits import Split, splits
from isojoule.tables.energy import energy_table

LINE_STYLES = {"line": "-", "poly2": "--", "svr": ":", "svr-standardized": "-."}


def draw(frame: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of measurements, with one panel per phase (row) and target (column)."""
    shown = first_pairs(frame)
    if not shown:
        raise NothingError(NOTHING)
    try:
        split = splits(list(frame["architecture"].unique()))[0]
    except InputError as error:
        raise NothingError(f"Nothing to normalize: {error}.") from error
    energies = energy_table(frame)
    phases = list(dict.fromkeys(pair.phase for pair in shown))
    columns = max(sum(pair.phase == phase for pair in shown) for phase in phases)
    figure = blank(3.0 * max(columns, 2) + 0.4, 2.7 * len(phases) + 0.7)
    grid = figure.subplots(len(phases), columns, squeeze=False)
    for row, phase in zip(grid, phases, strict=True):
        of_phase = [pair for pair in shown if pair.phase == phase]
        for axis, pair in zip(row, of_phase, strict=False):
            _draw_panel(axis, pair, split, *bars_of_pair(energies, pair))
    handles, labels = grid[0][0].get_legend_handles_labels()
    legend_of(figure, handles, labels, 4)
    return figure


def _draw_panel(axis: Axes, pair: Pair, split: Split, source_bars_kwh: Values, target_bars_kwh: Values) -> None:
    unit = unit_of_pair(pair, readable.unit_of_linear_axis)
    systems = pair.systems[[ENERGY]]
    x, y = unit.of(systems[ENERGY]), unit.of(pair.target_kwh)
    is_reference = pair.systems.index.isin(split.train)
    along_axis = pd.DataFrame({ENERGY: np.linspace(systems[ENERGY].min(), systems[ENERGY].max(), 300)})
    for name, line_style in LINE_STYLES.items():
        colour, label = METHODS[name]
        try:
            fitted = {**PUBLISHED, **VARIANTS}[name]().fit(systems[is_reference], pair.target_kwh[is_reference])
        except InputError:
            continue
        curve = unit.of(fitted.predict(along_axis))
        axis.plot(unit.of(along_axis[ENERGY]), curve, line_style, color=colour, label=label, linewidth=1.3)
    lengths = {"xerr": unit.of(source_bars_kwh), "yerr": unit.of(target_bars_kwh)}
    draw_bars(axis, np.asarray(x), np.asarray(y), "#555555", **lengths, width=0.7, cap=3)
    axis.plot(x[is_reference], y[is_reference], "o", color="#555555", markersize=3.5)
    axis.plot(x[~is_reference], y[~is_reference], "o", color="#555555", markerfacecolor="white", markersize=4.5)
    # a curve may go below 0, where there is no energy
    axis.set_ylim(bottom=max(axis.get_ylim()[0], 0))
    axis.set_title(PHASES[pair.phase])
    axis.set_xlabel(f"On {pair.source} ({unit.symbol}, {kinds_of(pair)})")
    axis.set_ylabel(f"On {pair.target} ({unit.symbol})")
