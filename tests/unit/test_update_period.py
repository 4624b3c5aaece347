"""How often a counter or a power is updated, as seen by a watcher whose clock is made up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isojoule.energy import update_period
from isojoule.energy.nvml_queries import UnansweredError
from isojoule.energy.update_period import LONGEST_IDLE_PERIOD_S, Look, period_s, power_period_s, update_period_s


class Watched:
    """A value that is updated regularly, and what it costs to look at it.

    Args:
        period_s: time between two updates.
        query_s: how long the driver takes to answer.
        changes: share of the updates that change the value.
        stalls: how long the watcher sleeps too long, by the number of its sleep.
    """

    def __init__(self, period_s, query_s=0.0002, changes=1.0, stalls=lambda number: 0.0):
        self.now_s, self._sleeps = 0.0, 0
        self._period_s, self._query_s, self._stalls = period_s, query_s, stalls
        self._values = np.cumsum(np.random.default_rng(0).random(100_000) < changes)
        self.stamps_updates, self.answers = False, True

    def clock(self):
        return self.now_s

    def sleep(self, wait_s):
        self._sleeps += 1
        self.now_s += wait_s + self._stalls(self._sleeps)

    def value(self):
        self.now_s += self._query_s
        if not self.answers:
            raise UnansweredError("did not answer")
        return int(self._values[int(self.now_s / self._period_s)])

    def power(self):
        updated_s = self.now_s // self._period_s * self._period_s
        return self.value(), int(1e6 * (updated_s if self.stamps_updates else self.now_s))

    def period_s(self):
        return update_period_s(self.value, clock=self.clock, sleep=self.sleep)

    def power_period_s(self):
        return power_period_s(self.power, clock=self.clock, sleep=self.sleep)


@given(period_s=st.floats(0.015, 0.5), query_s=st.floats(0.0001, 0.06))
def test_a_period_is_seen_to_one_look_however_slow_the_driver_is(period_s, query_s):
    """A driver that takes 12 ms for an answer was never seen to update its counter, and the GPU was refused."""
    seen_s = Watched(period_s, query_s).period_s()
    look_s = query_s + update_period.POLL_S
    assert period_s - look_s <= seen_s <= period_s + 2 * look_s


def test_a_stall_of_the_watcher_is_not_taken_for_a_period():
    """A stall of 0.45 s made windows of 52.9 s."""
    seen_s = Watched(0.1, stalls=lambda number: 0.45 if number % 150 == 0 else 0.0).period_s()
    assert seen_s == pytest.approx(0.1, abs=0.003)


def test_a_busy_machine_makes_the_period_longer_rather_than_none():
    late_s = np.random.default_rng(1).exponential(0.02, 10_000)
    assert 0.1 <= Watched(0.1, stalls=lambda number: late_s[number]).period_s() < 0.2


def test_a_counter_that_stands_still_or_is_not_offered_has_no_period():
    assert Watched(1e6).period_s() is None
    assert update_period_s(lambda: None) is None
    assert power_period_s(lambda: None) is None


def test_a_counter_that_moves_once_is_a_slow_one_and_does_count():
    assert Watched(1.4).period_s() == pytest.approx(update_period.WATCHED_S, abs=0.01)


def test_what_is_not_answered_for_a_while_is_a_stall_and_for_ever_an_error():
    watched = Watched(0.1)
    watched.sleep = lambda wait_s, sleep=watched.sleep: (
        sleep(wait_s),
        setattr(watched, "answers", watched.now_s > 0.3),
    )
    watched.answers = False
    assert watched.period_s() == pytest.approx(0.1, abs=0.003)
    silent = Watched(0.1)
    silent.answers = False
    with pytest.raises(UnansweredError):
        silent.period_s()


@pytest.mark.parametrize("changes", [1.0, 0.5, 0.1])
@pytest.mark.parametrize("period_s", [0.02, 0.1])
def test_an_idle_power_that_seldom_changes_makes_no_long_windows(period_s, changes):
    """A period of 0.9 s made windows of 90 s."""
    seen_s = Watched(period_s, changes=changes).power_period_s()
    assert 0.9 * period_s <= seen_s <= 0.1 + 0.01
    assert Watched(0.1, changes=0.01).power_period_s() in (None, LONGEST_IDLE_PERIOD_S)
    assert Watched(0.1, changes=0.0).power_period_s() is None


@pytest.mark.parametrize("period_s", [0.02, 0.1, 0.4])
def test_the_drivers_own_time_of_a_power_tells_of_updates_that_change_nothing(period_s):
    watched = Watched(period_s, changes=0.0)
    watched.stamps_updates = True
    assert watched.power_period_s() == pytest.approx(period_s, abs=0.003)


def test_intervals_with_a_stall_are_used_only_where_there_are_no_others():
    looks = [Look(0.01 * number, number // 10) for number in range(41)]
    assert period_s(looks, 0.9) == pytest.approx(0.1)
    # nobody looked between 0.15 and 0.32, where the counter was updated twice
    with_a_stall = [look for look in looks if not 0.15 < look.time_s < 0.315]
    assert period_s(with_a_stall, 0.9) == pytest.approx(0.2, abs=0.1)
    assert period_s([*with_a_stall, *(Look(0.01 * number, number // 10) for number in range(41, 90))], 0.9) == (
        pytest.approx(0.1)
    )
