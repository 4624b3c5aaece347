"""The figure of a ranking: its axes have ticks whatever they span."""

import numpy as np
import pytest

from isojoule.challenge.page import _log_ticks, _ticks


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.8), (0.475, 0.525), (-1e-9, 1e-9), (3.0, 3e6), (99.999, 100.0)])
def test_ticks_are_round_and_within_the_axis(low, high):
    ticks = _ticks(low, high)
    assert 3 <= len(ticks) <= 8
    assert low <= min(ticks) < max(ticks) <= high
    assert np.allclose(np.diff(ticks), np.diff(ticks)[0])


@pytest.mark.parametrize(("low", "high"), [(-3, 2), (0.0, 0.4), (0.1, 0.15), (1.99, 2.01), (-20.2, 20.7)])
def test_a_logarithmic_axis_has_ticks_however_much_it_spans(low, high):
    powers = np.log10(_log_ticks(low, high))
    assert 2 <= len(powers) <= 8
    assert all(low <= power <= high for power in powers)
