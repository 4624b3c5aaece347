"""Windows on simulated boards: what a counter misses at both ends of a window is found and given back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_boards import Clock, SimulatedBoard

from isojoule.energy.edges import energy_of_work, settled_edges


def window(board, clock, work_w, duration_s, after_w=60.0, late_s=0.0):
    """Measure work of a known energy; return the error in per cent, and the bound."""
    (opening,) = settled_edges([board.counter_j], [late_s], clock=clock, sleep=clock.sleep)
    started_s = clock.now_s
    board.draw(work_w)
    clock.now_s += duration_s
    ended_s = clock.now_s
    board.draw(after_w)
    (closing,) = settled_edges([board.counter_j], [late_s], clock=clock, sleep=clock.sleep)
    energy_j, bound_j = energy_of_work(opening, started_s, ended_s, closing)
    return 100 * (energy_j / (work_w * duration_s) - 1), 100 * bound_j / (work_w * duration_s)


def stale(board, clock, work_w, duration_s):
    """The same window as two plain readings give it."""
    before_j = board.counter_j()
    board.draw(work_w)
    clock.now_s += duration_s
    after_j = board.counter_j()
    board.draw(60.0)
    return 100 * ((after_j - before_j) / (work_w * duration_s) - 1)


@pytest.mark.parametrize("period_s", [0.02, 0.05, 0.1])
def test_windows_of_a_counter_without_lag_have_no_bias(period_s):
    """Two plain readings would read low by half a period of the difference between work and idle."""
    generator = np.random.default_rng(1)
    errors, plain = [], []
    for _ in range(60):
        clock = Clock()
        clock.now_s = generator.uniform(0, 1)
        board = SimulatedBoard(clock, period_s=period_s, phase_s=generator.uniform(0, period_s))
        error, bound = window(board, clock, 400.0, 10.0 + generator.uniform(0, 0.2))
        assert abs(error) <= bound
        assert bound < 0.3
        errors.append(error)
        plain.append(stale(board, clock, 400.0, 10.0 + generator.uniform(0, 0.2)))
    assert abs(np.mean(errors)) < 0.05
    assert max(map(abs, errors)) < 0.1
    assert np.mean(plain) < -2 * abs(np.mean(errors))


LAGS = [{}, {"counter_lag_s": 0.1}, {"counter_lag_s": 0.5}, {"counter_lag_s": 1.0}, {"counter_delay_s": 0.1},
        {"counter_delay_s": 0.5}, {"counter_delay_s": 0.95}]  # fmt: skip


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize(("period_s", "work_w"), [(0.02, 400.0), (0.02, 90.0), (0.1, 400.0), (0.1, 90.0)])
@pytest.mark.parametrize("is_known", [True, False])
def test_windows_of_a_counter_that_lags_are_within_their_bound(lag, period_s, work_w, is_known):
    """Two plain readings read low by 4.6 % at 10 s, where the counter integrates a power averaged over a second.

    A counter with a pure delay of half a second looks settled behind the work while it still shows it: read at once, it
    was 2 to 4 % low, and the bound said 0.04 %.
    """
    generator = np.random.default_rng(2)
    # a certificate takes any lag for half of a mean
    late_s = max(lag.get("counter_lag_s", 0.0), 2 * lag.get("counter_delay_s", 0.0)) if is_known else None
    errors = []
    for _ in range(6):
        clock = Clock()
        clock.now_s = generator.uniform(0, 1)
        board = SimulatedBoard(clock, idle_w=60.0, period_s=period_s, phase_s=generator.uniform(0, period_s), **lag)
        # the warm-up has just ended
        board.draw(work_w)
        clock.now_s += 3
        board.draw(60.0)
        error, bound = window(board, clock, work_w, 10.0 + generator.uniform(0, 0.2), late_s=late_s)
        assert abs(error) <= bound
        assert bound < (0.3 if is_known else 9)
        errors.append(error)
    # the power at rest is not known better than to a hundredth, and counts for up to two seconds
    assert abs(np.mean(errors)) < (0.05 if work_w == 400 else 0.15)


@pytest.mark.parametrize("late_s", [0.0, None])
def test_what_a_board_draws_before_it_rests_is_in_the_bound_where_it_may_be_work(late_s):
    """It draws 30 W more for 0.7 s behind the work, which a counter that lags would show as well."""
    clock = Clock()
    board = SimulatedBoard(clock, idle_w=60.0, period_s=0.02)
    (opening,) = settled_edges([board.counter_j], [late_s], clock=clock, sleep=clock.sleep)
    started_s = clock.now_s
    board.draw(400.0)
    clock.now_s += 10
    ended_s = clock.now_s
    board.draw(90.0)

    def counter_j():
        if clock.now_s > ended_s + 0.7 and board._powers_w[-1] != 60.0:
            board.draw(60.0)
        return board.counter_j()

    (closing,) = settled_edges([counter_j], [late_s], clock=clock, sleep=clock.sleep)
    energy_j, bound_j = energy_of_work(opening, started_s, ended_s, closing)
    assert abs(energy_j - 4000) <= bound_j
    assert energy_j == pytest.approx(4000 if late_s == 0 else 4021, abs=2)


@settings(max_examples=40)
@given(
    period_s=st.floats(0.01, 0.2),
    phase=st.floats(0, 1),
    work_w=st.floats(80, 700),
    duration_s=st.floats(2, 20),
    idle_w=st.floats(10, 75),
)
def test_any_window_of_a_counter_without_lag_is_within_its_bound(period_s, phase, work_w, duration_s, idle_w):
    clock = Clock()
    board = SimulatedBoard(clock, idle_w=idle_w, period_s=period_s, phase_s=phase * period_s)
    error, bound = window(board, clock, work_w, duration_s, after_w=idle_w)
    assert abs(error) <= bound


def test_several_counters_are_settled_together():
    clock = Clock()
    boards = [SimulatedBoard(clock, idle_w=power_w, period_s=period_s) for power_w, period_s in ((50, 0.02), (90, 0.1))]
    edges = settled_edges([board.counter_j for board in boards], [None, 0.0], clock=clock, sleep=clock.sleep)
    assert [edge.power_w for edge in edges] == pytest.approx([50, 90], rel=0.02)


def test_a_counter_that_stands_still_has_no_edge_and_is_not_waited_for_without_end():
    clock = Clock()
    assert settled_edges([lambda: 5.0], [None], clock=clock, sleep=clock.sleep) == [None]
    assert clock.now_s < 4


def test_a_counter_that_cannot_be_read_for_a_moment_is_read_on():
    clock = Clock()
    board = SimulatedBoard(clock)
    looks = iter(range(10**6))

    def counter_j():
        return None if next(looks) % 7 == 0 else board.counter_j()

    edges = settled_edges([counter_j], [0.0], clock=clock, sleep=clock.sleep)
    assert edges[0].power_w == pytest.approx(60, rel=0.02)
