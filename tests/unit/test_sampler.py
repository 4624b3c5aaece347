"""The sampler and its trace, on devices that are made up."""

import time
from itertools import pairwise

import pytest

from isojoule.energy import sampler
from isojoule.energy.nvml_queries import GoneError, UnansweredError
from isojoule.energy.sampler import Sample, Sampler, Trace


class Device:
    """A device whose power is read as `answer` tells, by the number of the question."""

    def __init__(self, answer):
        self._answer, self._asked = answer, 0

    def power_w(self):
        self._asked += 1
        return self._answer(self._asked)

    def sample(self):
        return {"temperature_c": 50.0}


def raising(error):
    def answer(number):
        raise error

    return answer


def trace_of(*times_s, gpus=1, device=0):
    return Trace(gpus, samples=[Sample(time_s, device, 50.0) for time_s in times_s])


def test_a_sample_that_fails_is_a_gap_and_the_next_is_taken():
    def every_third(number):
        if number % 3 == 0:
            raise UnansweredError("T4: did not answer")
        return 50.0

    with Sampler([Device(every_third)], power_period_s=0.01) as running:
        time.sleep(0.2)
    trace = running.trace
    assert len(trace.samples) > 5
    assert 2 <= trace.statistics().failed_samples <= len(trace.samples)
    assert trace.hopeless([0]) is None


def test_a_device_that_is_gone_is_not_waited_for_and_one_that_is_silent_is_for_a_while(monkeypatch):
    with Sampler([Device(raising(GoneError("T4: no longer answers")))], power_period_s=0.01) as running:
        assert str(running.trace.hopeless([])) == "T4: no longer answers"
    with Sampler([Device(raising(UnansweredError("T4: did not answer")))], power_period_s=0.01) as running:
        assert running.trace.hopeless([0]) is None
        monkeypatch.setattr(sampler, "HOPELESS_S", 0.05)
        time.sleep(0.1)
        assert str(running.trace.hopeless([0])) == "T4: did not answer"
        # its counter may answer all the same
        assert running.trace.hopeless([]) is None


def test_ticks_that_were_missed_are_skipped(monkeypatch):
    """A burst of samples would weigh one moment more than the others."""
    monkeypatch.setattr(sampler, "EDGE_S", 0.0)

    def slow_once(number):
        time.sleep(0.3 if number == 3 else 0)
        return 50.0

    with Sampler([Device(slow_once)], power_period_s=0.02) as running:
        time.sleep(0.6)
    times_s = [sample.time_s for sample in running.trace.samples]
    gaps_s = [right - left for left, right in pairwise(times_s[:-1])]
    assert max(gaps_s) > 0.1
    # the last but one tick may be late, and the last sample is taken at the end
    assert sum(gap_s < 0.01 for gap_s in gaps_s) <= 2


def test_the_power_of_gpus_is_sampled_most_often_at_the_edges_of_the_work(monkeypatch):
    monkeypatch.setattr(sampler, "EDGE_S", 0.2)
    with Sampler([Device(lambda number: 50.0)], [Device(lambda number: 5.0)], period_s=0.3) as running:
        time.sleep(0.7)
        ended_s = time.perf_counter()
        running.work_ended(ended_s)
        time.sleep(0.3)
    trace = running.trace
    assert trace.ended_s == ended_s
    times_s = [sample.time_s for sample in trace.samples if sample.device == 0]
    end_s = ended_s - trace.started_s
    for low_s, high_s in ((0.0, 0.2), (end_s, end_s + 0.2)):
        assert sum(low_s <= time_s < high_s for time_s in times_s) > 5
    assert sum(0.25 < time_s < 0.65 for time_s in times_s) <= 6
    # what is no GPU has no edges
    assert sum(sample.device == 1 for sample in trace.samples) < 14
    # the last state is that of the end of the work
    full_s = [sample.time_s for sample in trace.samples if sample.state is not None and sample.device == 0]
    assert 3 <= len(full_s) <= 5
    assert end_s <= full_s[-1] < end_s + 0.1


@pytest.mark.parametrize(
    ("times_s", "gap_s"),
    [
        ((0, 1, 2, 3, 4, 5), 1),
        ((0, 1, 4, 5), 3),
        ((2, 3, 4, 5), 1),
        ((0, 0.5), 3.5),
        ((), 3),
        ((9,), 8),
    ],
)
def test_a_gap_is_the_longest_time_without_a_sample_inside_and_at_the_edges(times_s, gap_s):
    """Between the seconds 1 and 4."""
    assert trace_of(*times_s).longest_gap_s(0, 1.0, 4.0) == pytest.approx(gap_s)


def test_the_hottest_of_several_boards_is_told():
    """A job on two boards said what the first began with, and what the last ended with."""
    temperatures_c = {0: (40, 60, 55), 1: (70, 75, 50)}
    samples = [
        Sample(float(number), device, 50.0, {"temperature_c": float(of_device[number])})
        for number in range(3)
        for device, of_device in temperatures_c.items()
    ]
    statistics = Trace(2, samples=samples).statistics()
    assert (statistics.start_temperature_c, statistics.max_temperature_c) == (70, 75)
    assert statistics.end_temperature_c == 55
    assert Trace(2).statistics().start_temperature_c is None


@pytest.mark.parametrize(
    ("states", "foreign", "throttled"),
    [
        (({"foreign_processes": 0.0}, {"foreign_processes": 0.0}), 0, None),
        (({"foreign_processes": 0.0}, {}), None, None),
        (({"foreign_processes": 2.0}, {}), 2, None),
        (({"throttle_reasons": ""}, {"throttle_reasons": ""}), None, {}),
        (({"throttle_reasons": ""}, {}), None, None),
        (({"throttle_reasons": "hw-thermal"}, {}), None, {"hw-thermal": 100.0}),
    ],
)
def test_what_one_board_tells_is_not_said_of_another(states, foreign, throttled):
    statistics = Trace(
        2, samples=[Sample(0.0, device, 50.0, state) for device, state in enumerate(states)]
    ).statistics()
    assert (statistics.foreign_processes, statistics.throttled_percent) == (foreign, throttled)
