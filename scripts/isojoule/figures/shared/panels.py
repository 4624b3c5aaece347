"""Figures of the right size, and what is drawn on their panels: points with bars, ticks, legends."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import Formatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from isojoule import readable
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.wording import Words
from isojoule.readable import Unit
from isojoule.tables.columns import COLUMNS

# width of a column by that of a text of two columns, in most journals; the style's figures are as wide as the text
COLUMN = 86 / 178
AS_IT_IS = Unit("", 1)
# figures that would be narrower than this share of the text go into a column
NARROW = 0.6
# a logarithmic axis over a smaller ratio than this may have a single tick at 1, 2 or 5
NARROWEST = 7
# ticks of a logarithmic axis: were their number to follow from the room, the layout would make some it does not know
MOST_DECADES = 15
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# values that differ by less are one, which an axis shows up to this factor around it
SINGLE_VALUE, AROUND = 1e-9, 3
# an axis goes up to so many times its highest point; a longer bar goes on beyond it
FURTHEST = {"linear": 2, "log": 10}


class Sheet(Figure):
    """A figure with what is known only once every panel has its place.

    Attributes:
        legend_columns: most columns of the legend, where there is one.
        legend_handles: what its labels stand beside.
        when_placed: what is called then.
        words: its words before the user's are put in their place.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # by itself a figure makes a new image each time that a word is measured
        FigureCanvasAgg(self)
        self.legend_columns = 1
        self.legend_handles: list[Any] = []
        self.when_placed: list[Callable[[], None]] = []
        self.words = Words([], [])


def blank(width: float, height: float) -> Sheet:
    """Make a figure as wide as a column or the text, whichever is nearer to the width it would like.

    Args:
        width: width in inches that the figure would like.
        height: height in inches; where panels must shrink they keep most of their height.
    """
    text: float = mpl.rcParams["figure.figsize"][0]
    fitted = text * COLUMN if width < NARROW * text else text
    return Sheet(figsize=(fitted, height * np.clip((fitted / width) ** 0.5, 0.8, 1)))


def bars(table: pd.DataFrame, quantity: str, ending: str = "", unit: Unit = AS_IT_IS) -> NDArray[np.float64]:
    """Return the lengths of the bars of the 95 % intervals, below and above the means; 0 where there is no interval.

    Args:
        table: with `<quantity>_mean`, `_ci95_low` and `_ci95_high`, one row per point, (n,).
        quantity: name of the quantity.
        ending: unit at the end of the names of these columns, such as `_kwh`.
        unit: unit that is drawn.

    Returns:
        (2, n), in that unit.
    """
    mean, low, high = (table[f"{quantity}_{end}{ending}"].astype(float) for end in ("mean", "ci95_low", "ci95_high"))
    lengths: NDArray[np.float64] = unit.of(np.vstack([(mean - low).fillna(0), (high - mean).fillna(0)]))
    return lengths


def points(
    axis: Axes,
    x: pd.Series,
    y: object,
    colour: str,
    marker: str,
    label: str,
    xerr: NDArray[np.float64] | None = None,
    yerr: NDArray[np.float64] | None = None,
) -> None:
    """Draw the points of one family or platform, with bars.

    Args:
        axis: where to draw.
        x: horizontal values, (n,).
        y: vertical values, (n,).
        colour: colour of points and bars.
        marker: marker of the points.
        label: label in the legend.
        xerr: lengths of the horizontal bars, below and above the points, (2, n).
        yerr: lengths of the vertical bars, (2, n).
    """
    across, up = (pd.Series(values).astype(float).to_numpy() for values in (x, y))
    draw_bars(axis, across, up, colour, xerr, yerr)
    axis.plot(
        across,
        up,
        marker,
        color=colour,
        label=label,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.4,
        zorder=2.1,
        # a point on the edge, such as one of an F1 of 0, is seen as a whole
        clip_on=False,
        in_layout=False,
    )


def draw_bars(
    axis: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    colour: str,
    xerr: NDArray[np.float64] | None = None,
    yerr: NDArray[np.float64] | None = None,
    width: float = 0.9,
    cap: float = 4,
) -> None:
    """Draw bars through points, all of one direction as a single line, which is drawn sooner than a line for each.

    Args:
        axis: where to draw.
        x: horizontal values, (n,).
        y: vertical values, (n,).
        colour: colour of the bars.
        xerr: lengths of the horizontal bars, below and above the points, (2, n).
        yerr: lengths of the vertical bars, (2, n).
        width: width of the bars in points of 1/72 inch.
        cap: length of the strokes across their ends in points.
    """
    for side, lengths, values, others in (("x", xerr, x, y), ("y", yerr, y, x)):
        if lengths is None or not len(x):
            continue
        axis.add_line(Bars(side, values, lengths, others, color=colour, linewidth=width, markersize=cap))
        _hold_limits(axis, side)


class Bars(Line2D):
    """Bars through points in one direction, with strokes at their ends.

    Attributes:
        side: `x` for horizontal bars, `y` for vertical ones.
        values: values of the points along the bars, (n,).
    """

    def __init__(
        self,
        side: str,
        values: NDArray[np.float64],
        lengths: NDArray[np.float64],
        others: NDArray[np.float64],
        **style: Any,
    ) -> None:
        self.side, self.values = side, values
        # what is no number ends a bar
        ends = np.column_stack([values - lengths[0], values + lengths[1], np.full(len(values), np.nan)]).ravel()
        places = ends, np.repeat(others, 3)
        super().__init__(
            *(places if side == "x" else places[::-1]),
            marker="|" if side == "x" else "_",
            markeredgewidth=0.4,
            **style,
        )


def _hold_limits(axis: Axes, side: str) -> None:
    """Let no long bar press the points of an axis together: it ends at so many times the highest point at the most."""
    values = np.concatenate([line.values for line in axis.lines if isinstance(line, Bars) and line.side == side])
    above_zero = values[values > 0]
    if not len(above_zero):
        return
    scale = getattr(axis, f"get_{side}scale")()
    low, high = above_zero.min() / FURTHEST[scale] if scale == "log" else -np.inf, above_zero.max() * FURTHEST[scale]
    axis.relim()
    first, last = getattr(axis.dataLim, f"interval{side}")
    setattr(axis.dataLim, f"interval{side}", (max(first, low), min(last, high)))


class Plain(Formatter):
    """Writes the numbers at ticks as they are written everywhere, and those of many digits as people write powers."""

    def __call__(self, value: float, _position: int | None = None) -> str:
        """Return the label of a tick."""
        digits, is_power, power = readable.digits(value).partition("e")
        if not is_power:
            return digits
        raised = f"10{str(int(power)).translate(RAISED)}"
        return {"1": raised, "-1": f"-{raised}"}.get(digits, f"{digits}·{raised}")


def label_decades(axis: Axis) -> None:
    """Label powers of ten, values between them where they are too few, and round values where there is hardly one."""
    # panels that share an axis have its interval in common, and with it the ticks
    low, high = axis.get_view_interval()
    if low > 0 and high / low - 1 < SINGLE_VALUE:
        # a single value has no interval, and on a logarithmic axis nothing makes one
        low, high = low / AROUND, high * AROUND
        axis.axes.set(**{"xlim" if axis is axis.axes.xaxis else "ylim": (low, high)})
    if high < NARROWEST * low:
        axis.set_major_locator(MaxNLocator(4))
    else:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 40 * low else (1,), numticks=MOST_DECADES))
    axis.set_major_formatter(Plain())
    # each tick is an artist, which takes longer to lay out and to draw than a point
    axis.set_minor_locator(NullLocator())


def end_of_quality(axis: Axes, quality: str) -> None:
    """Let the axis of a quality end at the highest one that there can be, where room around the points goes beyond."""
    highest = COLUMNS[quality].bounds[1] if quality in COLUMNS else np.inf
    if axis.get_ylim()[1] > highest >= axis.dataLim.y1:
        axis.set_ylim(top=highest)


def leave_out_empty(figure: Sheet) -> None:
    """Remove the panels without data; the first that stays in a row has the words at its left.

    Raises:
        NothingError: no panel has data.
    """
    panels = [axis for axis in figure.axes if axis.name != "3d"]
    empty = [axis for axis in panels if not np.isfinite(axis.dataLim.get_points()).all()]
    if empty and len(empty) == len(figure.axes):
        raise NothingError("No figure: its table has nothing that can be drawn.")
    for axis in empty:
        place = axis.get_subplotspec()
        row = [other for other in panels if other not in empty and _row(other) == _row(axis)]
        if place is not None and place.is_first_col() and row:
            row[0].set_ylabel(axis.get_ylabel())
            row[0].tick_params(labelleft=True)
        axis.remove()


def _row(axis: Axes) -> int | None:
    place = axis.get_subplotspec()
    return None if place is None else place.rowspan.start


def legend(figure: Sheet, columns: int) -> None:
    """Draw one legend above all panels, with the labels of all of them, each once."""
    by_label: dict[str, Any] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            by_label.setdefault(label, handle)
    legend_of(figure, list(by_label.values()), list(by_label), columns)


def legend_of(figure: Sheet, handles: Sequence[Any], labels: Sequence[str], columns: int) -> None:
    """Draw one legend above all panels, which gets fewer columns where it is too wide."""
    figure.legend_handles, figure.legend_columns = list(handles), min(columns, len(labels))
    figure.legend(handles, labels, loc="outside upper center", ncols=figure.legend_columns)
