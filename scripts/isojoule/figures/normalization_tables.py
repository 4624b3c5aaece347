"""Error against the number of references on tables of others: ours, and all methods of the papers."""

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from isojoule.figures.shared.comparing import METHODS
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Plain, Sheet, blank, legend_of
from isojoule.normalization.methods import DEFAULT
from isojoule.normalization.published import PUBLISHED
from isojoule.tables.expected import Expected

READ = Expected(
    "the errors that isojoule compare-normalization writes",
    words=("table", "title", "held_out", "phase", "kinds", "references", "method", "sampling"),
    numbers=("mdape_percent",),
).read
MOST_COLUMNS = 3
HIGHEST_PERCENT = 200


def draw(errors: pd.DataFrame) -> Sheet:
    """Draw the figure from the errors of `isojoule compare-normalization`, with one panel per table."""
    if errors.empty:
        raise NothingError("Nothing to normalize: there is no table.")
    panels = list(errors.groupby(["table", "held_out", "phase"], sort=False))
    columns = min(len(panels), MOST_COLUMNS)
    rows = -(-len(panels) // columns)
    figure = blank(2.6 * columns + 0.4, 2.6 * rows + 1.0)
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = list(grid.flat)
    for axis, (_, of_table) in zip(axes, panels, strict=False):
        _draw_panel(axis, of_table)
    for row in grid:
        row[0].set_ylabel("MdAPE, held out (%)")
    by_label: dict[str, Artist] = {}
    for axis in axes:
        by_label |= {label: handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    order = [METHODS[DEFAULT][1], *(label for label in by_label if label != METHODS[DEFAULT][1])]
    legend_of(figure, [by_label[label] for label in order], order, 4)
    return figure


def _draw_panel(axis: Axes, errors: pd.DataFrame) -> None:
    """Draw the errors of a table: of each published method those of its best choice of references."""
    counts = sorted(set(errors["references"].astype(str)), key=lambda count: (not count.isdigit(), count.zfill(9)))
    places = {count: place for place, count in enumerate(counts)}
    for method in PUBLISHED:
        of_method = errors[errors["method"] == method]
        best = of_method.groupby("references", sort=False)["mdape_percent"].min()
        _draw_line(axis, best, places, method, "-", 0.8)
    ours = errors[errors["method"] == DEFAULT].groupby("references", sort=False)["mdape_percent"].first()
    _draw_line(axis, ours, places, DEFAULT, "o-", 2.4)
    first = errors.iloc[0]
    axis.set_title(f"{first['title']}\n{first['held_out']} held out ({first['kinds']})", fontsize=7)
    axis.set_xticks(range(len(counts)), counts)
    axis.set(yscale="log", xlabel="References")
    axis.set_ylim(top=min(axis.get_ylim()[1], HIGHEST_PERCENT))
    low, high = axis.get_ylim()
    axis.set_yticks([tick for tick in (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200) if low <= tick <= high])
    axis.yaxis.set_major_formatter(Plain())
    axis.yaxis.set_minor_locator(NullLocator())


def _draw_line(
    axis: Axes, errors_percent: pd.Series, places: dict[str, int], method: str, style: str, width: float
) -> None:
    if errors_percent.empty:
        return
    colour, label = METHODS[method]
    in_order = errors_percent.set_axis([places[str(count)] for count in errors_percent.index]).sort_index()
    axis.plot(in_order.index, in_order, style, color=colour, label=label, linewidth=width, markersize=4)
