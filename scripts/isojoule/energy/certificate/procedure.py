"""Try a board step by step, and gather what was found: two minutes in full, half a minute in short.

The tests follow Yang et al., "Part-time power measurements", SC24 (arXiv 2312.02741): steps of load tell the lag and
the averaging, square waves at several phases tell which part of the time a sensor looks, and windows of several lengths
tell how straight the energy is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from isojoule.energy.certificate import estimators
from isojoule.energy.certificate.bench import Bench, Series, Watched, joined, watch
from isojoule.energy.certificate.estimators import Edge
from isojoule.energy.edges import energy_of_work, settled_edges
from isojoule.records.certificate import Response, Windows

Form = Literal["full", "short"]
NO_COUNTER = "the board has no energy counter"
NO_POWER = "the board tells no power"
NO_UPDATES = "too few updates were seen"


@dataclass(frozen=True)
class Lengths:
    """How long the parts of a form take.

    Attributes:
        steps: number of pairs of a beginning and an end of work.
        step_s: length of the work, and of the rest behind it.
        phases: number of phases of the square wave; 0 for none.
        waves: number of its periods at each phase.
        windows_s: lengths of the windows over steady work.
        repeats: how often the shortest of these is repeated.
    """

    steps: int
    step_s: float
    phases: int
    waves: int
    windows_s: tuple[float, ...]
    repeats: int


LENGTHS: dict[Form, Lengths] = {
    "full": Lengths(steps=10, step_s=2.0, phases=16, waves=12, windows_s=(5.0, 10.0, 20.0), repeats=3),
    "short": Lengths(steps=4, step_s=1.6, phases=0, waves=0, windows_s=(1.0, 2.0), repeats=2),
}


@dataclass
class Found:
    """What was found of a board.

    Attributes:
        counter: how its counter responds; none where it has none.
        power: how its power responds, likewise.
        idle_power_w: power at rest.
        load_power_w: power at work.
        settling_s: how long it needs to come to rest.
        counter_over_power: energy by the counter over that by the power.
        windows: what windows over steady work read.
        shortest_window_s: below it, windows can be off by more than 1 %.
        step: times since an edge, and shares of the step that the power shows.
        unknown: what could not be found out, with the reason.
    """

    counter: Response | None = None
    power: Response | None = None
    idle_power_w: float | None = None
    load_power_w: float | None = None
    settling_s: float | None = None
    counter_over_power: float | None = None
    windows: Windows | None = None
    shortest_window_s: float | None = None
    step: list[tuple[float, float]] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)


def tried(bench: Bench, form: Form, told: Callable[[str], None] = lambda _: None) -> Found:
    """Try a board.

    Args:
        bench: the board, its load and a clock.
        form: `full` or `short`.
        told: is called with what is done next, in words.
    """
    lengths, found = LENGTHS[form], Found()
    told("steps of work")
    watched, edges = _steps(bench, lengths)
    has_counter, has_power = len(watched.counter_j.values) > 0, len(watched.power_w.values) > 0
    if has_power:
        _find_power(found, watched.power_w, edges, lengths)
    else:
        found.unknown["power"] = NO_POWER
    if has_counter:
        _find_counter(found, watched, edges, lengths)
    else:
        found.unknown["counter"] = NO_COUNTER
    if lengths.phases and found.power is not None and found.power.update_period_s is not None:
        told("square waves")
        found.power = found.power.model_copy(update={"looked_share": _looked_share(bench, lengths, found)})
    if has_counter:
        told("windows")
        _find_windows(found, bench, lengths)
    return found


def tried_model(energy_j: Callable[[], float], work: Callable[[int], None], form: Form) -> Found:
    """Try a model that counts what we used: it has no sensor, but the same work should have the same energy.

    Args:
        energy_j: reads the model, which counts like a counter.
        work: does so many units of work, and returns when they are done.
        form: `full` or `short`.
    """
    found, asked_s = Found(), 2.0 if form == "full" else 0.25
    found.unknown["sensor"] = "nothing measures here, and the energy is that of a model"
    began_s, units = time.perf_counter(), 1
    work(units)
    while (took_s := time.perf_counter() - began_s) < asked_s / 4:
        began_s, units = time.perf_counter(), 2 * units
        work(units)
    units = max(round(units * asked_s / took_s), 1)
    counts, durations_s, energies_j = [units, 2 * units, 4 * units, units, units], [], []
    for count in counts:
        before_j, before_s = energy_j(), time.perf_counter()
        work(count)
        durations_s.append(time.perf_counter() - before_s)
        energies_j.append(energy_j() - before_j)
    if min(energies_j) <= 0:
        found.unknown["windows"] = "a window used no CPU time that the kernel counts"
        return found
    _, offset_j, distance_percent = estimators.straight_line(np.array(counts, dtype=float), np.array(energies_j))
    same = np.array([energy for count, energy in zip(counts, energies_j, strict=True) if count == units])
    found.windows = Windows(
        durations_s=durations_s,
        energies_j=energies_j,
        nonlinearity_percent=distance_percent,
        offset_j=offset_j,
        spread_percent=float(100 * same.std(ddof=1) / same.mean()),
    )
    return found


def _steps(bench: Bench, lengths: Lengths) -> tuple[Watched, list[Edge]]:
    """Let the board rest and work in turns; return what was seen, and the edges."""
    # updates must not keep step with the steps, or all would be seen at one phase
    generator = np.random.default_rng(0)
    parts, edges = [watch(bench, lengths.step_s)], []
    for _ in range(lengths.steps):
        edges.append(Edge(bench.clock(), rises=True))
        bench.start()
        parts.append(watch(bench, lengths.step_s + generator.uniform(0, 0.2)))
        bench.stop()
        edges.append(Edge(bench.clock(), rises=False))
        parts.append(watch(bench, lengths.step_s + generator.uniform(0, 0.2)))
    return joined(parts), edges


def _find_power(found: Found, series: Series, edges: list[Edge], lengths: Lengths) -> None:
    rest_s = lengths.step_s / 2
    found.idle_power_w = _level_w(series, edges, rest_s, rises=False)
    found.load_power_w = _level_w(series, edges, rest_s, rises=True)
    settling = [estimators.settling_s(_until_next(series, edges, number), edge.time_s) for number, edge in
                enumerate(edges) if not edge.rises]  # fmt: skip
    known_s = [value for value in settling if value is not None]
    found.settling_s = float(np.median(known_s)) if known_s else None
    period_s = estimators.update_period_s(series)
    if period_s is None:
        found.unknown["power.update_period_s"] = NO_UPDATES
        found.power = Response()
        return
    times_s, shares = estimators.step_shares(series, edges, rest_s)
    is_shown = times_s < lengths.step_s
    found.step = [(float(time_s), float(share)) for time_s, share in zip(times_s, shares, strict=True)][:2000]
    fit = estimators.averaging_s(times_s[is_shown], shares[is_shown], period_s)
    if fit is None:
        found.unknown["power.averaged_s"] = "the power does not follow the steps of work as any mean of them would"
    found.power = Response(
        update_period_s=period_s,
        averaged_s=None if fit is None else fit[0],
        lag_s=None if fit is None else fit[1] + fit[0] / 2,
    )


def _find_counter(found: Found, watched: Watched, edges: list[Edge], lengths: Lengths) -> None:
    series = watched.counter_j
    period_s = estimators.update_period_s(series)
    if period_s is None:
        found.unknown["counter.update_period_s"] = NO_UPDATES
        found.counter = Response()
        return
    lag_s = estimators.counter_lag_s(series, edges, 0.65 * lengths.step_s)
    if lag_s is None:
        found.unknown["counter.lag_s"] = "too few updates beside the steps of work"
    is_instant = lag_s is not None and lag_s < max(estimators.INSTANT_S, 0.1 * period_s)
    averaged_s = None if lag_s is None else 0.0 if is_instant else 2 * lag_s
    found.counter = Response(update_period_s=period_s, lag_s=lag_s, averaged_s=averaged_s)
    found.counter_over_power = _counter_over_power(watched, edges, lengths)


def _counter_over_power(watched: Watched, edges: list[Edge], lengths: Lengths) -> float | None:
    """Compare both at rest and at work, once both are settled, by all parts in which they are."""
    rest_s, ratios = 0.65 * lengths.step_s, []
    for number, edge in enumerate(edges):
        ends_s = edges[number + 1].time_s if number + 1 < len(edges) else float("inf")
        updates = watched.counter_j.updates().between(edge.time_s + rest_s, ends_s)
        powers_w = watched.power_w.between(edge.time_s + rest_s, ends_s).values
        if edge.rises and len(updates.times_s) > 2 and len(powers_w):
            counter_w = float(np.polyfit(updates.times_s - edge.time_s, updates.values, 1)[0])
            ratios.append(counter_w / float(powers_w.mean()))
    return float(np.mean(ratios)) if ratios else None


def _looked_share(bench: Bench, lengths: Lengths, found: Found) -> float | None:
    """Let the board work for half of every update period, at one phase of it after the other."""
    power = found.power
    assert power is not None
    assert power.update_period_s is not None
    low_w, high_w = found.idle_power_w, found.load_power_w
    if low_w is None or high_w is None or high_w - low_w <= estimators.REST_W:
        found.unknown["power.looked_share"] = "the work does not change the power"
        return None
    period_s, half_s = power.update_period_s, power.update_period_s / 2
    # what an average has of earlier phases is over after its length
    skip = 2 + int(np.ceil((power.averaged_s or 0.0) / period_s))
    phases_s, shares = [], []
    for number in range(lengths.phases):
        update_s = _next_update_s(bench)
        if update_s is None:
            found.unknown["power.looked_share"] = NO_UPDATES
            return None
        begins_s = update_s + period_s * (2 + number / lengths.phases)
        values_w: list[float] = []
        for wave in range(skip + lengths.waves):
            _wait_until(bench, begins_s + wave * period_s)
            bench.start()
            seen = watch(bench, max(begins_s + wave * period_s + half_s - bench.clock(), 0))
            bench.stop()
            rest = watch(bench, max(begins_s + (wave + 1) * period_s - bench.clock() - 0.002, 0))
            if wave >= skip:
                values_w += [*seen.power_w.values, *rest.power_w.values]
        phases_s.append((begins_s - update_s) % period_s)
        shares.append((float(np.mean(values_w)) - low_w) / (high_w - low_w))
    share = estimators.looked_share(np.array(phases_s), np.array(shares), period_s)
    if share is None:
        found.unknown["power.looked_share"] = "the power does not follow square waves as any part of the time would"
    return share


def _find_windows(found: Found, bench: Bench, lengths: Lengths) -> None:
    """Measure steady work in windows of several lengths, the shortest of them several times."""
    shortest_s = min(lengths.windows_s)
    lates_s = [found.counter.late_s if found.counter else None]
    durations_s, energies_j, bounds_j = [], [], []
    for asked_s in (*lengths.windows_s, *[shortest_s] * (lengths.repeats - 1)):
        (opening,) = settled_edges([bench.counter_j], lates_s, clock=bench.clock, sleep=bench.sleep)
        started_s = bench.clock()
        bench.start()
        bench.wait(asked_s)
        bench.stop()
        ended_s = bench.clock()
        (closing,) = settled_edges([bench.counter_j], lates_s, clock=bench.clock, sleep=bench.sleep)
        if opening is None or closing is None:
            found.unknown["windows"] = NO_UPDATES
            return
        energy_j, bound_j = energy_of_work(opening, started_s, ended_s, closing)
        durations_s.append(ended_s - started_s)
        energies_j.append(max(energy_j, 0.0))
        bounds_j.append(bound_j)
    times_s, values_j = np.array(durations_s), np.array(energies_j)
    if not (values_j > 0).all():
        found.unknown["windows"] = "a window read no energy"
        return
    power_w, offset_j, distance_percent = estimators.straight_line(times_s, values_j)
    is_shortest = times_s < 1.5 * shortest_s
    powers_w = values_j[is_shortest] / times_s[is_shortest]
    found.windows = Windows(
        durations_s=durations_s,
        energies_j=energies_j,
        nonlinearity_percent=distance_percent,
        offset_j=offset_j,
        spread_percent=float(100 * powers_w.std(ddof=1) / powers_w.mean()) if len(powers_w) > 1 else None,
    )
    # what is off does not grow with the window, so that a longer window makes it small
    off_j = max(float(np.median(bounds_j)), abs(offset_j))
    found.shortest_window_s = max(100 * off_j / power_w, 0.01) if power_w > 0 else None


def _level_w(series: Series, edges: list[Edge], rest_s: float, *, rises: bool) -> float | None:
    values_w = []
    for number, edge in enumerate(edges):
        if edge.rises == rises:
            ends_s = edges[number + 1].time_s if number + 1 < len(edges) else float(series.times_s[-1])
            values_w += list(series.between(ends_s - rest_s / 2, ends_s).values)
    return float(np.mean(values_w)) if values_w else None


def _until_next(series: Series, edges: list[Edge], number: int) -> Series:
    end_s = edges[number + 1].time_s if number + 1 < len(edges) else np.inf
    return series.between(edges[number].time_s - 0.5, end_s)


def _next_update_s(bench: Bench) -> float | None:
    """Wait for an update of the power, which work makes visible."""
    bench.start()
    series = watch(bench, 0.35).power_w
    bench.stop()
    series = joined([Watched(series, series), Watched(*[watch(bench, 0.5).power_w] * 2)]).power_w
    times_s = series.updates().times_s
    return float(times_s[-1]) if len(times_s) else None


def _wait_until(bench: Bench, time_s: float) -> None:
    while (left_s := time_s - bench.clock()) > 0:
        bench.sleep(min(left_s, 0.001))
