"""The account of a window, from made-up readings: no clock runs and no device is read."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isojoule.energy.account import Observation, account, energy_between
from isojoule.energy.edges import Edge, Tick
from isojoule.energy.idle import Idle
from isojoule.energy.instruments import AVERAGED_S, Instrument, Readings, of_gpu
from isojoule.energy.sampler import Sample, Trace
from isojoule.errors import InputError
from isojoule.records.measurement import CodeCarbon, Gpu

LIMIT_W = 70.0
RAPL = Instrument("cpu", "counter", "RAPL package", 0.001, "RAPL", core_power_w=2.0, model="CPU time x 2 W")
MODEL = Instrument("cpu", "model", "CPU time x 2 W", 0.01, core_power_w=2.0, model="CPU time x 2 W")


def gpu(name="Tesla T4", **changes):
    described = {
        "name": name,
        "uuid": f"GPU-{name}",
        "nvml_index": 0,
        "driver": "580.1",
        "power_limit_w": LIMIT_W,
        "memory_bytes": 1,
        "counter_period_s": 0.02,
        "power": "instantaneous",
        "mig": False,
    }
    return of_gpu(Gpu.model_validate(described | changes), power_period_s=0.1)


def codecarbon(gpu_j=0.0, cpu_j=3.6, ram_j=3.6):
    energies = {"gpu_energy_kwh": gpu_j / 3.6e6, "cpu_energy_kwh": cpu_j / 3.6e6, "ram_energy_kwh": ram_j / 3.6e6}
    return CodeCarbon(version="3", total_energy_kwh=sum(energies.values()), **energies)


def trace(*powers_w, step_s=0.1, gpus=1):
    """The power of each device, given as the list of its samples."""
    samples = [
        Sample(number * step_s, device, power_w)
        for device, of_device in enumerate(powers_w)
        for number, power_w in enumerate(of_device)
    ]
    return Trace(gpus, samples=samples)


def observed(instruments=(), before=(0.0,), after=(100.0,), ended_s=10.0, **changes):
    """A window of ten seconds over GPUs, whose counters it reads."""
    instruments = instruments or [gpu()]
    options = {"trace": Trace(len(instruments)), "codecarbon": codecarbon(), "cpu": MODEL, **changes}
    return Observation(instruments, Readings(0.0, before), Readings(ended_s, after, cpu_s=18.0), **options)


def joules(reading):
    return reading.energy_kwh * 3.6e6


def test_two_gpus_and_three_repetitions_by_hand():
    """They read 50 and 100 J in 12 s, three times 50 J; a period of each at its most power may be missing."""
    energy = account(
        observed(
            [gpu(counter_period_s=0.02), gpu("A40", counter_period_s=0.1, power_limit_w=300.0)],
            before=(1000.0, 7.0),
            after=(1050.0, 107.0),
            ended_s=12.0,
            repetitions=3,
            trace=trace([4.0] * 121, [9.0] * 121, gpus=2),
            codecarbon=codecarbon(gpu_j=120, cpu_j=36, ram_j=9),
            idle=Idle(5.0, 0.1, -20.0, number=2, settled=True),
        )
    )
    assert (energy.component, energy.gpu.kind, energy.gpu.source) == ("gpu", "measured", "NVML energy counter")
    assert joules(energy.gpu) == pytest.approx(50)
    assert energy.gpu.uncertainty_kwh * 3.6e6 == pytest.approx((0.02 * 70 + 0.001 + 0.1 * 300 + 0.001) / 3)
    assert energy.integrated_power.source == "NVML instantaneous power, integrated"
    assert joules(energy.integrated_power) == pytest.approx((4 + 9) * 12 / 3)
    # 18 s of CPU time at 2 W
    assert (joules(energy.cpu), joules(energy.ram)) == (pytest.approx(12), pytest.approx(3))
    assert energy.cpu.source == "CPU time x 2 W"
    assert energy.cpu.kind == energy.ram.kind == "estimated"
    assert (energy.duration_s, energy.window.duration_s, energy.window.repetitions) == (4, 12, 3)
    assert energy.window.instrument_period_s == 0.1
    assert energy.window.resolution_percent == pytest.approx(100 * 0.1 / 12)
    # CodeCarbon read 40 J and the power was 52 J, of 50
    assert energy.window.disagreement_percent == pytest.approx(20)
    assert energy.net_energy_kwh * 3.6e6 == pytest.approx(50 - 5 * 4)
    assert (energy.window.idle.number, energy.window.idle.age_s) == (2, pytest.approx(20))


def test_rapl_by_hand():
    before, after = {"package": 10.0, "dram": 1.0}, {"package": 40.0, "dram": 3.0}
    energy = account(
        Observation([RAPL], Readings(0.0, (), before), Readings(5.0, (), after), Trace(0), codecarbon(cpu_j=33), RAPL)
    )
    assert (energy.component, energy.gpu, energy.integrated_power) == ("cpu", None, None)
    assert (joules(energy.cpu), energy.cpu.source, energy.cpu.kind) == (pytest.approx(30), "RAPL package", "measured")
    assert (joules(energy.ram), energy.ram.source) == (pytest.approx(2), "RAPL dram")
    assert energy.cpu.uncertainty_kwh is None
    assert energy.window.disagreement_percent == pytest.approx(10)


def test_a_model_is_an_estimate_that_nothing_confirms():
    ends = Readings(0.0, cpu_s=7.0), Readings(5.0, cpu_s=32.0)
    energy = account(Observation([MODEL], *ends, Trace(0), codecarbon(cpu_j=9), MODEL, repetitions=2))
    assert (joules(energy.computing), energy.computing.kind) == (pytest.approx(25), "estimated")
    assert energy.codecarbon.cpu_energy_kwh * 3.6e6 == pytest.approx(4.5)
    assert energy.window.disagreement_percent is None
    assert energy.window.resolution_percent == pytest.approx(100 * 0.01 / 5)


@pytest.mark.parametrize("ended_cpu_s", [7.0, 6.0], ids=["none was used", "a child took its time with it"])
def test_no_cpu_time_is_no_energy_of_a_cpu_and_little_beside_a_gpu(ended_cpu_s):
    ends = Readings(0.0, cpu_s=7.0), Readings(5.0, cpu_s=ended_cpu_s)
    with pytest.raises(InputError, match=r"^CPU time: read 0 J over 5\.00 s, expected more than 0"):
        account(Observation([MODEL], *ends, Trace(0), codecarbon(), MODEL))
    beside = [replace(end, gpus_j=(end.time_s * 20,)) for end in ends]
    energy = account(Observation([gpu()], *beside, Trace(1), codecarbon(), MODEL))
    assert (joules(energy.gpu), energy.cpu.energy_kwh, energy.cpu.kind) == (pytest.approx(100), 0, "estimated")


def test_a_window_without_codecarbon_has_all_that_is_ours():
    figures = CodeCarbon(version="3", failure="it was not ready")
    by_time = account(
        Observation([MODEL], Readings(0.0, cpu_s=7.0), Readings(5.0, cpu_s=32.0), Trace(0), figures, MODEL)
    )
    assert (joules(by_time.computing), by_time.ram) == (pytest.approx(50), None)
    assert by_time.codecarbon.failure == "it was not ready"
    assert account(observed(codecarbon=figures)).window.disagreement_percent is None


def test_rapl_beside_a_gpu_is_the_cpus_energy_unless_it_stood_still():
    """A virtual machine may show a counter that never moves: 0 kWh, measured, would be wrong."""
    before = {"package": 5.0, "dram": 1.0}
    for after, kinds, source in (
        ({"package": 9.0, "dram": 2.0}, ("measured", "measured"), "RAPL package"),
        (before, ("estimated", "estimated"), "CPU time x 2 W"),
    ):
        ends = Readings(0.0, (0.0,), before), Readings(9.0, (8.0,), after, cpu_s=1.0)
        energy = account(Observation([gpu()], *ends, Trace(1), codecarbon(), RAPL))
        assert (energy.component, joules(energy.gpu)) == ("gpu", pytest.approx(8))
        assert ((energy.cpu.kind, energy.ram.kind), energy.cpu.source) == (kinds, source)
        assert min(energy.cpu.energy_kwh, energy.ram.energy_kwh) > 0
        assert (energy.why_no_rapl is None) == (energy.cpu.kind == "measured")


class Curve:
    """Power that goes from level to level every `step_s`, from 3 s before time 0 on, and the energy under it."""

    def __init__(self, levels_w, step_s=0.3):
        self.times_s = step_s * np.arange(-10, len(levels_w) + 1)
        self.length_s = step_s * len(levels_w)
        levels_w = np.array([levels_w[0]] * 10 + list(levels_w))
        self.energies_j = np.concatenate([[0], np.cumsum(levels_w * step_s)])

    def energy_j(self, time_s):
        return float(np.interp(time_s, self.times_s, self.energies_j))


curves = st.lists(st.floats(0, LIMIT_W), min_size=3, max_size=30).map(lambda levels_w: Curve([LIMIT_W, *levels_w]))
shares = st.tuples(st.floats(0, 0.4), st.floats(0.6, 1))


@given(curve=curves, period_s=st.floats(0.02, 0.1), shares=shares)
def test_whatever_the_power_does_the_counter_is_within_its_bound(curve, period_s, shares):
    started_s, ended_s = (share * curve.length_s for share in shares)
    before_j, after_j = (curve.energy_j(time_s // period_s * period_s) for time_s in (started_s, ended_s))
    instrument, true_j = gpu(counter_period_s=period_s), curve.energy_j(ended_s) - curve.energy_j(started_s)
    before, after = Readings(started_s, (before_j,)), Readings(ended_s, (after_j,))
    energy_j, bound_j = energy_between([instrument], before, after, Trace(1))
    assert abs(energy_j - true_j) <= bound_j
    assert bound_j == pytest.approx(period_s * LIMIT_W + 0.001)


@given(curve=curves, shares=shares, power=st.sampled_from(["averaged", "instantaneous"]))
def test_whatever_the_power_does_its_integral_is_within_its_bound(curve, shares, power):
    """Levels change at samples, so that an average rises or falls between two of them; the rest is its lag."""
    over_s = AVERAGED_S if power == "averaged" else 0.1
    times_s = 0.1 * np.arange(round(curve.length_s / 0.1) + 1)
    powers_w = [(curve.energy_j(time_s) - curve.energy_j(time_s - over_s)) / over_s for time_s in times_s]
    started_s, ended_s = (share * curve.length_s for share in shares)
    true_j = curve.energy_j(ended_s) - curve.energy_j(started_s)
    before, after = Readings(started_s, (None,)), Readings(ended_s, (None,))
    instrument = gpu(counter_period_s=None, power=power)
    energy_j, bound_j = energy_between([instrument], before, after, trace(powers_w))
    assert abs(energy_j - true_j) <= bound_j + 1e-6
    if power == "averaged":
        assert bound_j >= LIMIT_W / 2


@given(
    increments_j=st.lists(st.floats(0.001, 1e4), min_size=1, max_size=20),
    durations_s=st.lists(st.floats(1, 100), min_size=20, max_size=20),
    start_j=st.floats(0, 1e6),
)
def test_the_repetitions_make_up_the_window_whatever_they_take(increments_j, durations_s, start_j):
    number = len(increments_j)
    counters_j = start_j + np.cumsum([0, *increments_j])
    times_s = np.cumsum([0, *durations_s[:number]])
    marks = [Readings(time_s, (counter_j,)) for time_s, counter_j in zip(times_s, counters_j, strict=True)]
    figures = codecarbon(gpu_j=sum(increments_j))
    energy = account(
        Observation([gpu(power_limit_w=None)], marks[0], marks[-1], Trace(1), figures, MODEL, number, marks)
    )
    read_kwh = energy.window.repetition_energies_kwh
    assert read_kwh == pytest.approx([increment_j / 3.6e6 for increment_j in increments_j], rel=1e-4, abs=1e-15)
    assert sum(read_kwh) == pytest.approx(number * energy.gpu.energy_kwh)
    assert energy.duration_s * number == pytest.approx(energy.window.duration_s)
    assert energy.window.disagreement_percent == pytest.approx(0, abs=1e-3)


def test_an_estimate_takes_the_repetitions_that_nothing_slowed():
    """25 s of CPU time at 2 W in four repetitions, of which the least took 5 s: 10 J, and 25 % more on average."""
    ends = Readings(0.0, cpu_s=7.0), Readings(30.0, cpu_s=32.0)
    energy = account(Observation([MODEL], *ends, Trace(0), codecarbon(), MODEL, repetitions=4, least_cpu_s=5.0))
    assert (joules(energy.computing), energy.window.slowed_percent) == (pytest.approx(10), pytest.approx(25))
    pieces = account(Observation([MODEL], *ends, Trace(0), codecarbon(), MODEL, least_cpu_s=20.0))
    assert (joules(pieces.computing), pieces.window.slowed_percent) == (pytest.approx(40), pytest.approx(25))
    once = account(Observation([MODEL], *ends, Trace(0), codecarbon(), MODEL))
    assert (joules(once.computing), once.window.slowed_percent) == (pytest.approx(50), None)
    assert account(observed(repetitions=3)).window.slowed_percent is None, "an instrument needs no such thing"


def test_repetitions_of_a_model_are_read_from_it():
    marks = [Readings(time_s, cpu_s=cpu_s) for time_s, cpu_s in ((0, 0.0), (1, 2.0), (2, 5.0))]
    energy = account(Observation([MODEL], marks[0], marks[-1], Trace(0), codecarbon(), MODEL, 2, marks))
    assert [3.6e6 * of_one_kwh for of_one_kwh in energy.window.repetition_energies_kwh] == pytest.approx([4, 6])


@pytest.mark.parametrize(
    ("counters_j", "lasts_s"),
    [((0.0, 5.0, 9.0), 0.19), ((0.0, 9.0, 8.0, 12.0), 1.0)],
    ids=["shorter than ten periods", "a counter that fell and caught up again"],
)
def test_a_repetition_that_says_little_has_no_energy_of_its_own(counters_j, lasts_s):
    marks = [Readings(lasts_s * number, (counter_j,)) for number, counter_j in enumerate(counters_j)]
    energy = account(observed(after=counters_j[-1:], repetitions=len(marks) - 1, marks=marks))
    assert energy.window.repetition_energies_kwh is None
    assert energy.gpu.energy_kwh > 0


@given(counters_j=st.lists(st.floats(0, 1e9), min_size=2, max_size=2, unique=True).map(sorted))
def test_a_counter_that_fell_is_refused_by_name(counters_j):
    low_j, high_j = counters_j
    with pytest.raises(InputError) as refused:
        account(observed([gpu(), gpu("A40")], before=(0.0, high_j), after=(1.0, low_j)))
    assert str(refused.value) == (
        f"A40 (GPU-A40): its energy counter fell from {high_j:.3f} to {low_j:.3f} J inside the window, expected it to "
        "rise: it was reset; nothing was measured"
    )


def test_zero_energy_is_never_a_result():
    with pytest.raises(InputError, match=r"^Tesla T4 and A40: read 0 J over 10\.00 s, expected more than 0"):
        account(observed([gpu(), gpu("A40")], before=(3.0, 4.0), after=(3.0, 4.0)))


def test_a_gpu_with_neither_counter_nor_samples_is_refused():
    for samples in ([], [50.0]):
        with pytest.raises(InputError, match=r"^Tesla T4 \(GPU-Tesla T4\): found no energy counter and fewer than two"):
            account(observed([gpu(counter_period_s=None)], (None,), (None,), trace=trace(samples)))


def failing(failed, *times_s, gone=False):
    """A trace with failures of the first device at these times."""
    for time_s in times_s:
        failed.failures.append((time_s, 0, InputError("Tesla T4: did not answer")))
    return failed


def test_a_device_that_did_not_answer_for_a_moment_costs_nothing():
    """One transient error in ten thousand samples must not throw the window away."""
    failed = failing(trace([5.0] * 101), 3.05)
    by_power = account(observed([gpu(counter_period_s=None)], (None,), (None,), trace=failed))
    assert joules(by_power.gpu) == pytest.approx(50)
    by_counter = account(observed(after=(50.0,), trace=failed))
    assert joules(by_counter.integrated_power) == pytest.approx(50)


def test_a_gap_is_refused_only_where_the_power_decides():
    """The power would be interpolated over what nobody saw."""
    failed = failing(trace([5.0] * 101), 3.0, 4.0)
    del failed.samples[25:45]
    with pytest.raises(InputError, match=r"found 2\.1 s without a reading of its power \(Tesla T4: did not answer\)"):
        account(observed([gpu(counter_period_s=None)], (None,), (None,), trace=failed))
    energy = account(observed(after=(50.0,), trace=failed))
    assert (joules(energy.gpu), energy.integrated_power) == (pytest.approx(50), None)


def test_a_mean_power_that_the_limit_forbids_is_refused():
    """A counter in a wrong unit gave 99,992 W measured on a board of 700 W."""
    with pytest.raises(InputError, match=r"read a mean power of 99,992 W .* 1\.2 times its power limit of 700 W"):
        account(observed([gpu(power_limit_w=700.0)], after=(999_920.0,)))
    assert account(observed([gpu(power_limit_w=700.0)], after=(8_390.0,))).gpu.energy_kwh > 0


@pytest.mark.parametrize(("counter_j", "is_refused"), [(500, False), (595, False), (605, True), (395, True)])
def test_a_counter_that_the_power_contradicts_is_refused(counter_j, is_refused):
    window = observed(after=(float(counter_j),), trace=trace([50.0] * 101))
    if is_refused:
        with pytest.raises(InputError, match=r"its energy counter read .* and its power, integrated, 500 J"):
            account(window)
    else:
        assert joules(account(window).gpu) == pytest.approx(counter_j)


@pytest.mark.parametrize(("ended_s", "is_refused"), [(10.0, True), (9.9, False)])
def test_a_counter_in_a_wrong_unit_is_refused_by_a_mean_power_as_well_where_the_window_is_long(ended_s, is_refused):
    """The limit is not known, and the power is the mean of the last second."""
    board = gpu(power="averaged", power_limit_w=None)
    window = observed([board], after=(0.5,), ended_s=ended_s, trace=trace([50.0] * 101))
    if is_refused:
        with pytest.raises(InputError, match=r"its energy counter read 0\.5 J over 10\.00 s and its power"):
            account(window)
    else:
        assert joules(account(window).gpu) == pytest.approx(0.5)


def test_a_repetition_that_is_short_beside_the_lag_of_its_counter_has_no_energy_of_its_own():
    marks = [Readings(float(number), (50.0 * number,)) for number in range(3)]
    for late_s, is_told in ((0.05, True), (0.5, False)):
        board = replace(gpu(), late_s=late_s)
        energy = account(observed([board], ended_s=2.0, repetitions=2, marks=marks))
        assert (energy.window.repetition_energies_kwh is not None) is is_told
        # a plain difference of the counter is off by as much as it shows late
        assert joules(energy.gpu) == pytest.approx(50)
        assert 2 * 3.6e6 * energy.gpu.uncertainty_kwh == pytest.approx((0.02 + late_s) * LIMIT_W, abs=0.01)


def test_an_edge_takes_what_is_outside_of_the_work_away_again():
    """The counter was last seen 0.2 s before the work and 0.4 s after it, at 20 W and at 30 W."""
    opening = Edge(Tick(-0.2, 1000.0, 0.001), power_w=20.0, change_w=0.0)
    closing = Edge(Tick(10.4, 1000.0 + 4.0 + 600.0 + 12.0, 0.001), power_w=30.0, change_w=0.0)
    window = observed([gpu()], (1003.0,), (1590.0,), opening=[opening], closing=[closing])
    energy = account(window).gpu
    assert joules(energy) == pytest.approx(600)
    assert 0 < energy.uncertainty_kwh * 3.6e6 < 1


def test_samples_that_come_late_lower_the_resolution_where_power_decides():
    late = trace([10.0] * 101)
    del late.samples[30:39]
    by_power = account(observed([gpu(counter_period_s=None)], (None,), (None,), trace=late)).window
    assert by_power.instrument_period_s == pytest.approx(1)
    assert by_power.resolution_percent == pytest.approx(10)
    assert account(observed(trace=late)).window.instrument_period_s == 0.02


def test_an_average_says_nothing_against_the_counter():
    options = {"trace": trace([9.0] * 101), "codecarbon": codecarbon(gpu_j=101)}
    averaged = account(observed([gpu(power="averaged")], **options))
    assert joules(averaged.integrated_power) == pytest.approx(90)
    assert averaged.window.disagreement_percent == pytest.approx(1)
    assert account(observed(**options)).window.disagreement_percent == pytest.approx(10)


def test_the_bound_of_several_gpus_is_known_only_where_that_of_each_is():
    limited, unlimited = gpu(), gpu("A40", power_limit_w=None)
    assert account(observed([limited, unlimited], (0.0, 0.0), (1.0, 1.0))).gpu.uncertainty_kwh is None
    assert account(observed([limited, limited], (0.0, 0.0), (1.0, 1.0))).gpu.uncertainty_kwh > 0


@pytest.mark.parametrize(
    ("changes", "means", "period_s"),
    [
        ({}, "counter", 0.02),
        ({"counter_period_s": None}, "power", 0.1),
        ({"counter_period_s": None, "power_period_s": 0.3}, "power", 0.3),
        ({"counter_period_s": None, "power": "averaged", "power_period_s": 0.3}, "power", 1.0),
    ],
)
def test_what_decides_the_energy_of_a_gpu_has_its_period(changes, means, period_s):
    instrument = gpu(**changes)
    assert (instrument.means, instrument.period_s) == (means, period_s)


def test_a_counter_that_does_not_answer_at_an_end_is_read_at_its_edges_or_refused_and_never_by_the_power():
    """The record would say that the counter decided."""
    opening = Edge(Tick(-0.2, 1000.0, 0.001), power_w=20.0, change_w=0.0)
    closing = Edge(Tick(10.4, 1000.0 + 4.0 + 600.0 + 12.0, 0.001), power_w=30.0, change_w=0.0)
    options = {"trace": trace([60.0] * 101), "opening": [opening], "closing": [closing]}
    for before, after in (((None,), (1590.0,)), ((1001.0,), (None,))):
        assert joules(account(observed([gpu()], before, after, **options)).gpu) == pytest.approx(600)
        with pytest.raises(InputError, match="its energy counter did not answer when it was read; nothing was"):
            account(observed([gpu()], before, after, trace=options["trace"]))


def test_a_counter_that_fell_between_any_two_readings_is_refused():
    opening = Edge(Tick(-0.2, 1000.0, 0.001), power_w=20.0, change_w=0.0)
    closing = Edge(Tick(10.4, 1616.0, 0.001), power_w=30.0, change_w=0.0)
    for before, after in (((1001.0,), (500.0,)), ((900.0,), (1590.0,)), ((1001.0,), (2000.0,)), ((None,), (2000.0,))):
        with pytest.raises(InputError, match="it was reset; nothing was measured"):
            account(observed([gpu()], before, after, opening=[opening], closing=[closing]))
