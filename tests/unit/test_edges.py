"""Windows on simulated boards: what a counter misses at both ends of a window is found and given back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_boards import Clock, SimulatedBoard

from isojoule.energy.edges import energy_of_work, settled_edges


def window(board, clock, work_w, duration_s, after_w=60.0):
    """Measure work of a known energy; return the error in per cent, and the bound."""
    (opening,) = settled_edges([board.counter_j], clock=clock, sleep=clock.sleep)
    started_s = clock.now_s
    board.draw(work_w)
    clock.now_s += duration_s
    ended_s = clock.now_s
    board.draw(after_w)
    (closing,) = settled_edges([board.counter_j], clock=clock, sleep=clock.sleep)
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


@pytest.mark.parametrize("lag_s", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("period_s", [0.02, 0.1])
def test_windows_of_a_counter_that_lags_are_within_their_bound(period_s, lag_s):
    """Simulated without this: -4.6 % at 10 s, where the counter integrates a power that is averaged over a second."""
    generator = np.random.default_rng(2)
    for _ in range(8):
        clock = Clock()
        clock.now_s = generator.uniform(0, 1)
        board = SimulatedBoard(clock, idle_w=40.0, period_s=period_s, counter_lag_s=lag_s)
        board.draw(40.0)
        error, bound = window(board, clock, 250.0, 10.0, after_w=40.0)
        assert abs(error) <= bound + 0.15
        assert abs(error) < 0.3


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
    edges = settled_edges([board.counter_j for board in boards], clock=clock, sleep=clock.sleep)
    assert [edge.power_w for edge in edges] == pytest.approx([50, 90], rel=0.02)


def test_a_counter_that_stands_still_has_no_edge_and_is_not_waited_for_without_end():
    clock = Clock()
    assert settled_edges([lambda: 5.0], clock=clock, sleep=clock.sleep) == [None]
    assert clock.now_s < 4


def test_a_counter_that_cannot_be_read_for_a_moment_is_read_on():
    clock = Clock()
    board = SimulatedBoard(clock)
    looks = iter(range(10**6))
    edges = settled_edges([lambda: None if next(looks) % 7 == 0 else board.counter_j()], clock=clock, sleep=clock.sleep)
    assert edges[0].power_w == pytest.approx(60, rel=0.02)
