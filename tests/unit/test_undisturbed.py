"""The CPU time of repeated work, as if nothing disturbed it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isojoule.energy.undisturbed import STRETCH_S, Stretches


def least_s(repetitions, tick_s=0.0, clock_step_s=0.0):
    """The least CPU time of these repetitions by a clock that shows whole ticks.

    Each repetition is its parts, and each of these a kind, the time and the CPU time that it takes; without parts it is
    the two times.
    """
    now_s, used_s = 100.0, 7.0

    def shown_s():
        return used_s // tick_s * tick_s if tick_s else used_s

    stretches = Stretches(shown_s, now_s, shown_s(), clock_step_s)
    for repetition in repetitions:
        for *kind, lasts_s, uses_cpu_s in repetition if isinstance(repetition, list) else [repetition]:
            now_s, used_s = now_s + lasts_s, used_s + uses_cpu_s
            if kind:
                stretches.part_done(*kind, now_s)
        stretches.repeated(now_s)
    return stretches.least_s


def steps(kinds, of_kind_s, slowness):
    """A repetition of these steps, each with the undisturbed time of its kind and how much slower it is."""
    return [(kind, of_kind_s[kind] * slow, of_kind_s[kind] * slow) for kind, slow in zip(kinds, slowness, strict=True)]


def test_what_slows_a_part_of_the_window_is_left_out():
    """Another program on the core makes work of a second take two, and four where it has the other half of the time."""
    assert least_s([(4, 2), (4, 2), (1, 1), (2, 1.5)]) == pytest.approx(1)


def test_short_repetitions_make_up_one_stretch_that_is_long_enough():
    """Of 40 repetitions the first ten are slowed; every fifth one ends a stretch, whose mean counts."""
    use = STRETCH_S / 4.89
    slow, fast = [(STRETCH_S / 4.95, 2 * use)] * 10, [(STRETCH_S / 4.95, 0.9 * use), (STRETCH_S / 4.95, 1.1 * use)] * 15
    assert least_s(slow + fast) == pytest.approx(0.98 * use)
    assert least_s([(STRETCH_S / 3, STRETCH_S / 3)] * 2) is None


def test_bursts_that_no_repetition_escapes_are_left_out_of_long_ones():
    """A burst of 30 ms in every 100 ms slows each repetition of 0.2 s, and the steps of a smaller batch at its end."""
    kinds = [*[8] * 39, 3] * 4
    of_kind_s = {8: 0.00125, 3: 0.0006}
    own_s = sum(of_kind_s[kind] for kind in kinds)
    now_s, repetitions, generator = 0.0, [], np.random.default_rng(0)
    for _ in range(8):
        slowness = []
        for kind in kinds:
            slowness.append((1.6 if now_s % 0.1 < 0.03 else 1.0) * generator.uniform(1, 1.02))
            now_s += of_kind_s[kind] * slowness[-1]
        repetitions.append(steps(kinds, of_kind_s, slowness))
    whole = [sum(uses_s for *_, uses_s in repetition) for repetition in repetitions]
    assert min(whole) > 1.1 * own_s
    assert least_s(repetitions) == pytest.approx(own_s, rel=0.02)
    assert least_s(repetitions[:1]) == pytest.approx(own_s, rel=0.04)


def test_a_window_that_is_slow_from_end_to_end_shows_no_less():
    """Nothing can tell a host that is slow throughout from more work."""
    kinds = [0] * 40
    assert least_s([steps(kinds, {0: 0.005}, [1.3] * 40)] * 5) == pytest.approx(1.3 * 0.2)


def test_parts_of_other_kinds_are_other_work():
    """Steps whose work differs by what they decode are compared with themselves alone, whichever comes cheaper."""
    kinds, generator = list(range(20)), np.random.default_rng(1)
    of_kind_s = {kind: 0.011 * (1 + kind % 4) for kind in kinds}
    repetitions = [steps(kinds, of_kind_s, generator.choice([1.0, 1.5], 20)) for _ in range(12)]
    assert least_s(repetitions) == pytest.approx(sum(of_kind_s.values()), rel=0.01)


def test_a_clock_of_long_ticks_has_longer_stretches():
    """By ticks of 10 ms, a short stretch may seem to use half of its time, or none."""
    kinds = [0] * 1500
    repetitions = [steps(kinds, {0: 0.0033}, [1.0] * 1500)] * 3
    assert least_s(repetitions, tick_s=0.01, clock_step_s=0.01) == pytest.approx(1500 * 0.0033, rel=0.01)
    assert least_s([(0.0033, 0.0033)] * 1000, tick_s=0.01, clock_step_s=0.01) == pytest.approx(0.0033, rel=0.01)


@pytest.mark.parametrize("lost_first", [True, False])
def test_nothing_is_said_where_a_child_took_its_time_with_it(lost_first):
    repetitions = [(1, -0.5), (1, 1.0)]
    assert least_s(repetitions if lost_first else repetitions[::-1]) is None


@pytest.mark.parametrize("parts", [[], [0] * 9, [0] * 11])
def test_nothing_is_said_where_the_parts_are_not_those_of_the_first_repetition(parts):
    ten, others = (steps(kinds, {0: 0.02}, [1.0] * len(kinds)) for kinds in ([0] * 10, parts))
    assert least_s([ten, ten]) == pytest.approx(0.2)
    assert least_s([ten, others, ten]) is None


def test_work_that_is_done_once_and_has_no_parts_has_nothing_to_be_compared_with():
    assert least_s([(1, 1)]) is None
    assert least_s([steps([0], {0: 0.005}, [1.0])]) is None


def test_work_that_mostly_waits_has_stretches_of_as_much_cpu_time():
    """A reading of the time must stay short beside the CPU time of its stretch, not only beside the waits."""
    repetitions = [[(0, STRETCH_S, STRETCH_S / 10 + jitter) for jitter in (0, 0.0003, -0.0003)] * 20] * 3
    assert least_s(repetitions) == pytest.approx(6 * STRETCH_S, rel=0.03)


@given(st.lists(st.floats(STRETCH_S * 1.01, 10), min_size=2, max_size=30), st.floats(0.1, 1))
def test_no_repetition_takes_less_than_the_least(uses_s, share):
    assert least_s([(use_s / share, use_s) for use_s in uses_s]) == pytest.approx(min(uses_s))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.floats(0.001, 0.1)), min_size=1, max_size=30),
    st.lists(st.floats(1, 3), min_size=1, max_size=10),
)
def test_the_least_of_disturbed_work_is_never_less_than_the_work(parts, slowness):
    """Whatever the parts, work that is only ever slowed is not underestimated, nor taken for more than its mean."""
    of_kind_s = dict(parts)
    kinds = [kind for kind, _ in parts]
    repetitions = [steps(kinds, of_kind_s, [slow] * len(kinds)) for slow in slowness]
    own_s = sum(of_kind_s[kind] for kind in kinds)
    found_s = least_s(repetitions)
    if own_s >= STRETCH_S * 1.01 and len(slowness) > 1:
        assert own_s * (1 - 1e-9) <= found_s <= own_s * max(slowness) * (1 + 1e-9)
