"""What the figures of normalization share: pairs of platforms, colours of methods, bars with their spread."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from isojoule import readable
from isojoule.errors import InputError
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import bars, blank
from isojoule.figures.shared.styles import PHASES, phases_of
from isojoule.normalization.base import Values
from isojoule.normalization.methods import DEFAULT
from isojoule.normalization.pairs import Pair, pairs
from isojoule.normalization.splits import SCHEMES
from isojoule.readable import Unit
from isojoule.tables.energy import energy_table

# Tol's muted colours; methods share none with families and platforms
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
    DEFAULT: ("#000000", "Ours, chosen references"),
}
# with more pairs than this, those to the same target are drawn together
MOST_PAIRS = 12
SHOWN_TARGETS = 3
NOTHING = "Nothing to normalize: no phase has energies on two platforms."


def first_pairs(frame: pd.DataFrame, most: int = SHOWN_TARGETS) -> list[Pair]:
    """Return the pairs from the first platform to the next ones, training first; none where there are no two platforms.

    Args:
        frame: a table of measurements.
        most: most pairs of a phase.
    """
    shown: list[Pair] = []
    for phase in PHASES:
        try:
            all_pairs = pairs(frame, phase)
        except InputError:
            continue
        # a line needs two different energies
        determined = [pair for pair in all_pairs if pair.systems["energy_kwh"].nunique() > 1]
        shown += [pair for pair in determined if pair.source == determined[0].source][:most]
    return shown


def kinds_of(pair: Pair) -> str:
    """Name the kinds of a pair's energies, for the label of an axis."""
    return " and ".join(pair.kinds)


def bars_of_pair(frame: pd.DataFrame, pair: Pair) -> tuple[Values, Values]:
    """Return the bars of a pair's energies on source and on target, in kWh, each as `bars` does, (2, m)."""
    rows = frame[(frame["phase"] == pair.phase) & frame["gpu"].isin([pair.source, pair.target])]
    table = energy_table(rows).set_index(["gpu", "architecture"])
    source, target = (
        bars(table.loc[gpu].reindex(pair.systems.index), "energy", "_kwh") for gpu in (pair.source, pair.target)
    )
    return source, target


def unit_of_pair(pair: Pair, rule: Callable[[str, Iterable[float]], Unit] = readable.unit) -> Unit:
    """Choose the unit of a pair's energies on source and target, by one of the rules of `readable`."""
    return rule("kWh", [*pair.systems["energy_kwh"], *pair.target_kwh])


def of_random_splits(errors: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of random or k-fold splits with their `pair`, which is the target where there are too many pairs.

    Args:
        errors: rows of the experiment.
    """
    if errors.empty:
        return errors
    rows = errors[errors["scheme"].isin(SCHEMES)]
    pair = rows["source"].astype(str) + " → " + rows["target"].astype(str)
    return rows.assign(pair=pair if pair.nunique() <= MOST_PAIRS else "all → " + rows["target"].astype(str))


def errors_with_all_references(errors: pd.DataFrame, methods: Sequence[str]) -> Figure:
    """Draw the errors of some methods that are fitted on all references.

    Args:
        errors: rows of the experiment.
        methods: names of the methods.
    """
    rows = of_random_splits(errors)
    if not rows.empty:
        rows = rows[rows["method"].isin(methods) & (rows["sampling"] == "all")]
    if rows.empty:
        raise NothingError(NOTHING)
    return error_bars(rows, [("all references", rows)], {name: METHODS[name] for name in methods}, "method")


def error_bars(
    errors: pd.DataFrame, panels: list[tuple[str, pd.DataFrame]], series: dict[str, tuple[str, str]], by: str
) -> Figure:
    """Draw R2 above MSE for each phase, with one column per panel.

    Args:
        errors: rows of the experiment, of all panels.
        panels: title and rows of each panel.
        series: colour and label by value of `by`.
        by: the column that tells the bars of a group apart.
    """
    phases = phases_of(errors)
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
                _draw_bars(axis, rows[rows["phase"] == phase], column, series, by)
                if column == "r2":
                    axis.set_title(f"{PHASES[phase]}, {title} ({kinds})", fontsize=9)
            grid[2 * number + offset][0].set_ylabel(f"{label}, held out")
    handles, names = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=min(len(series), 5 if total > 7 else 2))
    return figure


def _draw_bars(axis: Axes, rows: pd.DataFrame, column: str, series: dict[str, tuple[str, str]], by: str) -> None:
    """Draw groups of bars, one group per pair: mean and standard deviation over splits."""
    order = list(dict.fromkeys(rows["pair"]))
    means_of_splits = rows.groupby(["pair", by, "split"], observed=True)[column].mean()
    width = 0.8 / len(series)
    for number, (value, (colour, label)) in enumerate(series.items()):
        try:
            by_pair = means_of_splits.xs(value, level=by).groupby("pair")
        except KeyError:
            continue
        axis.bar(
            np.arange(len(order)) + (number - (len(series) - 1) / 2) * width,
            by_pair.mean().reindex(order),
            width,
            yerr=by_pair.std().reindex(order).fillna(0),
            color=colour,
            label=label,
            error_kw={"elinewidth": 0.6, "ecolor": "#555555"},
        )
    axis.set_xticks(range(len(order)), order, rotation=45, ha="right", fontsize=7)
    axis.grid(visible=False, axis="x")
    if column == "r2":
        _scale_r2(axis)
    else:
        axis.set_yscale("log")


def _scale_r2(axis: Axes) -> None:
    """Make the axis logarithmic below -1: R2 has no lower end, and a bad one must not hide the others."""
    axis.set_yscale("symlog", linthresh=1, linscale=2)
    lowest = min(axis.get_ylim()[0], -0.1)
    decades = [-(10.0**power) for power in range(1, 12)]
    shown_decades = [tick for tick in decades[:: 1 if lowest > -2e3 else 3] if tick > lowest]
    axis.set_yticks([1, 0.5, 0, -0.5, -1, *shown_decades])
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.set_ylim(lowest, 1.05)
    axis.axhline(0, color="#555555", linewidth=0.6)
