"""The meter, in real time, against a driver whose energy is known."""

import time

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isojoule.energy import Meter, nvml, sampler
from isojoule.energy.sampler import Sampler, integrated
from isojoule.errors import InputError


def metered(driver, gpu=None, **options):
    gpu = gpu or nvml.identify(driver.UUIDS[1])
    given = {"country_iso_code": "FRA", "synchronize": lambda: None, "idle_s": 0, "min_window_s": 0.1}
    return Meter(gpus=[gpu], **{**given, **options})


@given(
    steps=st.lists(st.tuples(st.floats(0.01, 2), st.floats(0, 400)), min_size=2, max_size=30),
    shares=st.tuples(st.floats(0, 0.5), st.floats(0.5, 1)),
    sharpness=st.integers(1, 9),
)
def test_the_integral_is_within_its_bound_of_any_power_that_is_monotone_between_samples(steps, shares, sharpness):
    times_s = np.cumsum([step for step, _ in steps])
    powers_w = np.array([power for _, power in steps])
    started_s, ended_s = times_s[0] + np.array(shares) * (times_s[-1] - times_s[0])
    found = integrated(list(zip(times_s, powers_w, strict=True)), started_s, ended_s)
    fine_s = np.unique(np.concatenate([np.linspace(started_s, ended_s, 20_001), times_s]))
    fine_s = fine_s[(fine_s >= started_s) & (fine_s <= ended_s)]
    index = np.clip(np.searchsorted(times_s, fine_s, side="right") - 1, 0, len(times_s) - 2)
    share = (fine_s - times_s[index]) / (times_s[index + 1] - times_s[index])
    bent_w = powers_w[index] + (powers_w[index + 1] - powers_w[index]) * share**sharpness
    true_j = np.trapezoid(bent_w, fine_s)
    assert abs(found[0] - true_j) <= found[1] + 1e-3 + 1e-4 * abs(true_j)


def test_an_integral_needs_two_samples_and_is_flat_beyond_them():
    assert integrated([(0.0, 5.0)], 0, 1) is None
    assert integrated([(1.0, 10.0), (2.0, 20.0)], 0, 3) == (10 + 15 + 20, 5)


def test_three_readings_of_one_window_agree_and_a_second_window_is_its_own(driver):
    driver.driver.utilization = (0, 0)
    meter = metered(driver, idle_s=0.3, min_window_s=0.5)
    for _ in range(2):
        with meter as window:
            time.sleep(0.6)
        energy = window.energy
        expected_kwh = 70 * energy.duration_s / 3.6e6
        for reading in (energy.gpu, energy.integrated_power):
            assert reading.kind == "measured"
            assert reading.energy_kwh == pytest.approx(expected_kwh, abs=reading.uncertainty_kwh + 0.01 * expected_kwh)
        assert energy.codecarbon.gpu_energy_kwh == pytest.approx(expected_kwh, rel=0.1)
        assert energy.gpu.source == "NVML energy counter"
        assert energy.component == "gpu"
        assert energy.cpu.kind == energy.ram.kind == "estimated"
        assert energy.window.idle_power_w == pytest.approx(70, rel=0.15)
        assert energy.net_energy_kwh == pytest.approx(0, abs=0.15 * expected_kwh)
        time.sleep(0.3)


def test_work_is_repeated_whole_until_the_window_is_a_hundred_periods(driver):
    driver.driver.counter_period_s = 0.01
    meter = metered(driver)
    done = 0
    with meter as window:
        while window.again():
            time.sleep(0.3)
            done += 1
    energy = window.energy
    assert done == energy.window.repetitions > 1
    assert energy.window.resolution_percent <= 1
    assert energy.window.duration_s == pytest.approx(done * energy.duration_s)
    assert energy.gpu.energy_kwh * 3.6e6 == pytest.approx(70 * energy.duration_s, rel=0.03)
    assert energy.codecarbon.gpu_energy_kwh * 3.6e6 == pytest.approx(70 * energy.duration_s, rel=0.1)


def test_a_minimal_window_is_asked_for_where_the_counter_is_fast(driver):
    with metered(driver, nvml_gpu(driver, 0.001), min_window_s=0.4) as window:
        while window.again():
            time.sleep(0.15)
    assert window.energy.window.repetitions == 3


def nvml_gpu(driver, period_s):
    return nvml.Board(driver.UUIDS[1]).described(period_s)


def test_without_counter_the_instantaneous_power_is_integrated(driver):
    """As on a GTX 1080 Ti; the power goes up and down once in two seconds."""
    start_s = time.time()
    vars(driver.driver).update(
        has_counter=False,
        power_w=lambda now_s: 40 - 20 * np.cos(np.pi * (now_s - start_s)),
        energy_j=lambda now_s: 40 * now_s - 20 / np.pi * np.sin(np.pi * (now_s - start_s)),
    )
    meter = metered(driver, power_period_s=0.05)
    with meter as window:
        begin_s = time.time()
        time.sleep(1.2)
        so_far_kwh = window.so_far_kwh()
        end_s = time.time()
    true_j = driver.driver.energy_j(end_s) - driver.driver.energy_j(begin_s)
    reading = window.energy.gpu
    assert (reading.source, reading.kind) == ("NVML instantaneous power, integrated", "measured")
    assert reading.energy_kwh * 3.6e6 == pytest.approx(true_j, abs=reading.uncertainty_kwh * 3.6e6 + 0.01 * true_j)
    assert so_far_kwh == pytest.approx(reading.energy_kwh, rel=0.2)
    assert window.energy.integrated_power is None
    assert 0.05 <= window.energy.window.instrument_period_s < 0.2


@pytest.mark.parametrize("has_counter", [True, False])
def test_the_energy_of_each_repetition_is_read(driver, has_counter):
    """Power rises from repetition to repetition, so that each has another energy."""
    driver.driver.has_counter = has_counter
    start_s = time.time()
    vars(driver.driver).update(
        power_limit_w=1000,
        power_w=lambda now_s: 50 + 50 * (now_s - start_s),
        energy_j=lambda now_s: 50 * (now_s - start_s) + 25 * (now_s - start_s) ** 2,
    )
    with metered(driver, power_period_s=0.02, min_window_s=0.01, resolution_percent=100) as window:
        while window.again(3):
            time.sleep(0.8)
    read_kwh = window.energy.window.repetition_energies_kwh
    assert len(read_kwh) == window.energy.window.repetitions == 3
    assert read_kwh[0] < read_kwh[1] < read_kwh[2]
    assert sum(read_kwh) / 3 == pytest.approx(window.energy.gpu.energy_kwh, rel=0.1)


class Steps:
    """A power that goes from one level to another whenever `draw` is called, and its integral."""

    def __init__(self, power_w):
        self._steps = [(0.0, power_w, 0.0)]

    def draw(self, power_w):
        now_s = time.time()
        self._steps.append((now_s, power_w, self.energy_j(now_s)))

    def power_w(self, time_s):
        return next(power_w for since_s, power_w, _ in reversed(self._steps) if since_s <= time_s)

    def energy_j(self, time_s):
        since_s, power_w, energy_j = next(step for step in reversed(self._steps) if step[0] <= time_s)
        return energy_j + power_w * (time_s - since_s)


@pytest.mark.parametrize(("kind", "within"), [("averaged", 0.06), ("instantaneous", 0.03)])
def test_a_power_that_is_shown_late_is_read_until_it_shows_no_more_of_the_work(driver, kind, within):
    """Ended with the work, the mean of the last second would have read 60 % of it."""
    steps = Steps(20.0)
    vars(driver.driver).update(
        has_counter=False,
        has_instantaneous_power=kind == "instantaneous",
        power_w=steps.power_w,
        energy_j=steps.energy_j,
    )
    meter = metered(driver)
    assert meter.min_window_s == (100 if kind == "averaged" else 10)
    with meter as window:
        began_s = time.time()
        steps.draw(70.0)
        time.sleep(1.0)
        steps.draw(20.0)
        ended_s = time.time()
    reading = window.energy.gpu
    true_j = steps.energy_j(ended_s) - steps.energy_j(began_s)
    assert (reading.source, reading.kind) == (f"NVML {kind} power, integrated", "measured")
    assert reading.energy_kwh * 3.6e6 == pytest.approx(true_j, rel=within)
    assert abs(reading.energy_kwh * 3.6e6 - true_j) < reading.uncertainty_kwh * 3.6e6 + 0.5


def test_several_gpus_are_summed_over_the_longest_time(driver):
    both = [nvml.identify(uuid) for uuid in driver.UUIDS]
    with Meter(gpus=both, synchronize=lambda: time.sleep(0.2), idle_s=0) as window:
        time.sleep(0.4)
    energy = window.energy
    assert energy.duration_s >= 0.6
    assert energy.gpu.energy_kwh * 3.6e6 == pytest.approx(770 * energy.duration_s, rel=0.1)
    assert energy.integrated_power.energy_kwh == pytest.approx(energy.gpu.energy_kwh, rel=0.1)
    assert {sample.device for sample in window.trace.samples if sample.power_w is not None} == {0, 1}


def test_the_device_is_waited_for_before_both_readings(driver):
    waits = []
    with metered(driver, synchronize=lambda: waits.append(time.perf_counter())) as window:
        began_s = time.perf_counter()
        time.sleep(0.1)
        ended_s = time.perf_counter()
    assert len(waits) == 2
    assert waits[0] < began_s < ended_s < waits[1]
    assert window.energy.duration_s >= ended_s - began_s


def test_a_counter_reset_inside_the_window_is_refused(driver):
    with pytest.raises(InputError, match=r"Tesla T4 .*its energy counter fell from .* it was reset"), metered(driver):
        time.sleep(0.1)
        driver.driver.reset_s = time.time()
        time.sleep(0.05)


def test_a_gpu_lost_inside_the_window_is_refused(driver):
    with pytest.raises(InputError, match="no longer answers: GPU is lost; nothing was measured"), metered(driver):
        driver.driver.lost = True


def test_a_gpu_without_counter_that_is_lost_for_a_while_is_refused(driver):
    """Its power would be interpolated over what nobody saw."""
    driver.driver.has_counter = False
    with pytest.raises(InputError, match="no longer answers: GPU is lost"), metered(driver, power_period_s=0.02):
        time.sleep(0.1)
        driver.driver.lost = True
        time.sleep(0.1)
        driver.driver.lost = False


def test_a_power_that_fails_once_costs_the_counter_nothing(driver):
    with metered(driver, power_period_s=0.02) as window:
        driver.driver.codes = {"field": 999, "nvmlDeviceGetUtilizationRates": 10}
        time.sleep(0.2)
        driver.driver.codes = {}
        time.sleep(0.3)
    expected_kwh = 70 * window.energy.duration_s / 3.6e6
    assert window.energy.gpu.energy_kwh == pytest.approx(expected_kwh, rel=0.02)
    assert window.energy.integrated_power.energy_kwh == pytest.approx(expected_kwh, rel=0.02)
    assert window.trace.statistics().failed_samples > 0


def test_a_window_that_a_gpu_leaves_ends_early(driver):
    done = 0
    with pytest.raises(InputError, match="no longer answers"), metered(driver, min_window_s=60) as window:
        while window.again():
            done += 1
            time.sleep(0.3)
            driver.driver.lost = done == 2
    assert done <= 4


def test_a_split_board_is_refused(driver):
    driver.driver.mig = True
    with pytest.raises(InputError, match=r"Tesla T4: found it split into instances \(MIG\), expected a whole board"):
        metered(driver).__enter__()


def test_windows_of_one_meter_do_not_overlap(driver):
    meter = metered(driver)
    with meter as window:
        with pytest.raises(InputError, match="found a window of this meter open already"), meter:
            pass
        time.sleep(0.05)
    assert window.energy.gpu.energy_kwh > 0


def test_after_a_failure_the_meter_measures_on(driver):
    meter = metered(driver)
    with pytest.raises(ZeroDivisionError), meter:
        1 / 0  # noqa: B018
    driver.driver.lost = True
    with pytest.raises(InputError, match="no longer answers"), meter:
        pass
    driver.driver.lost = False
    with meter as window:
        time.sleep(0.5)
    assert window.energy.gpu.energy_kwh * 3.6e6 == pytest.approx(70 * window.energy.duration_s, rel=0.1)
    assert window.energy.codecarbon.gpu_energy_kwh == pytest.approx(window.energy.gpu.energy_kwh, rel=0.1)


def test_an_error_of_the_device_before_the_window_is_told_as_it_is(driver):
    def fail():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        metered(driver, synchronize=fail).__enter__()


def test_company_on_the_gpu_is_refused_before_the_window_unless_allowed(driver):
    driver.driver.processes = 2
    with pytest.raises(InputError, match=r"Tesla T4: found 1 other process computing on it, expected none"):
        metered(driver).__enter__()
    with metered(driver, allow_shared=True) as window:
        time.sleep(0.05)
    assert window.trace.statistics().foreign_processes == 1


def test_who_comes_during_the_window_is_in_the_trace_and_so_is_all_else(driver, tmp_path):
    with metered(driver, sample_period_s=0.1) as window:
        time.sleep(0.25)
        vars(driver.driver).update(processes=3, throttle_reasons=0x20, temperature_c=71, utilization=(100, 60))
        time.sleep(0.25)
    statistics = window.trace.statistics(peak_memory_bytes=5)
    assert statistics.period_s == 0.1
    assert statistics.foreign_processes == 2
    assert 0 < statistics.throttled_percent["sw-thermal"] < 100
    assert (statistics.start_temperature_c, statistics.max_temperature_c) == (61, 71)
    assert 80 < statistics.utilization_percent < 100
    assert (statistics.sm_clock_mhz, statistics.memory_clock_mhz, statistics.peak_memory_bytes) == (1590, 5000, 5)
    window.trace.write(tmp_path / "trace.parquet")
    trace = parquet.read_table(tmp_path / "trace.parquet").to_pydict()
    assert {power_w for power_w in trace["power_w"] if power_w is not None} == {70}
    assert trace["time_s"] == sorted(trace["time_s"])
    assert "sw-thermal" in trace["throttle_reasons"]


def test_what_a_gpu_lacks_is_left_out(driver):
    driver.driver.mig = True
    with metered(driver, allow_shared=True) as window:
        time.sleep(0.05)
    statistics = window.trace.statistics()
    assert statistics.utilization_percent is None
    assert statistics.power_w == 70


def test_the_sampler_takes_full_samples_by_its_period_and_power_in_between(driver, monkeypatch):
    monkeypatch.setattr(sampler, "EDGE_S", 0.0)
    with Sampler([nvml.Board(driver.UUIDS[1])], period_s=0.3, power_period_s=0.05) as running:
        time.sleep(0.8)
    assert running.trace.statistics().samples == 4
    assert 12 <= len(running.trace.samples) <= 19


def test_a_country_that_codecarbon_does_not_know_is_refused():
    with pytest.raises(InputError, match=r"energy\.country_iso_code: found XXX, expected a country"):
        Meter(country_iso_code="XXX").ready()


def test_without_a_country_energies_are_read_and_emissions_are_not_stated(driver):
    with metered(driver, country_iso_code=None) as window:
        time.sleep(0.2)
    codecarbon = window.energy.codecarbon
    assert (codecarbon.country_iso_code, codecarbon.emissions_kg_co2e) == (None, None)
    assert codecarbon.total_energy_kwh > codecarbon.gpu_energy_kwh > 0
    with metered(driver) as window:
        time.sleep(0.2)
    assert window.energy.codecarbon.emissions_kg_co2e > 0


def test_the_meter_reads_more_over_a_longer_window():
    readings = []
    for size in (1, 4):
        with Meter() as window:
            matrix = torch.rand(700, 700)
            for _ in range(10 * size):
                matrix = matrix @ matrix / 700
        readings.append(window.energy)
    assert readings[1].duration_s > readings[0].duration_s
    assert readings[1].computing.energy_kwh > readings[0].computing.energy_kwh
    total = readings[0].codecarbon
    assert total.total_energy_kwh == pytest.approx(total.cpu_energy_kwh + total.gpu_energy_kwh + total.ram_energy_kwh)
