"""Regressions of different types through the same references (the paper's figure 4)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from isojoule.errors import InputError
from isojoule.figures.shared.comparing import METHODS, first_pairs, half_widths, in_unit, kinds_of
from isojoule.figures.shared.drawing import PHASES, blank, nothing
from isojoule.normalization.base import ENERGY
from isojoule.normalization.published import PUBLISHED
from isojoule.normalization.splits import splits

SHOWN = {"line": "-", "poly2": "--", "svr": ":", "svr-standardized": "-."}


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements."""
    shown = first_pairs(frame)
    if not shown:
        return nothing("Nothing to normalize: no phase has energies on two platforms.")
    try:
        split = splits(list(frame["architecture"].unique()))[0]
    except InputError as error:
        return nothing(f"Nothing to normalize: {error}.")
    phases = list(dict.fromkeys(pair.phase for pair in shown))
    columns = max(sum(pair.phase == phase for pair in shown) for phase in phases)
    figure = blank(3.0 * max(columns, 2) + 0.4, 2.7 * len(phases) + 0.7)
    grid = figure.subplots(len(phases), columns, squeeze=False)
    for row, phase in zip(grid, phases, strict=True):
        of_phase = [pair for pair in shown if pair.phase == phase]
        for axis in row[len(of_phase) :]:
            axis.set_axis_off()
        for axis, pair in zip(row, of_phase, strict=False):
            factor, unit = in_unit(pair)
            energy = pair.systems[[ENERGY]]
            x, y = factor * energy[ENERGY], factor * pair.target_kwh
            known = pair.systems.index.isin(split.train)
            asked = pd.DataFrame({ENERGY: np.linspace(energy[ENERGY].min(), energy[ENERGY].max(), 300)})
            for name, dashes in SHOWN.items():
                colour, label = METHODS[name]
                try:
                    curve = PUBLISHED[name]().fit(energy[known], pair.target_kwh[known]).predict(asked)
                except InputError:
                    continue
                axis.plot(factor * asked[ENERGY], factor * curve, dashes, color=colour, label=label, linewidth=1.3)
            source_half, target_half = half_widths(frame, pair)
            axis.errorbar(
                x, y, factor * target_half, factor * source_half, "none", ecolor="#555555", elinewidth=0.7, capsize=1.5
            )
            axis.plot(x[known], y[known], "o", color="#555555", markersize=3.5)
            axis.plot(x[~known], y[~known], "o", color="#555555", markerfacecolor="white", markersize=4.5)
            axis.set_title(PHASES[pair.phase])
            axis.set_xlabel(f"On {pair.source} ({unit}, {kinds_of(pair)})")
            axis.set_ylabel(f"On {pair.target} ({unit})")
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2 if columns < 3 else 4)
    return figure
