"""What the readings of a board tell of its sensors: pure functions of what was seen, and of when work began and ended.

Axes of the arrays: u updates, e edges (beginnings and ends of work), p phases.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from isojoule.energy.certificate.bench import Series, Values

# fewer updates tell no period
FEWEST_UPDATES = 5
# a reading that stands still for longer is not updated by a clock of its own
LONGEST_PERIOD_S = 0.6
# a power that rests differs from its last mean by less than this share of the step, or than this many watts
REST_SHARE, REST_W = 0.03, 2.0
# an averaging time below this share of the update period, or below this time, is none
INSTANT_SHARE, INSTANT_S = 0.35, 0.008
# more of the fit's squared error than this share of a step's is noise that hides the answer
WORST_FIT = 0.02


class Edge(NamedTuple):
    """A beginning or an end of work.

    Attributes:
        time_s: when it was.
        rises: whether work began.
    """

    time_s: float
    rises: bool


def update_period_s(series: Series) -> float | None:
    """Return the time between two updates; none where too few are seen.

    The updates are numbered by whole multiples of the median interval, and the period is the slope of their times over
    their numbers: what is missed, and stalls of the watcher, change the numbers and not the slope.
    """
    times_s = series.updates().times_s
    if len(times_s) < FEWEST_UPDATES:
        return None
    intervals_s = np.diff(times_s)
    usual_s = float(np.median(intervals_s))
    if usual_s > LONGEST_PERIOD_S:
        return None
    # a period may be seen as one interval that is too short and one that is too long
    steps = np.rint(intervals_s / usual_s)
    numbers = np.concatenate([[0], np.cumsum(steps)])
    if numbers[-1] < FEWEST_UPDATES - 1:
        return usual_s
    # updates of two stretches with a pause in between need not be whole periods apart
    together = np.split(np.arange(len(times_s)), np.flatnonzero(steps > 3) + 1)
    slopes = [
        (np.polyfit(numbers[rows], times_s[rows], 1)[0], len(rows)) for rows in together if np.ptp(numbers[rows]) >= 3
    ]
    if not slopes:
        return usual_s
    values, weights = np.array(slopes).T
    return float(np.average(values, weights=weights))


def counter_lag_s(series: Series, edges: Sequence[Edge], rest_s: float) -> float | None:
    """Return how much later than the work a counter shows it: the mean over all edges; none where no edge tells.

    Before and after an edge, once the counter is at rest, its updates lie on two lines. Without a lag these meet at the
    edge; where the counter integrates a mean of the last L seconds, they meet L / 2 later.

    Args:
        series: what the counter showed.
        edges: beginnings and ends of work, in the order of time.
        rest_s: how long after an edge the counter is at rest.
    """
    updates = series.updates()
    lags_s = []
    for number, edge in enumerate(edges):
        before_s = edges[number - 1].time_s + rest_s if number else -np.inf
        after_s = edges[number + 1].time_s if number + 1 < len(edges) else np.inf
        before = updates.between(before_s, edge.time_s)
        after = updates.between(edge.time_s + rest_s, after_s)
        if len(before.times_s) < 3 or len(after.times_s) < 3:
            continue
        # times from the edge on keep the numbers small
        before_w, before_j = np.polyfit(before.times_s - edge.time_s, before.values, 1)
        after_w, after_j = np.polyfit(after.times_s - edge.time_s, after.values, 1)
        if abs(after_w - before_w) > REST_W:
            lags_s.append((before_j - after_j) / (after_w - before_w))
    return float(np.median(lags_s)) if lags_s else None


def step_shares(series: Series, edges: Sequence[Edge], rest_s: float) -> tuple[Values, Values]:
    """Return the times since an edge, (u,), and the share of the step that the power shows then, (u,).

    The last `rest_s` before the next edge tell the level that the power steps to.
    """
    updates = series.updates()
    times_s, shares = [], []
    for number, edge in enumerate(edges):
        ends_s = edges[number + 1].time_s if number + 1 < len(edges) else float(series.times_s[-1])
        before = series.between(edge.time_s - rest_s / 2, edge.time_s)
        after = series.between(ends_s - rest_s / 2, ends_s)
        if not len(before.values) or not len(after.values):
            continue
        low_w, high_w = float(np.mean(before.values)), float(np.mean(after.values))
        if abs(high_w - low_w) <= REST_W:
            continue
        seen = updates.between(edge.time_s, ends_s)
        times_s.append(seen.times_s - edge.time_s)
        shares.append((seen.values - low_w) / (high_w - low_w))
    if not times_s:
        return np.empty(0), np.empty(0)
    return np.concatenate(times_s), np.concatenate(shares)


def averaging_s(times_s: Values, shares: Values, period_s: float) -> tuple[float, float] | None:
    """Return the time whose mean a power shows, and its delay before that; none where no model fits.

    A mean over the last L seconds shows the share min(max((t - d) / L, 0), 1) of a step at time t. L and d are those of
    least squares, first on a coarse grid and then on finer ones.

    Args:
        times_s: since the edge, (u,).
        shares: of the step, (u,).
        period_s: time between two updates.
    """
    if len(times_s) < FEWEST_UPDATES:
        return None
    lengths_s: Values = np.concatenate([[1e-3], np.geomspace(5e-3, 5, 60)])
    delays_s: Values = np.linspace(0, 0.5, 51)
    best = (np.inf, 0.0, 0.0)
    for _ in range(4):
        model = np.clip((times_s[None, None] - delays_s[None, :, None]) / lengths_s[:, None, None], 0, 1)
        errors = ((model - shares) ** 2).mean(axis=2)
        row, column = divmod(int(errors.argmin()), errors.shape[1])
        best = (float(errors[row, column]), float(lengths_s[row]), float(delays_s[column]))
        ratio = (lengths_s[min(row + 1, len(lengths_s) - 1)] / lengths_s[max(row - 1, 0)]) ** 0.5
        step_s = delays_s[1] - delays_s[0]
        lengths_s = np.geomspace(best[1] / ratio, best[1] * ratio, 25)
        delays_s = np.linspace(max(best[2] - step_s, 0), best[2] + step_s, 25)
    error, length_s, delay_s = best
    if error > WORST_FIT:
        return None
    is_instant = length_s < max(INSTANT_SHARE * period_s, INSTANT_S)
    return (0.0 if is_instant else length_s), delay_s


def looked_share(phases_s: Values, shares: Values, period_s: float) -> float | None:
    """Return in which share of the time a sensor looks; none where it does not look once per update.

    The load is on for one half of every update period, and begins at another phase of it each time. A sensor that
    always looks shows half of the step at any phase. One that looks for w seconds of each period shows the part of
    these in which the load was on: a trapezoid over the phase with flanks of w. Yang et al., SC24, section 4.

    Args:
        phases_s: when the load began after an update, (p,).
        shares: mean share of the step that the power showed, (p,).
        period_s: time between two updates.
    """
    if len(phases_s) < FEWEST_UPDATES:
        return None
    if np.ptp(shares) < 0.15:
        return 1.0
    widths_s = period_s * np.linspace(0.02, 0.98, 97)
    offsets_s = period_s * np.linspace(0, 1, 101)
    errors = np.array(
        [
            [((_on_share(phases_s, width_s, offset_s, period_s) - shares) ** 2).mean() for offset_s in offsets_s]
            for width_s in widths_s
        ]
    )
    if errors.min() > WORST_FIT:
        return None
    row = int(errors.argmin()) // errors.shape[1]
    return float(widths_s[row] / period_s)


def settling_s(series: Series, end_s: float) -> float | None:
    """Return how long after the end of work the power is at rest for good; none where it is not seen to rest."""
    after = series.between(end_s, np.inf)
    before = series.between(end_s - 0.3, end_s)
    if len(after.values) < FEWEST_UPDATES or not len(before.values):
        return None
    last = after.between(after.times_s[-1] - 0.25 * (after.times_s[-1] - end_s), np.inf)
    rest_w = float(np.mean(last.values))
    tolerance_w = max(REST_SHARE * abs(float(np.mean(before.values)) - rest_w), REST_W, 3 * float(np.std(last.values)))
    is_away = np.abs(after.values - rest_w) > tolerance_w
    if is_away[-1]:
        return None
    moments_s = after.times_s[is_away]
    return float(moments_s[-1] - end_s) if len(moments_s) else 0.0


def straight_line(durations_s: Values, energies_j: Values) -> tuple[float, float, float]:
    """Return power and offset of the line through windows of the same work, and the largest distance from it.

    The squared distances are relative to the energies. The distance is in per cent of an energy.
    """
    design = np.column_stack([durations_s, np.ones_like(durations_s)]) / energies_j[:, None]
    (power_w, offset_j), *_ = np.linalg.lstsq(design, np.ones_like(durations_s), rcond=None)
    distances = np.abs(power_w * durations_s + offset_j - energies_j) / energies_j
    return float(power_w), float(offset_j), float(100 * distances.max())


def _on_share(phases_s: Values, width_s: float, offset_s: float, period_s: float) -> Values:
    """Return which part of a look of `width_s` that ends at `offset_s` falls into the half that begins at a phase."""
    start_s = (offset_s - width_s - phases_s) % period_s
    ends_s = start_s + width_s
    half_s = period_s / 2
    on_s = np.clip(half_s - start_s, 0, width_s) + np.clip(np.minimum(ends_s, 1.5 * period_s) - period_s, 0, half_s)
    return np.asarray(on_s / width_s)
