"""What the figures of fronts share: the table, panels with models by their verdict, names beside the points."""

from pathlib import Path

import pandas as pd
from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isojoule.figures.shared.drawing import PHASES, VERDICTS, blank, label_decades, legend, nothing, points, reading
from isojoule.fronts.stability import KEYS
from isojoule.pareto.front import DOMINATED, OPTIMAL
from isojoule.tables.qualities import QUALITIES

COLUMNS = ("architecture", "cost_mean", "cost_ci95_high", "quality_mean", "quality_ci95_high", "verdict")
# with more models than this the dominated ones have no name, and with more not dominated than this none has
MOST_NAMED, MOST_SHOWN = 16, 40
# costs that differ by more than this factor are on a logarithmic axis
WIDE = 8


def read(path: Path) -> pd.DataFrame:
    """Read a table of fronts, as compare_fronts.py writes it; the first quality that it has.

    Raises:
        InputError: unreadable, or no such table.
    """
    table = reading("a table of compare_fronts.py", KEYS)(path)
    if len(table):
        table = reading("a table of compare_fronts.py", COLUMNS)(path)
    words = ["phase", "normalized_to", "energy_kind"]
    table = table.assign(**{name: table[name].fillna("") for name in words if name in table})
    return table[table["quality"] == table["quality"].iloc[0]] if len(table) else table


def of_phases(table: pd.DataFrame, label: str) -> Figure:
    """Fronts of a cost, training beside test, one row per platform.

    Args:
        table: fronts of one cost.
        label: of the axis of the cost, with its unit.
    """
    if table.empty:
        return nothing("No front: nothing has both a quality and such an energy.")
    phases = [phase for phase in PHASES if (table["phase"] == phase).any()]
    panels = []
    for (gpu, target), of_gpu in table.groupby(["gpu", "normalized_to"], sort=False):
        where = f"{gpu}, normalized to {target}" if target else gpu
        panels += [(f"{PHASES[phase]} on {where}", label, of_gpu[of_gpu["phase"] == phase]) for phase in phases]
    return of_panels(panels, quality_label(table))


def of_panels(panels: list[tuple[str, str, pd.DataFrame]], y_label: str) -> Figure:
    """Two panels beside each other in each row.

    Args:
        panels: title, label of the axis of the cost, and rows of each.
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
    for axis, (title, label, part) in zip(grid.flat, panels, strict=False):
        _panel(axis, part, title, label)
    legend(figure, grid[0][0], len(VERDICTS))
    # names are moved as they lie on the page, so the panels must have their place by now, and keep it
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axis, (_, _, part) in zip(grid.flat, panels, strict=False):
        _names(axis, part)
    return figure


def _panel(axis: Axes, part: pd.DataFrame, title: str, label: str) -> None:
    """Quality against cost, by verdict, with the front as a line and names beside the points."""
    costs = part["cost_mean"]
    decades = len(part) > 0 and costs.min() > 0 and costs.max() > WIDE * costs.min()
    axis.set(title=title, xlabel=label + kind(part), xscale="log" if decades else "linear")
    front = part[part["verdict"] == OPTIMAL].sort_values("cost_mean")
    if len(front):
        axis.step(
            front["cost_mean"], front["quality_mean"], where="post", color=VERDICTS[OPTIMAL][0], linewidth=0.9, zorder=1
        )
    for verdict, (colour, marker) in VERDICTS.items():
        mine = part[part["verdict"] == verdict]
        bars = {
            f"{side}err": (mine[f"{name}_ci95_high"] - mine[f"{name}_mean"]).astype(float).fillna(0)
            for side, name in (("x", "cost"), ("y", "quality"))
        }
        points(axis, mine["cost_mean"], mine["quality_mean"], colour, marker, verdict.capitalize(), **bars)
    # room for names beside the outermost points
    axis.margins(x=0.1, y=0.12)
    if decades:
        label_decades(axis.xaxis)
    if part.empty:
        axis.text(0.5, 0.5, "nothing to show", transform=axis.transAxes, ha="center")


def kind(part: pd.DataFrame) -> str:
    """What the energies of these rows are, for the label of an axis."""
    kinds = " and ".join(sorted({one for one in part.get("energy_kind", pd.Series(dtype=str)).dropna() if one}))
    return f", {kinds}" if kinds else ""


def quality_label(table: pd.DataFrame) -> str:
    """The axis of the quality."""
    name = str(table["quality"].iloc[0])
    return QUALITIES.get(name, name.replace("_", " "))


def _names(axis: Axes, part: pd.DataFrame) -> None:
    shown = part if len(part) <= MOST_NAMED else part[part["verdict"] != DOMINATED]
    if shown.empty or len(shown) > MOST_SHOWN:
        return
    ground = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.3}
    texts = [
        axis.text(row["cost_mean"], row["quality_mean"], row["architecture"], fontsize=6, color="#333333", bbox=ground)
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
        arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.4},
    )
