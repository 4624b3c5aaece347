"""What the figures of fronts share: the table, panels with models by their verdict, names beside the points."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from isojoule import readable
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import bars, blank, label_decades, legend, points
from isojoule.figures.shared.styles import PHASES, VERDICTS, phases_of
from isojoule.fronts.costs import COSTS
from isojoule.fronts.of_study import TABLE
from isojoule.pareto.front import DOMINATED, OPTIMAL
from isojoule.readable import Unit
from isojoule.tables.qualities import QUALITIES

# with more models than this dominated ones are not named, and with more models that are not dominated none is
MOST_NAMED, MOST_SHOWN = 16, 40
# costs that differ by more than this factor are on a logarithmic axis
WIDE = 8
# a name that is nearer to its point needs no line
SHORTEST_LINE_PX = 5


class Panel(NamedTuple):
    """One panel: its title, the name of its cost, rows of a table of fronts, and the unit to show their costs in."""

    title: str
    cost: str
    rows: pd.DataFrame
    unit: Unit


def read(path: Path) -> pd.DataFrame:
    """Read a table of fronts and keep those of the first quality that it has.

    Args:
        path: CSV or parquet file of `isojoule compare-fronts`.

    Raises:
        InputError: the file is unreadable or no such table.
    """
    table = TABLE.read(path)
    if table.empty:
        return table
    words = [name for name in ("phase", "normalized_to", "energy_kind") if name in table]
    table = table.assign(**{name: table[name].fillna("") for name in words})
    return table[table["quality"] == table["quality"].iloc[0]]


def of_phases(table: pd.DataFrame, cost: str) -> Figure:
    """Draw the fronts of a cost, training beside test, with one row of panels per platform.

    Args:
        table: a table of fronts.
        cost: one of `COSTS`, in which training and test differ.
    """
    table = table[table["cost"] == cost]
    if table.empty:
        raise NothingError("No front: nothing has both a quality and such an energy.")
    phases = phases_of(table)
    units = {phase: cost_unit(cost, part) for phase, part in table.groupby("phase")}
    panels = []
    for (gpu, target), of_gpu in table.groupby(["gpu", "normalized_to"], sort=False):
        platform = f"{gpu}, normalized to {target}" if target else gpu
        panels += [
            Panel(f"{PHASES[phase]} on {platform}", COSTS[cost].label, of_gpu[of_gpu["phase"] == phase], units[phase])
            for phase in phases
        ]
    return of_panels(panels, quality_label(table))


def cost_unit(cost: str, rows: pd.DataFrame) -> Unit:
    """Choose the unit of the rows of a table of fronts, all of one cost."""
    return readable.unit(COSTS[cost].unit, rows["cost_mean"])


def of_panels(panels: list[Panel], y_label: str) -> Figure:
    """Draw one front per panel, with two panels in each row.

    Args:
        panels: the panels, row by row.
        y_label: label of the axis of the quality.
    """
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = blank(3.5 * columns, 2.6 * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False, sharey="row")
    for axis in grid.flat[len(panels) :]:
        axis.remove()
    for row in grid:
        row[0].set_ylabel(y_label)
    panels = [
        # costs are shown in the unit of their axis
        panel._replace(
            rows=panel.rows.assign(
                **{name: panel.unit.of(panel.rows[name]) for name in ("cost_mean", "cost_ci95_low", "cost_ci95_high")}
            )
        )
        for panel in panels
    ]
    for axis, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axis, panel)
    legend(figure, grid[0][0], len(VERDICTS))
    # names are moved as they lie on the page, so that the panels must have their place by now, and keep it
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    # adjustText draws the whole figure once more for each panel, which takes ten times as long as its own work
    for axis in figure.axes:
        axis.set_visible(False)
    for axis, panel in zip(grid.flat, panels, strict=False):
        _draw_names(axis, panel.rows)
    for axis in figure.axes:
        axis.set_visible(True)
    return figure


def quality_label(table: pd.DataFrame) -> str:
    """Label the axis of the quality."""
    name = str(table["quality"].iloc[0])
    return QUALITIES.get(name, name.replace("_", " "))


def _draw_panel(axis: Axes, panel: Panel) -> None:
    """Draw quality against cost by verdict, and the front as a line."""
    part, label = panel.rows, panel.unit.label(panel.cost)
    costs = part["cost_mean"]
    is_logarithmic = len(part) > 0 and costs.min() > 0 and costs.max() > WIDE * costs.min()
    axis.set(title=panel.title, xlabel=label + _kinds_label(part), xscale="log" if is_logarithmic else "linear")
    front = part[part["verdict"] == OPTIMAL].sort_values("cost_mean")
    if len(front):
        axis.step(
            front["cost_mean"], front["quality_mean"], where="post", color=VERDICTS[OPTIMAL][0], linewidth=0.9, zorder=1
        )
    for verdict, (colour, marker) in VERDICTS.items():
        models = part[part["verdict"] == verdict]
        lengths = {"xerr": bars(models, "cost"), "yerr": bars(models, "quality")}
        points(axis, models["cost_mean"], models["quality_mean"], colour, marker, verdict.capitalize(), **lengths)
    # leave room for names beside the outermost points
    axis.margins(x=0.1, y=0.12)
    if is_logarithmic:
        label_decades(axis.xaxis)
    if part.empty:
        axis.text(0.5, 0.5, "nothing to show", transform=axis.transAxes, ha="center")


def _kinds_label(part: pd.DataFrame) -> str:
    """Name the kinds of the energies in these rows, for the label of an axis."""
    kinds = " and ".join(sorted({kind for kind in part.get("energy_kind", pd.Series(dtype=str)).dropna() if kind}))
    return f", {kinds}" if kinds else ""


def _draw_names(axis: Axes, part: pd.DataFrame) -> None:
    shown = part if len(part) <= MOST_NAMED else part[part["verdict"] != DOMINATED]
    if shown.empty or len(shown) > MOST_SHOWN:
        return
    background = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.3}
    texts = [
        axis.text(
            row["cost_mean"], row["quality_mean"], row["architecture"], fontsize=6, color="#333333", bbox=background
        )
        for _, row in shown.iterrows()
    ]
    adjust_text(
        texts,
        ax=axis,
        x=part["cost_mean"].to_numpy(),
        y=part["quality_mean"].to_numpy(),
        expand=(1.15, 1.35),
        max_move=(12, 12),
        iter_lim=30,
    )
    _draw_lines(axis, texts, shown[["cost_mean", "quality_mean"]].to_numpy(dtype=float))


def _draw_lines(axis: Axes, texts: list[Text], points_drawn: NDArray[np.float64]) -> None:
    """Join names that lie away from their points with them, by lines that are found once and not at every drawing."""
    lines = []
    for text, (x, y) in zip(texts, axis.transData.transform(points_drawn), strict=True):
        box = text.get_window_extent()
        nearest = np.clip((x, y), box.min, box.max)
        if np.abs(nearest - (x, y)).max() >= SHORTEST_LINE_PX:
            lines.append(axis.transData.inverted().transform([(x, y), nearest]))
    axis.add_collection(LineCollection(lines, colors="#999999", linewidths=0.4, zorder=1), autolim=False)
