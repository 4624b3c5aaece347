"""What the figures of normalization share: pairs of platforms, colours of methods, bars with their spread."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.ticker import NullLocator

from isojoule import readable
from isojoule.errors import InputError
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Plain, Sheet, bars, blank, label_decades, legend_of
from isojoule.figures.shared.styles import PHASES, phases_of
from isojoule.normalization import pairs
from isojoule.normalization.base import Values
from isojoule.normalization.methods import DEFAULT
from isojoule.normalization.pairs import Pair
from isojoule.normalization.splits import SCHEMES
from isojoule.readable import Unit

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
# height of the bars of a pair in inches, in which two lines of its name have room
GROUP = 0.3
NOTHING = "Nothing to normalize: no phase has energies on two platforms."


def first_pairs(frame: pd.DataFrame, most: int = SHOWN_TARGETS) -> list[Pair]:
    """Return the pairs from the first platform to the next ones, training first; none where there are no two platforms.

    Args:
        frame: a table of measurements.
        most: most pairs of a phase.
    """
    shown: list[Pair] = []
    for phase in PHASES:
        ok = frame[(frame["phase"] == phase) & (frame["outcome"] == "ok")]
        gpus = list(ok["gpu"].unique())
        for source in gpus:
            found = [
                pair for target in gpus if target != source and (pair := _determined(frame, phase, source, target))
            ]
            if found:
                shown += found[:most]
                break
    return shown


def _determined(frame: pd.DataFrame, phase: str, source: str, target: str) -> Pair | None:
    """Return a pair that has two different energies, which a line needs, or None."""
    try:
        both = pairs.pair(frame, phase, source, target)
    except InputError:
        return None
    return both if both.systems["energy_kwh"].nunique() > 1 else None


def kinds_of(pair: Pair) -> str:
    """Name the kinds of a pair's energies, for the label of an axis."""
    return " and ".join(pair.kinds)


def bars_of_pair(energies: pd.DataFrame, pair: Pair) -> tuple[Values, Values]:
    """Return the bars of a pair's energies on source and on target, in kWh, each as `bars` does, (2, m).

    Args:
        energies: the table of energy, which one figure makes once for all of its pairs.
        pair: the pair.
    """
    table = energies[energies["phase"] == pair.phase].set_index(["gpu", "architecture"])
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


def errors_with_all_references(errors: pd.DataFrame, methods: Sequence[str]) -> Sheet:
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
) -> Sheet:
    """Draw R2 beside MSE with one row per phase; the pairs stand below each other, so that their names can be read.

    R2 needs two systems that are held out: where every split holds out one, its panels are left out.

    Args:
        errors: rows of the experiment, of all panels.
        panels: title and rows of each panel.
        series: colour and label by value of `by`.
        by: the column that tells the bars of a group apart.
    """
    phases = phases_of(errors)
    shown = {
        phase: [
            (column, title, of_phase)
            for column in ("r2", "mse_kwh2")
            for title, rows in panels
            if (of_phase := rows[rows["phase"] == phase])[column].notna().any()
        ]
        for phase in phases
    }
    columns = max(map(len, shown.values()))
    height = max(1.6, GROUP * errors["pair"].nunique() + 0.7)
    figure = blank(7 if columns > 1 else 3.5, height * len(phases) + 0.4)
    grid = figure.subplots(len(phases), columns, squeeze=False, sharey="row")
    for row, (phase, of_row) in zip(grid, shown.items(), strict=True):
        of_phase = errors[errors["phase"] == phase]
        unit = readable.unit_of_linear_axis("kWh", of_phase["mse_kwh2"] ** 0.5)
        quantities = {"r2": ("R², held out", 1.0), "mse_kwh2": (f"MSE ({unit.symbol}²), held out", unit.size**2)}
        kinds = " and ".join(of_phase["kinds"].unique())
        for axis, (column, title, rows) in zip(row, of_row, strict=False):
            label, size = quantities[column]
            _draw_bars(axis, rows, column, size, series, by)
            axis.set(title=f"{PHASES[phase]} ({kinds})\n{title}", xlabel=label)
        for column in quantities:
            if axes := [axis for axis, (of_axis, *_) in zip(row, of_row, strict=False) if of_axis == column]:
                _scale(axes, column)
    handles, names = grid[0][0].get_legend_handles_labels()
    legend_of(figure, handles, names, 5)
    return figure


def _draw_bars(
    axis: Axes, rows: pd.DataFrame, column: str, size: float, series: dict[str, tuple[str, str]], by: str
) -> None:
    """Draw groups of bars, one group per pair, the first on top: mean and standard deviation over splits."""
    order = list(dict.fromkeys(rows["pair"]))
    means_of_splits = rows.groupby(["pair", by, "split"], observed=True)[column].mean() / size
    width = 0.8 / len(series)
    for number, (value, (colour, label)) in enumerate(series.items()):
        try:
            by_pair = means_of_splits.xs(value, level=by).groupby("pair")
        except KeyError:
            continue
        axis.barh(
            np.arange(len(order)) + (number - (len(series) - 1) / 2) * width,
            by_pair.mean().reindex(order),
            width,
            xerr=by_pair.std().reindex(order).fillna(0),
            color=colour,
            label=label,
            error_kw={"elinewidth": 0.6, "ecolor": "#555555"},
        )
    axis.set_yticks(range(len(order)), [name.replace(" → ", "\n→ ") for name in order])
    axis.set_ylim(len(order) - 0.5, -0.5)
    axis.grid(visible=False, axis="y")


def _scale(axes: Sequence[Axes], column: str) -> None:
    """Give panels of one quantity the same axis: of R2 it ends at 1 and is logarithmic below -1, of MSE logarithmic."""
    low, high = (end(axis.get_xlim()[number] for axis in axes) for number, end in enumerate((min, max)))
    drawn = [bar for axis in axes for group in axis.containers if isinstance(group, BarContainer) for bar in group]
    above_zero = [width for bar in drawn if (width := bar.get_width()) > 0]
    for axis in axes:
        if column == "r2":
            _scale_r2(axis, min(low, -0.1))
        else:
            axis.set_xscale("log")
            # a bar has no length on a logarithmic axis; this keeps the shortest one seen
            axis.set_xlim(min(above_zero, default=1) / 3, max(high, 3 * max(above_zero, default=1)))
            label_decades(axis.xaxis)


def _scale_r2(axis: Axes, lowest: float) -> None:
    """Make the axis logarithmic below -1: R2 has no lower end, and a bad one must not hide the others."""
    axis.set_xscale("symlog", linthresh=1, linscale=2)
    decades = [-(10.0**power) for power in range(1, 12)]
    shown_decades = [tick for tick in decades[:: 1 if lowest > -2e3 else 3] if tick > lowest]
    axis.set_xticks([*shown_decades[::-1], -1, 0, 1] if lowest < -1 else [-1, -0.5, 0, 0.5, 1])
    axis.xaxis.set_major_formatter(Plain())
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlim(lowest, 1.0)
    axis.axvline(0, color="#555555", linewidth=0.6)
