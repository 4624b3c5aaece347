"""Figures of the right size, and what is drawn on their panels: points with bars, ticks, legends."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator, ScalarFormatter
from numpy.typing import NDArray

from isojoule.readable import Unit

# width of a column by that of a text of two columns, in most journals; the style's figures are as wide as the text
COLUMN = 86 / 178
AS_IT_IS = Unit("", 1)
# figures that would be narrower than this share of the text go into a column
NARROW = 0.6
# a logarithmic axis over a smaller ratio than this may have a single tick at 1, 2 or 5
NARROWEST = 7
# values that differ by less are one, which an axis shows up to this factor around it
SINGLE_VALUE, AROUND = 1e-9, 3


def blank(width: float, height: float) -> Figure:
    """Make a figure as wide as a column or the text, whichever is nearer to the width it would like.

    Args:
        width: width in inches that the figure would like.
        height: height in inches; where panels must shrink they keep most of their height.
    """
    text: float = mpl.rcParams["figure.figsize"][0]
    fitted = text * COLUMN if width < NARROW * text else text
    return Figure(figsize=(fitted, height * np.clip((fitted / width) ** 0.5, 0.8, 1)))


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
    axis.errorbar(
        pd.Series(x).astype(float).to_numpy(),
        pd.Series(y).astype(float).to_numpy(),
        xerr=xerr,
        yerr=yerr,
        fmt=marker,
        color=colour,
        label=label,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.4,
        elinewidth=0.9,
        capsize=2,
    )


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
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 40 * low else (1,)))
        axis.set_minor_formatter(NullFormatter())


def legend(figure: Figure, axis: Axes, columns: int) -> None:
    """Draw one legend above all panels, with the labels of one of them."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=columns)
