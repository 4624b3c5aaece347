"""What the figures of normalization share: pairs, colours of methods, bars with their spread."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.figures.shared.drawing import PHASES, blank, half_width
from isojoule.normalization.pairs import Pair, pairs
from isojoule.normalization.splits import SCHEMES
from isojoule.tables.energy import energy_table

# Tol's muted colours: methods share none with families and platforms
METHODS = {
    "single-low": ("#999933", "Single reference, low"),
    "single-high": ("#88CCEE", "Single reference, high"),
    "dual": ("#DDCC77", "Dual reference"),
    "line": ("#332288", "Line"),
    "poly2": ("#AA4499", "Polynomial of degree 2"),
    "svr": ("#44AA99", "SVR"),
    "svr-standardized": ("#117733", "SVR, standardized (ours)"),
    "line+flops": ("#6699CC", "Line + FLOPs"),
    "line+params": ("#CC6677", "Line + parameters"),
    "line+flops+params": ("#882255", "Line + FLOPs + parameters"),
    "corrected": ("#000000", "Ours: corrected, chosen references"),
}
MOST_PAIRS = 12
SHOWN_TARGETS = 3


def first_pairs(frame: pd.DataFrame, most: int = SHOWN_TARGETS) -> list[Pair]:
    """From the first platform to the next ones, training first; empty where there are no two platforms."""
    found: list[Pair] = []
    for phase in PHASES:
        try:
            directed = pairs(frame, phase)
        except InputError:
            continue
        # a line needs two different energies
        determined = [pair for pair in directed if pair.systems["energy_kwh"].nunique() > 1]
        found += [pair for pair in determined if pair.source == determined[0].source][:most]
    return found


def kinds_of(pair: Pair) -> str:
    """What the energies of a pair are, for the label of an axis."""
    return " and ".join(pair.kinds)


def half_widths(frame: pd.DataFrame, pair: Pair) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Half of the 95 % intervals of a pair's energies on source and target, in kWh; 0 for a single repeat."""
    rows = frame[(frame["phase"] == pair.phase) & frame["gpu"].isin([pair.source, pair.target])]
    table = energy_table(rows).set_index(["gpu", "architecture"])
    half = half_width(table, "energy", "_kwh")
    source, target = (half[gpu].reindex(pair.systems.index).to_numpy() for gpu in (pair.source, pair.target))
    return source, target


def in_unit(pair: Pair) -> tuple[float, str]:
    """What kWh are multiplied by so that the pair's energies can be read on a linear axis, and that unit."""
    largest = max(float(pair.target_kwh.max()), float(pair.systems["energy_kwh"].max()))
    for factor, unit in ((1.0, "kWh"), (1e3, "Wh"), (1e6, "mWh")):
        if largest * factor >= 1:
            return factor, unit
    return 1e9, "µWh"


def of_random_splits(errors: pd.DataFrame) -> pd.DataFrame:
    """Rows of the random or k-fold splits, with their pair; by target where there are too many pairs to show."""
    if errors.empty:
        return errors
    rows = errors[errors["scheme"].isin(SCHEMES)]
    by_pair = rows["source"].astype(str) + " → " + rows["target"].astype(str)
    return rows.assign(
        pair=by_pair if by_pair.nunique() <= MOST_PAIRS else "all → " + rows["target"].astype(str),
    )


def bars(axis: Axes, rows: pd.DataFrame, column: str, series: dict[str, tuple[str, str]], by: str) -> None:
    """Groups of bars, one group per pair: mean and standard deviation over splits.

    Args:
        axis: to draw on.
        rows: of the experiment.
        column: the error.
        series: colour and label by value of `by`.
        by: the column that tells bars of a group apart.
    """
    order = list(dict.fromkeys(rows["pair"]))
    per_split = rows.groupby(["pair", by, "split"], observed=True)[column].mean()
    width = 0.8 / len(series)
    for number, (value, (colour, label)) in enumerate(series.items()):
        try:
            splits = per_split.xs(value, level=by)
        except KeyError:
            continue
        means = splits.groupby("pair").mean().reindex(order)
        spread = splits.groupby("pair").std().reindex(order).fillna(0)
        places = np.arange(len(order)) + (number - (len(series) - 1) / 2) * width
        axis.bar(
            places,
            means,
            width,
            yerr=spread,
            color=colour,
            label=label,
            error_kw={"elinewidth": 0.6, "ecolor": "#555555"},
        )
    axis.set_xticks(range(len(order)), order, rotation=45, ha="right", fontsize=7)
    axis.grid(visible=False, axis="x")
    if column == "r2":
        # R2 has no lower end: beyond -1 the axis is logarithmic, so that a bad one does not hide the others
        axis.set_yscale("symlog", linthresh=1, linscale=2)
        lowest = min(axis.get_ylim()[0], -0.1)
        decades = [-(10.0**power) for power in range(1, 12)]
        axis.set_yticks(
            [1, 0.5, 0, -0.5, -1, *(tick for tick in decades[:: 1 if lowest > -2e3 else 3] if tick > lowest)]
        )
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.yaxis.set_minor_locator(NullLocator())
        axis.set_ylim(lowest, 1.05)
        axis.axhline(0, color="#555555", linewidth=0.6)
    else:
        axis.set_yscale("log")


def error_bars(
    errors: pd.DataFrame, panels: list[tuple[str, pd.DataFrame]], series: dict[str, tuple[str, str]], by: str
) -> Figure:
    """R2 above MSE for each phase, one column per panel."""
    phases = [phase for phase in PHASES if (errors["phase"] == phase).any()]
    groups = max(1, errors["pair"].nunique())
    width = max(3.6, 0.085 * groups * len(series) + 0.25 * groups + 0.6)
    total = max(width * len(panels) + 0.6, 5.2)
    figure = blank(total, 2.3 * 2 * len(phases) + 0.8)
    grid = figure.subplots(2 * len(phases), len(panels), squeeze=False, sharey="row", sharex=True)
    labels = {"r2": "R²", "mse_kwh2": "MSE (kWh²)"}
    for number, phase in enumerate(phases):
        kinds = " and ".join(errors.loc[errors["phase"] == phase, "kinds"].unique())
        for offset, (column, label) in enumerate(labels.items()):
            for axis, (title, rows) in zip(grid[2 * number + offset], panels, strict=True):
                bars(axis, rows[rows["phase"] == phase], column, series, by)
                if column == "r2":
                    axis.set_title(f"{PHASES[phase]}, {title} ({kinds})", fontsize=9)
            grid[2 * number + offset][0].set_ylabel(f"{label}, held out")
    handles, names = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=min(len(series), 5 if total > 7 else 2))
    return figure
