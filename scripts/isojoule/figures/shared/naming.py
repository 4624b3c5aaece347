"""Names beside the points of a panel: none lies on another, on a point, or outside, and few on a line.

Each name tries places around its point. One where it would lie on a name, on a point or outside of the panel is none,
nor is one that is nearer to another point; among the others distance and lines decide. A name without any place is left
out. Matplotlib's own `annotate` moves nothing, and adjustText moves names step by step, which takes seconds and leaves
some on each other.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.text import Text
from numpy.typing import NDArray

Values = NDArray[np.float64]

FONT_SIZE = 7
# distances of a name from the middle of its point, and half the width of a point, in points of 1/72 inch
DISTANCES, POINT = (4.0, 7.0, 12.0, 18.0, 26.0), 2.6
# a name that is nearer to its point needs no line
SHORTEST_LINE = 5.0
# a point at the same place is no other one
TOLERANCE_PX = 1e-6
# one line below a name is as bad as so many points of distance
LINE_COST = 14.0
# places around a point: right, left, above, below, the corners, and above and below to either side
AROUND = np.array(
    [(1, 0), (1, 1), (1, -1), (-1, 0), (-1, 1), (-1, -1), (0, 1), (0, -1), (0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1)],
    dtype=np.float64,
)


def names(axis: Axes, x: pd.Series, y: pd.Series, words: pd.Series) -> list[Text]:
    """Write names at their points, the more important first; `place` moves them once the panel has its place."""
    style: dict[str, Any] = {
        "fontsize": FONT_SIZE,
        "color": "#333333",
        "ha": "center",
        "va": "center",
        "in_layout": False,
    }
    # a line below a name is seen through it, but does not cross it out
    style["bbox"] = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.3}
    return [axis.text(across, up, word, **style) for across, up, word in zip(x, y, words, strict=True)]


def place(axis: Axes, texts: list[Text], points: Values, lines: Values) -> None:
    """Move names to where they can be read, and hide those that have no place.

    Args:
        axis: the panel, which no longer moves.
        texts: names at their points, the most important first.
        points: middles of all points of the panel, (n, 2).
        lines: horizontal and vertical lines by both ends, (k, 2, 2).
    """
    size = axis.figure.dpi / 72
    to_pixels = axis.transData
    boxes = np.array([text.get_window_extent().bounds[2:] for text in texts])
    anchors = to_pixels.transform([text.get_position() for text in texts])
    middles = to_pixels.transform(points)
    of_points = np.hstack([middles - POINT * size, middles + POINT * size])
    ends = to_pixels.transform(lines.reshape(-1, 2)).reshape(-1, 2, 2)
    of_lines = np.hstack([ends.min(axis=1), ends.max(axis=1)])
    inside = axis.get_window_extent()
    taken = np.empty((0, 4))
    leaders = []
    for text, anchor, box in zip(texts, anchors, boxes, strict=True):
        places, distances = _candidates(anchor, box + 2 * size, size)
        is_free = (
            (places[:, :2] >= inside.min).all(axis=1)
            & (places[:, 2:] <= inside.max).all(axis=1)
            & (_overlaps(places, of_points) + _overlaps(places, taken) == 0)
            & (_gaps(places, anchor[None])[:, 0] <= _gaps(places, middles).min(axis=1) + TOLERANCE_PX)
        )
        if not is_free.any():
            text.set_visible(False)
            continue
        costs = distances + LINE_COST * np.sqrt(_overlaps(places, of_lines))
        chosen = places[np.where(is_free, costs, np.inf).argmin()]
        taken = np.vstack([taken, chosen])
        across, up = to_pixels.inverted().transform((chosen[:2] + chosen[2:]) / 2)
        text.set_position((float(across), float(up)))
        nearest = np.clip(anchor, chosen[:2] + size, chosen[2:] - size)
        if np.hypot(*(nearest - anchor)) >= (SHORTEST_LINE + POINT) * size:
            leaders.append(to_pixels.inverted().transform([anchor, nearest]))
    axis.add_collection(LineCollection(leaders, colors="#999999", linewidths=0.4, zorder=1), autolim=False)


def _candidates(anchor: Values, box: Values, size: float) -> tuple[Values, Values]:
    """Return boxes around a point as left, bottom, right, top, (p, 4), and their distances in points, (p,)."""
    distances = np.repeat(DISTANCES, len(AROUND))
    around = np.tile(AROUND, (len(DISTANCES), 1))
    is_corner = (np.abs(around) == 1).all(axis=1)
    reach = size * distances * np.where(is_corner, 0.7, 1.0)
    middles = anchor + around * (box / 2 + reach[:, None] * (np.abs(around) == 1))
    return np.hstack([middles - box / 2, middles + box / 2]), distances + 0.5 * np.tile(
        np.arange(len(AROUND)), len(DISTANCES)
    )


def _gaps(boxes: Values, points: Values) -> Values:
    """Return the distance of each point, (n, 2), from each box, (p, 4), in pixels, (p, n)."""
    beyond = np.maximum(boxes[:, None, :2] - points[None], points[None] - boxes[:, None, 2:])
    gaps: Values = np.hypot(*np.moveaxis(np.maximum(beyond, 0), 2, 0))
    return gaps


def _overlaps(boxes: Values, others: Values) -> Values:
    """Count for each box, (p, 4), those of the others, (m, 4), that it shares more than an edge with, (p,)."""
    apart = (boxes[:, None, :2] >= others[None, :, 2:]) | (boxes[:, None, 2:] <= others[None, :, :2])
    counts: Values = (~apart.any(axis=2)).sum(axis=1)
    return counts
