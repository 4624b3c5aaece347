"""The interval of a mean holds only values that there can be, and the true mean as often as it says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isojoule import intervals
from isojoule.tables.energy import bounds_of

SHARE = (0.0, 1.0)
REPEATS = 20000


def ends(values, bounds):
    number = np.full(len(values), values.shape[1])
    return intervals.of_mean(values.mean(axis=1), values.std(axis=1, ddof=1), number, bounds)


def coverage(values, truth, bounds):
    low, high = ends(values, bounds)
    return np.mean((low <= truth) & (truth <= high))


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_intervals_of_energies_and_qualities_hold_the_mean_as_often_as_they_say(n):
    generator = np.random.default_rng(n)
    worlds = {}
    for spread in (0.01, 0.03, 0.1, 0.3):
        sigma = np.sqrt(np.log1p(spread**2))
        worlds[f"energy {spread}"] = (
            generator.lognormal(-(sigma**2) / 2, sigma, (REPEATS, n)), 1.0, intervals.POSITIVE
        )  # fmt: skip
    for a, b in ((450, 50), (90, 10), (9, 1)):
        worlds[f"F1 {a} {b}"] = (generator.beta(a, b, (REPEATS, n)), a / (a + b), SHARE)
    for name, (values, truth, bounds) in worlds.items():
        low, high = ends(values, bounds)
        assert bounds[0] <= low.min(), name
        assert high.max() <= bounds[1], name
        ours, student = coverage(values, truth, bounds), coverage(values, truth, intervals.UNBOUNDED)
        assert 0.93 <= ours <= 0.96, (name, ours)
        # the error of a share of so many draws is below 0.005
        assert ours >= student - 0.005, (name, ours, student)


def test_where_student_fails_the_logit_does_not():
    values = np.random.default_rng(0).beta(9, 1, (REPEATS, 3))
    _, high = ends(values, intervals.UNBOUNDED)
    assert np.mean(high > 1) > 0.8
    assert coverage(values, 0.9, intervals.UNBOUNDED) < 0.91
    assert coverage(values, 0.9, SHARE) > 0.935


def test_no_interval_of_few_repeats_knows_of_a_rare_slow_run():
    """What the documentation says of it: a tenth of the runs is slowed by 20 to 100 %."""
    generator = np.random.default_rng(1)
    shape = (REPEATS, 3)
    is_slowed = generator.random(shape) < 0.1
    values = generator.lognormal(0, 0.02, shape) * np.where(is_slowed, generator.uniform(1.2, 2, shape), 1)
    truth = np.exp(0.0002) * 1.06
    assert 0.4 < coverage(values, truth, intervals.POSITIVE) < 0.5


positive = st.floats(1e-9, 1e9)


@given(st.lists(positive, min_size=2, max_size=6))
def test_the_mean_lies_inside_and_small_spreads_give_students_interval(values):
    sample = np.array([values])
    low, high = ends(sample, intervals.POSITIVE)
    mean = sample.mean()
    assert 0 < low[0] <= mean * (1 + 1e-12)
    assert mean * (1 - 1e-12) <= high[0] < np.inf
    close = mean + 1e-4 * mean * np.array([values]) / max(values)
    half = stats.t.ppf(0.975, len(values) - 1) * close.std(ddof=1) / np.sqrt(len(values))
    low, high = ends(close, intervals.POSITIVE)
    # the scales differ in the second order of the spread
    tolerance = half * half / mean + 1e-9 * mean
    assert high[0] - close.mean() == pytest.approx(half, abs=tolerance)
    assert close.mean() - low[0] == pytest.approx(half, abs=tolerance)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_the_interval_of_a_share_is_a_share(values):
    low, high = ends(np.array([values]), SHARE)
    assert 0 <= low[0] <= high[0] <= 1
    assert low[0] - 1e-9 <= np.mean(values) <= high[0] + 1e-9


@pytest.mark.parametrize("bounds", [intervals.UNBOUNDED, intervals.POSITIVE, SHARE])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_equal_repeats_have_no_width_and_one_repeat_no_interval(bounds, value):
    low, high = intervals.of_mean([value, value], [0.0, np.nan], [3, 1], bounds)
    assert (low[0], high[0]) == (value, value)
    assert np.isnan([low[1], high[1]]).all()


def test_bounds_are_those_of_the_column():
    frame = pd.DataFrame({"accuracy": [0.5, 0.6], "macro_f1": [0.5, 0.6], "other": [1, 2]})
    assert bounds_of("accuracy", frame) == bounds_of("macro_f1", frame) == SHARE
    assert bounds_of("accuracy", 100 * frame) == intervals.PERCENT
    assert bounds_of("mean_opinion_score", frame) == (1, 5)
    assert bounds_of("energy_kwh", frame) == bounds_of("power_w", frame) == bounds_of("duration_s", frame)
    assert bounds_of("energy_kwh", frame) == intervals.POSITIVE
    assert bounds_of("gpu_utilization_percent", frame) == intervals.PERCENT
    for name in ("net_energy_kwh", "log_likelihood_nats", "other"):
        assert bounds_of(name, frame) == intervals.UNBOUNDED
