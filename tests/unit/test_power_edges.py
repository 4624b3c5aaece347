"""Windows on a power that is shown late, on simulated boards whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_boards import Clock, SimulatedBoard

from isojoule.energy.power_edges import averaged, energy_of_work, held
from isojoule.energy.sampler import EDGE_PERIOD_S, EDGE_S, Sample, Trace, integrated

IDLE_W, WORK_W = 60.0, 250.0


class Sampled:
    """The trace of a board as a sampler leaves it: most samples at the edges of the work.

    Args:
        board: it is sampled at the times of its clock.
    """

    def __init__(self, board, clock):
        self._board, self._clock = board, clock
        self.trace = Trace(1, started_s=clock.now_s)

    def until(self, time_s, edge_until_s):
        """Sample at every tick before a time."""
        while True:
            passed_s = self._clock.now_s - self.trace.started_s
            period_s = EDGE_PERIOD_S if self._clock.now_s < edge_until_s else 0.1
            next_s = self.trace.started_s + (np.floor(passed_s / period_s + 1e-9) + 1) * period_s
            if next_s >= time_s:
                break
            self._clock.now_s = next_s
            self.now()
        self._clock.now_s = time_s

    def now(self):
        self.trace.samples.append(Sample(self._clock.now_s - self.trace.started_s, 0, self._board.power_w()))


def window(shown, duration_s=10.0, work_w=WORK_W, idle_w=IDLE_W, seed=0, **board):
    """The energy by the power, its true value and its bound, and the plain integral, of a window at any phase."""
    generator, clock = np.random.default_rng(seed), Clock()
    clock.now_s = generator.uniform(0, 1)
    period_s = board.pop("period_s", 0.1)
    board = SimulatedBoard(clock, idle_w=idle_w, period_s=period_s, phase_s=generator.uniform(0, period_s), **board)
    clock.sleep(3)
    sampled = Sampled(board, clock)
    sampled.now()
    clock.sleep(generator.uniform(0.005, 0.02))
    started_s = clock.now_s
    board.draw(work_w)
    sampled.until(started_s + duration_s, sampled.trace.started_s + EDGE_S)
    ended_s, true_j = clock.now_s, board.true_j(clock.now_s) - board.true_j(started_s)
    board.draw(idle_w)
    sampled.until(ended_s + shown.beyond_s + 0.02, ended_s + EDGE_S)
    sampled.now()
    energy_j, bound_j = energy_of_work(sampled.trace, 0, started_s, ended_s, shown)
    plain_j, _ = sampled.trace.integrated_j(0, started_s, ended_s)
    return energy_j, bound_j, true_j, plain_j


@pytest.mark.parametrize("period_s", [0.02, 0.1, 0.2])
@pytest.mark.parametrize("duration_s", [3.3, 10.0])
def test_a_power_that_stays_until_its_update_is_read_without_bias(period_s, duration_s):
    """Ended with the work, the integral reads low by 0.4 % over ten seconds, on average over all phases."""
    windows = [window(held(period_s), duration_s, seed=seed, period_s=period_s) for seed in range(80)]
    errors = np.array([energy_j / true_j - 1 for energy_j, _, true_j, _ in windows])
    plain_errors = np.array([plain_j / true_j - 1 for _, _, true_j, plain_j in windows])
    # one window is off by a period of what the work draws beyond idle at most
    spread = period_s * (1 - IDLE_W / WORK_W) / duration_s
    assert abs(errors.mean()) < 0.25 * spread + 3e-4
    assert plain_errors.mean() < -0.35 * spread
    assert all(abs(energy_j - true_j) <= bound_j for energy_j, bound_j, true_j, _ in windows)


def test_a_mean_of_the_last_second_is_read_without_bias():
    """Ended with the work, the integral reads low by 3.8 % over ten seconds."""
    windows = [window(averaged(1.0), seed=seed, period_s=0.02, power_lag_s=1.0) for seed in range(40)]
    errors = np.array([energy_j / true_j - 1 for energy_j, _, true_j, _ in windows])
    assert abs(errors).max() < 2e-3
    assert np.mean([plain_j / true_j - 1 for _, _, true_j, plain_j in windows]) < -0.03
    assert all(abs(energy_j - true_j) <= bound_j for energy_j, bound_j, true_j, _ in windows)


@settings(max_examples=60)
@given(
    period_s=st.floats(0.01, 0.2),
    duration_s=st.floats(1, 12),
    work_w=st.floats(20, 700),
    idle_w=st.floats(5, 75),
    seed=st.integers(0, 10**6),
)
def test_any_window_is_within_its_bound(period_s, duration_s, work_w, idle_w, seed):
    energy_j, bound_j, true_j, _ = window(held(period_s), duration_s, work_w, idle_w, seed, period_s=period_s)
    assert abs(energy_j - true_j) <= bound_j


def test_a_power_that_was_not_sampled_beyond_the_work_has_no_edges():
    trace = Trace(1, samples=[Sample(0.1 * number, 0, 50.0) for number in range(11)])
    assert energy_of_work(trace, 0, 0.0, 0.95, held(0.1)) is None
    assert energy_of_work(trace, 0, 0.0, 0.8, held(0.1)) == (pytest.approx(40), pytest.approx(0, abs=1e-3))
    assert energy_of_work(Trace(1), 0, 0.0, 0.8, held(0.1)) is None


def test_a_gap_behind_the_work_is_in_the_bound():
    """The board went to rest while nobody saw it."""
    times_s = [*np.arange(-0.05, 10.0, 0.1), 10.8]
    samples = [Sample(time_s, 0, 100.0 if 0 < time_s < 10 else 20.0) for time_s in times_s]
    energy_j, bound_j = energy_of_work(Trace(1, samples=samples), 0, 0.0, 10.0, held(0.1))
    assert 20 < energy_j - 1000 <= bound_j < 50


def test_dense_samples_at_the_edges_do_not_weigh_more_in_a_mean():
    times_s = [*np.arange(0, 0.5, 0.01), *np.arange(0.5, 10.01, 0.1)]
    samples = [Sample(time_s, 0, 10.0 if time_s < 0.5 else 100.0) for time_s in times_s]
    trace = Trace(1, samples=samples)
    assert trace.statistics().power_w == pytest.approx((0.5 * 10 + 9.5 * 100) / 10, rel=0.01)
    first_w, second_w = trace.halves_w()
    assert (first_w, second_w) == (pytest.approx(0.1 * 10 + 0.9 * 100, rel=0.01), pytest.approx(100))
    # what was sampled behind the work is not of it
    trace.ended_s = 0.4
    assert trace.statistics().power_w == pytest.approx(10)
    assert integrated([(0.0, 5.0)], 0, 1) is None
