"""Make the words of a figure fit: names are shortened, titles and labels wrap, legends and ticks take their room."""

import textwrap
from collections.abc import Collection, Iterable
from itertools import pairwise, takewhile

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.category import StrCategoryFormatter
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter

from isojoule.figures.shared.panels import Sheet

# room between the labels of two ticks, in points of 1/72 inch
BETWEEN_TICKS = 3


def shortened(names: Iterable[str], most: int, replaced: Collection[str] = ()) -> dict[str, str]:
    """Return short names of those that are longer than `most` characters, no two of which are the same.

    Args:
        names: names that stand in one figure, also the short ones.
        most: characters of the longest name that fits.
        replaced: words that the user replaces; a name with one of them stays.
    """
    all_names = dict.fromkeys(names)
    long = [name for name in all_names if len(name) > most and not any(word in name for word in replaced)]
    others = {name for name in all_names if name not in long}
    common = len(list(takewhile(lambda letters: len(set(letters)) == 1, zip(*long, strict=False))))
    candidates = [
        {name: f"{name[: most - 1 - tail].rstrip()}…{name[-tail:].lstrip()}" for name in long}
        for tail in (most // 2, most // 4, 3 * most // 4)
    ]
    candidates.append({name: f"…{name[common:][: most - 1].strip()}" for name in long})
    for short in candidates:
        if len({*short.values(), *others}) == len(all_names):
            return short
    return {name: f"{name[: most - 5].rstrip()}… {number}" for number, name in enumerate(long, 1)}


def fit(figure: Sheet) -> None:
    """Give every part its place, once for all files, so that no words overlap or leave the figure."""
    if figure.legends:
        _fit_legend(figure)
    panels = [axis for axis in figure.axes if axis.name != "3d"]
    for axis in panels:
        _end_at_zero(axis)
    _lay_out(figure)
    is_wrapped = [_wrap(text, limit, is_upright) for text, limit, is_upright in _words(figure, panels)]
    if any(is_wrapped):
        _lay_out(figure)
    for side in (side for axis in panels for side in (axis.xaxis, axis.yaxis)):
        _thin(side, BETWEEN_TICKS * figure.dpi / 72)
    for call in figure.when_placed:
        call()


def _lay_out(figure: Figure) -> None:
    if figure.axes and (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)


def _fit_legend(figure: Sheet) -> None:
    """Give a legend that is wider than the figure fewer columns."""
    legend, columns = figure.legends[0], figure.legend_columns
    labels = [text.get_text() for text in legend.get_texts()]
    while columns > 1 and legend.get_window_extent().width > figure.bbox.width:
        columns -= 1
        legend.remove()
        legend = figure.legend(figure.legend_handles, labels, loc="outside upper center", ncols=columns)


def _end_at_zero(axis: Axes) -> None:
    """Let a linear axis end at 0 where no value lies below: there is no energy, time or count of less."""
    (left, bottom), _ = axis.dataLim.get_points()
    if axis.get_xscale() == "linear" and axis.get_xlim()[0] < 0 <= left and not _has_names(axis.xaxis):
        axis.set_xlim(left=0)
    if axis.get_yscale() == "linear" and axis.get_ylim()[0] < 0 <= bottom and not _has_names(axis.yaxis):
        axis.set_ylim(bottom=0)


def _words(figure: Figure, panels: list[Axes]) -> Iterable[tuple[Text, float, bool]]:
    """Yield titles, labels and notes with the pixels that each has in its direction, and whether that is upward."""
    for text in figure.texts:
        yield text, figure.bbox.width, False
    for axis in panels:
        width, height = axis.bbox.size
        yield axis.title, width, False
        yield axis.xaxis.label, width, False
        yield axis.yaxis.label, height, True
        for text in axis.texts:
            if text.get_transform() == axis.transAxes:
                yield text, 0.96 * width, False
    for axis in figure.axes:
        if axis not in panels:
            yield axis.title, axis.bbox.width, False


def _wrap(text: Text, limit: float, is_upright: bool) -> bool:
    """Break the lines of a text that are longer than `limit` pixels, between words if possible; say whether any was."""
    words = text.get_text()
    # a formula has no place to break
    if not words.strip() or "$" in words.replace(r"\$", ""):
        return False
    lines, is_changed = words.split("\n"), False
    characters = max(map(len, lines))
    while characters > 8 and _length(text, is_upright) > limit:
        is_changed = True
        characters = min(characters - 1, int(characters * limit / _length(text, is_upright)) or 1)
        has_long_words = max(map(len, words.split())) > characters
        broken = [
            textwrap.wrap(line, max(characters, 8), break_on_hyphens=has_long_words, break_long_words="$" not in words)
            for line in lines
        ]
        text.set_text("\n".join(part for parts in broken for part in parts))
        characters = max(map(len, text.get_text().split("\n")))
    return is_changed


def _length(text: Text, is_upright: bool) -> float:
    box = text.get_window_extent()
    return float(box.height if is_upright else box.width)


def _thin(side: Axis, room: float) -> None:
    """Leave out every other label of numbers with less than `room` pixels between them."""
    # names are all needed
    if _has_names(side):
        return
    is_across = side is side.axes.xaxis
    low, high = sorted(side.get_view_interval())
    tolerance = 1e-9 * (high - low)
    while True:
        # this gives the labels their words and places
        side.get_majorticklabels()
        places = side.get_majorticklocs()
        shown = [
            (place, tick.label1.get_window_extent())
            for place, tick in zip(places, side.get_major_ticks(len(places)), strict=True)
            if low - tolerance <= place <= high + tolerance and tick.label1.get_text() and tick.label1.get_visible()
        ]
        ends = [((box.x0, box.x1) if is_across else (box.y0, box.y1)) for _, box in shown]
        if len(ends) < 3 or all(after[0] - before[1] >= room for before, after in pairwise(ends)):
            return
        side.set_major_locator(FixedLocator([place for place, _ in shown][::2]))


def _has_names(side: Axis) -> bool:
    """Tell an axis whose ticks were given names from one of numbers."""
    return type(side.get_major_formatter()) in (FuncFormatter, FixedFormatter, StrCategoryFormatter)
