"""What the figures of fronts share: the table, panels with models by their verdict, names beside the points."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.text import Text

from isojoule import readable
from isojoule.figures.shared import naming
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet, bars, blank, end_of_quality, label_decades, legend, points
from isojoule.figures.shared.styles import PHASES, VERDICTS, phases_of
from isojoule.fronts.costs import COSTS
from isojoule.fronts.of_study import TABLE
from isojoule.pareto.front import DOMINATED, OPTIMAL
from isojoule.readable import Unit
from isojoule.tables.qualities import QUALITIES

# with more models than this dominated ones are not named
MOST_NAMED = 16
# costs that differ by more than this factor are on a logarithmic axis
WIDE = 8
# the models whose names find a place first
IMPORTANCE = {verdict: place for place, verdict in enumerate(VERDICTS)}


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


def of_phases(table: pd.DataFrame, cost: str) -> Sheet:
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


def of_panels(panels: list[Panel], y_label: str) -> Sheet:
    """Draw one front per panel, with two panels in each row.

    Args:
        panels: the panels, row by row; those without rows are left out.
        y_label: label of the axis of the quality.
    """
    panels = [panel for panel in panels if len(panel.rows)]
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = blank(3.5 * columns, 2.6 * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False, sharey="row")
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
    legend(figure, len(VERDICTS))
    for axis, panel in zip(grid.flat, panels, strict=False):
        figure.when_placed.append(partial(_place_names, axis, panel.rows, _names(axis, panel.rows)))
    return figure


def quality_label(table: pd.DataFrame) -> str:
    """Label the axis of the quality."""
    name = str(table["quality"].iloc[0])
    return QUALITIES.get(name, name.replace("_", " "))


def _draw_panel(axis: Axes, panel: Panel) -> None:
    """Draw quality against cost by verdict, and the front as a line."""
    part, label = panel.rows, panel.unit.label(panel.cost)
    costs = part["cost_mean"]
    is_logarithmic = costs.min() > 0 and costs.max() > WIDE * costs.min()
    axis.set(title=panel.title, xlabel=label + _kinds_label(part), xscale="log" if is_logarithmic else "linear")
    front = part[part["verdict"] == OPTIMAL].sort_values("cost_mean")
    axis.step(
        front["cost_mean"], front["quality_mean"], where="post", color=VERDICTS[OPTIMAL][0], linewidth=0.9, zorder=1
    )
    for verdict, (colour, marker) in VERDICTS.items():
        models = part[part["verdict"] == verdict]
        lengths = {"xerr": bars(models, "cost"), "yerr": bars(models, "quality")}
        points(axis, models["cost_mean"], models["quality_mean"], colour, marker, verdict.capitalize(), **lengths)
    # leave room for names beside the outermost points
    axis.margins(x=0.1, y=0.12)
    if "quality" in part:
        end_of_quality(axis, str(part["quality"].iloc[0]))
    if is_logarithmic:
        label_decades(axis.xaxis)


def _kinds_label(part: pd.DataFrame) -> str:
    """Name the kinds of the energies in these rows, for the label of an axis."""
    kinds = " and ".join(sorted({kind for kind in part.get("energy_kind", pd.Series(dtype=str)).dropna() if kind}))
    return f", {kinds}" if kinds else ""


def _names(axis: Axes, part: pd.DataFrame) -> list[Text]:
    """Name the models at their points, those of the front first."""
    shown = part if len(part) <= MOST_NAMED else part[part["verdict"] != DOMINATED]
    shown = shown.sort_values("verdict", key=lambda verdicts: verdicts.map(IMPORTANCE), kind="stable")
    return naming.names(axis, shown["cost_mean"], shown["quality_mean"], shown["architecture"])


def _place_names(axis: Axes, part: pd.DataFrame, texts: list[Text]) -> None:
    """Move the names away from points, from the bars through them, and from the front."""
    ends = ("mean", "ci95_low", "ci95_high")
    cost, cost_low, cost_high = (part[f"cost_{end}"].fillna(part["cost_mean"]) for end in ends)
    quality, quality_low, quality_high = (part[f"quality_{end}"].fillna(part["quality_mean"]) for end in ends)
    front = part[part["verdict"] == OPTIMAL].sort_values("cost_mean")[["cost_mean", "quality_mean"]].to_numpy(float)
    corners = np.column_stack([front[1:, 0], front[:-1, 1]])
    lines = [
        np.stack([np.column_stack([cost_low, quality]), np.column_stack([cost_high, quality])], axis=1),
        np.stack([np.column_stack([cost, quality_low]), np.column_stack([cost, quality_high])], axis=1),
        np.stack([front[:-1], corners], axis=1),
        np.stack([corners, front[1:]], axis=1),
    ]
    naming.place(axis, texts, np.column_stack([cost, quality]).astype(float), np.concatenate(lines).astype(float))
