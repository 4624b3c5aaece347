"""The CPU time of repeated work, as if nothing disturbed it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isojoule.energy.undisturbed import STRETCH_S, Stretches


def least_s(repetitions):
    """The least CPU time of these repetitions, each given by the time and the CPU time that it takes."""
    now_s, now_cpu_s = 100.0, 7.0
    stretches = Stretches(lambda: now_cpu_s, now_s, now_cpu_s)
    for lasts_s, uses_cpu_s in repetitions:
        now_s, now_cpu_s = now_s + lasts_s, now_cpu_s + uses_cpu_s
        stretches.repeated(now_s)
    return stretches.least_s


def test_what_slows_a_part_of_the_window_is_left_out():
    """Another program on the core makes work of a second take two, and four where it has the other half of the time."""
    assert least_s([(4, 2), (4, 2), (1, 1), (2, 1.5)]) == pytest.approx(1)


def test_short_repetitions_make_up_one_stretch_that_is_long_enough():
    """Of 40 repetitions the first ten are slowed; every fifth one ends a stretch, whose mean counts."""
    assert least_s([(0.0101, 0.02)] * 10 + [(0.0101, 0.009), (0.0101, 0.011)] * 15) == pytest.approx(0.0098)
    assert least_s([(STRETCH_S / 3, 0.01)] * 2) is None


@pytest.mark.parametrize("lost_first", [True, False])
def test_nothing_is_said_where_a_child_took_its_time_with_it(lost_first):
    repetitions = [(1, -0.5), (1, 1.0)]
    assert least_s(repetitions if lost_first else repetitions[::-1]) is None


@given(st.lists(st.floats(STRETCH_S * 1.01, 10), min_size=1, max_size=30), st.floats(0.1, 1))
def test_no_repetition_takes_less_than_the_least(uses_s, share):
    assert least_s([(use_s / share, use_s) for use_s in uses_s]) == pytest.approx(min(uses_s))
