"""The account of a window: what was read at its ends and inside it becomes an energy, without a clock or a device."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal, NamedTuple

from isojoule.energy import power_edges
from isojoule.energy.edges import Edge, energy_of_work
from isojoule.energy.idle import Idle
from isojoule.energy.instruments import Instrument, Readings
from isojoule.energy.nvml_queries import UnansweredError
from isojoule.energy.plausibility import check_agreement, check_power
from isojoule.energy.sampler import LONGEST_GAP_S, LONGEST_GAP_SHARE, Trace
from isojoule.energy.steady import Steadied
from isojoule.errors import InputError
from isojoule.records.measurement import CodeCarbon, Energy, IdleState, Reading, SteadyState, Window
from isojoule.units import JOULES_PER_KWH

# the energy of a repetition that lasts fewer periods of its instrument may be a tenth off, and is not told
PERIODS_OF_A_REPETITION = 10


@dataclass(frozen=True)
class Observation:
    """All that was read of one window.

    Attributes:
        instruments: those that decide the energy: one of each GPU that computes, or that of the CPU.
        before: readings when the work began.
        after: readings when the work had ended.
        trace: samples of the devices, the GPUs in the order of their instruments.
        codecarbon: CodeCarbon's figures for the window.
        cpu: the instrument of the CPU, also where it does not decide.
        repetitions: how often the work was done.
        marks: readings where a repetition begins or ends, one more than repetitions; none where nobody asked for them.
        opening: edges of the counters before the work, in the order of the instruments; empty where nobody watched.
        closing: edges of the counters after the work, likewise.
        idle: the idle power of the component that computes; none where it was not measured.
        no_idle: why it was not, where somebody asked for it.
        steadied: how the board was warmed up before the first window; none where it was not.
        host_load_percent: CPU time of other programs, in per cent of one core; none where it is not known.
        why_no_rapl: why RAPL does not read the CPU, none where it does.
        least_cpu_s: least CPU time of a repetition; none where nobody looked.
    """

    instruments: Sequence[Instrument]
    before: Readings
    after: Readings
    trace: Trace
    codecarbon: CodeCarbon
    cpu: Instrument
    repetitions: int = 1
    marks: Sequence[Readings] = ()
    opening: Sequence[Edge | None] = ()
    closing: Sequence[Edge | None] = ()
    idle: Idle | None = None
    no_idle: str | None = None
    steadied: Steadied | None = None
    host_load_percent: float | None = None
    why_no_rapl: str | None = None
    least_cpu_s: float | None = None

    @property
    def duration_s(self) -> float:
        """Time from the beginning to the end, over all repetitions."""
        return self.after.time_s - self.before.time_s

    @property
    def component(self) -> Literal["gpu", "cpu"]:
        """The component that computes."""
        return self.instruments[0].component

    @property
    def shares(self) -> CodeCarbon:
        """CodeCarbon's figures for the work done once."""
        return self.codecarbon.divided(self.repetitions)


class Joules(NamedTuple):
    """An energy, and how far off it can be; none where that is not known."""

    energy_j: float
    bound_j: float | None


def account(observation: Observation) -> Energy:
    """Say how much energy the work took, done once, by every instrument, and how far they disagree.

    The energy of GPUs is that of their counters, else their sampled power, integrated; the energy of the CPU is RAPL's,
    else that of the CPU time that the job used, which is an estimate; where the CPU computes and the work was repeated,
    that of the repetitions that used least.

    Raises:
        InputError: a counter was reset inside the window, a device could not be read, the energy read is 0, or it is
            more than the device can have drawn.
    """
    shares = observation.shares
    cpu = _rapl(observation, "package") or _by_cpu_time(observation)
    gpu = _gpus(observation) if observation.component == "gpu" else None
    integrated_power = _integrated_power(observation) if gpu else None
    why_no_rapl = observation.why_no_rapl
    if cpu.kind != "measured" and why_no_rapl is None:
        why_no_rapl = "its counters failed or stood still inside the window"
    period_s = _period_s(observation)
    idle, steadied = observation.idle, observation.steadied
    return Energy(
        duration_s=observation.duration_s / observation.repetitions,
        component=observation.component,
        gpu=gpu,
        cpu=cpu,
        ram=_rapl(observation, "dram") or _modelled_memory(shares),
        why_no_rapl=why_no_rapl,
        integrated_power=integrated_power,
        codecarbon=shares,
        window=Window(
            duration_s=observation.duration_s,
            repetitions=observation.repetitions,
            repetition_energies_kwh=_of_repetitions_kwh(observation),
            instrument_period_s=period_s,
            resolution_percent=100 * period_s / observation.duration_s,
            disagreement_percent=_disagreement_percent(gpu or cpu, _other_readings_kwh(observation, integrated_power)),
            idle_power_w=None if idle is None else idle.power_w,
            idle=None if idle is None else _idle_state(idle, observation.before.time_s),
            no_idle=observation.no_idle,
            slowed_percent=_slowed_percent(observation),
            steady_state=None
            if steadied is None
            else SteadyState(duration_s=steadied.duration_s, reached=steadied.is_steady, power_w=steadied.power_w),
            host_load_percent=observation.host_load_percent,
        ),
    )


def energy_between(instruments: Sequence[Instrument], before: Readings, after: Readings, trace: Trace) -> Joules:
    """Return the energy of all devices between two readings, by their counters or else their power.

    Args:
        instruments: those that decide, one of each device; none of them a model.
        before: earlier readings.
        after: later readings.
        trace: samples of the devices over that time.

    Raises:
        InputError: a counter fell or did not answer, or a device without a counter could not be sampled.
    """
    return _total([_between(instruments, number, before, after, trace) for number in range(len(instruments))])


def _between(instruments: Sequence[Instrument], number: int, before: Readings, after: Readings, trace: Trace) -> Joules:
    instrument, before_j, after_j = instruments[number], before.counters_j[number], after.counters_j[number]
    if instrument.means == "power":
        return _by_power(instrument, number, before, after, trace)
    if before_j is None or after_j is None:
        raise UnansweredError(f"{instrument}: its energy counter did not answer when it was read; nothing was measured")
    _check_risen(instrument, before_j, after_j)
    return Joules(after_j - before_j, instrument.counter_bound_j())


def _check_risen(instrument: Instrument, before_j: float | None, after_j: float | None) -> None:
    if before_j is not None and after_j is not None and after_j < before_j:
        raise InputError(
            f"{instrument}: its energy counter fell from {before_j:.3f} to {after_j:.3f} J inside the "
            "window, expected it to rise: it was reset; nothing was measured"
        )


def _by_power(instrument: Instrument, number: int, before: Readings, after: Readings, trace: Trace) -> Joules:
    if trace.gone is not None:
        raise trace.gone
    integral = trace.integrated_j(number, before.time_s, after.time_s)
    if integral is None:
        raise trace.failure_of(number) or InputError(
            f"{instrument}: found no energy counter and fewer than two readings of its power, expected one or "
            "the other; nothing was measured"
        )
    gap_s, longest_s = _gap_s(number, before, after, trace), _longest_gap_s(before, after)
    if gap_s > longest_s:
        failure = trace.failure_of(number)
        reason = f" ({failure})" if failure else ""
        raise InputError(
            f"{instrument}: found {gap_s:.1f} s without a reading of its power{reason}, expected at most "
            f"{longest_s:.1f} s; nothing was measured"
        )
    energy_j, bound_j = integral
    return Joules(energy_j, instrument.power_bound_j(bound_j))


def _gap_s(number: int, before: Readings, after: Readings, trace: Trace) -> float:
    return trace.longest_gap_s(number, before.time_s, after.time_s)


def _longest_gap_s(before: Readings, after: Readings) -> float:
    return max(LONGEST_GAP_S, LONGEST_GAP_SHARE * (after.time_s - before.time_s))


def _total(energies: Sequence[Joules]) -> Joules:
    bounds_j = [energy.bound_j for energy in energies if energy.bound_j is not None]
    bound_j = sum(bounds_j) if len(bounds_j) == len(energies) else None
    return Joules(sum(energy.energy_j for energy in energies), bound_j)


def _gpus(observation: Observation) -> Reading:
    energies = [_of_gpu(observation, number) for number in range(len(observation.instruments))]
    energy = _total(energies)
    _refuse_zero(observation, energy, [instrument.device for instrument in observation.instruments])
    sources = dict.fromkeys(instrument.source for instrument in observation.instruments)
    return _measured(observation, energy, ", ".join(sources))


def _of_gpu(observation: Observation, number: int) -> Joules:
    """The energy of one GPU: between the edges of its counter, else between two readings of it, or by its power."""
    instrument, before, after = observation.instruments[number], observation.before, observation.after
    opening = observation.opening[number] if observation.opening else None
    closing = observation.closing[number] if observation.closing else None
    if instrument.means == "counter" and opening is not None and closing is not None:
        counters_j = opening.tick.value_j, before.counters_j[number], after.counters_j[number], closing.tick.value_j
        for before_j, after_j in combinations(counters_j, 2):
            _check_risen(instrument, before_j, after_j)
        energy = Joules(*energy_of_work(opening, before.time_s, after.time_s, closing))
    else:
        energy = _between(observation.instruments, number, before, after, observation.trace)
    if instrument.means == "power" and (of_work := _by_power_edges(observation, number)) is not None:
        energy = of_work
    if energy.bound_j is not None:
        energy = energy._replace(bound_j=energy.bound_j + instrument.offset_j)
    check_power(str(instrument), energy.energy_j, observation.duration_s, instrument.power_limit_w)
    if instrument.means == "counter":
        is_sampled = _gap_s(number, before, after, observation.trace) <= _longest_gap_s(before, after)
        by_power = _power_beside(observation, number) if is_sampled else None
        check_agreement(
            str(instrument),
            energy.energy_j,
            by_power and by_power.energy_j,
            observation.duration_s,
            is_mean=instrument.power == "averaged",
        )
    return energy


def _by_power_edges(observation: Observation, number: int) -> Joules | None:
    """The energy of one GPU by its power between the edges of the work; none where it was not sampled for so long."""
    shown, before, after = observation.instruments[number].shown, observation.before, observation.after
    if shown is None:
        return None
    of_work = power_edges.energy_of_work(observation.trace, number, before.time_s, after.time_s, shown)
    return None if of_work is None else Joules(*of_work)


def _power_beside(observation: Observation, number: int) -> Joules | None:
    """The energy of one GPU by its power beside its counter; for a mean, no window waits until it shows no more."""
    instrument, of_work = observation.instruments[number], _by_power_edges(observation, number)
    if instrument.power == "instantaneous" and of_work is not None:
        return of_work
    integral = observation.trace.integrated_j(number, observation.before.time_s, observation.after.time_s)
    return None if integral is None else Joules(integral[0], instrument.power_bound_j(integral[1]))


def _rapl(observation: Observation, domain: str) -> Reading | None:
    """The reading of one of RAPL's domains; none where it was not read at both ends, or stood still in between."""
    before_j, after_j = observation.before.rapl_j.get(domain), observation.after.rapl_j.get(domain)
    if before_j is None or after_j is None:
        return None
    energy = Joules(after_j - before_j, None)
    if domain == "package" and observation.component == "cpu":
        _refuse_zero(observation, energy, ["RAPL"])
    if energy.energy_j <= 0:
        return None
    return _measured(observation, energy, f"RAPL {domain}")


def _integrated_power(observation: Observation) -> Reading | None:
    """The power of all GPUs, integrated, beside their counters; none where it decides already or was not sampled."""
    trace, energies = observation.trace, []
    for number, instrument in enumerate(observation.instruments):
        by_power = _power_beside(observation, number)
        is_sampled = _gap_s(number, observation.before, observation.after, trace) <= _longest_gap_s(
            observation.before, observation.after
        )
        if instrument.means != "counter" or by_power is None or not is_sampled:
            return None
        energies.append(by_power)
    kinds = " and ".join(sorted({instrument.power for instrument in observation.instruments if instrument.power}))
    return _measured(observation, _total(energies), f"NVML {kinds} power, integrated")


def _measured(observation: Observation, energy: Joules, source: str) -> Reading:
    repetitions = observation.repetitions
    return Reading(
        energy_kwh=energy.energy_j / JOULES_PER_KWH / repetitions,
        source=source,
        kind="measured",
        uncertainty_kwh=None if energy.bound_j is None else energy.bound_j / JOULES_PER_KWH / repetitions,
    )


def _by_cpu_time(observation: Observation) -> Reading:
    """The CPU's energy by the CPU time of the job, an estimate."""
    energy_j = _cpu_time_j(observation, observation.before, observation.after)
    if observation.component == "cpu":
        _refuse_zero(observation, Joules(energy_j, None), ["CPU time"])
    of_one_j = energy_j / observation.repetitions / (1 + (_slowed_percent(observation) or 0.0) / 100)
    return Reading(energy_kwh=of_one_j / JOULES_PER_KWH, source=observation.cpu.model, kind="estimated")


def _slowed_percent(observation: Observation) -> float | None:
    """How much more CPU time a repetition took on average than its least stretches; none where there are none."""
    if not observation.least_cpu_s:
        return None
    mean_s = (observation.after.cpu_s - observation.before.cpu_s) / observation.repetitions
    return max(100 * (mean_s / observation.least_cpu_s - 1), 0.0)


def _cpu_time_j(observation: Observation, before: Readings, after: Readings) -> float:
    # a child that nobody heard of at its end takes its time with it
    return max(after.cpu_s - before.cpu_s, 0.0) * (observation.cpu.core_power_w or 0.0)


def _modelled_memory(shares: CodeCarbon) -> Reading | None:
    if shares.ram_energy_kwh is None:
        return None
    source = f"CodeCarbon {shares.version}, constant power per module"
    return Reading(energy_kwh=shares.ram_energy_kwh, source=source, kind="estimated")


def _idle_state(idle: Idle, now_s: float) -> IdleState:
    return IdleState(
        number=idle.number,
        age_s=max(now_s - idle.measured_s, 0.0),
        uncertainty_w=idle.uncertainty_w,
        settled=idle.settled,
        sm_clock_mhz=idle.sm_clock_mhz,
        p_state=idle.p_state,
        temperature_c=idle.temperature_c,
    )


def _refuse_zero(observation: Observation, energy: Joules, devices: Sequence[str]) -> None:
    if energy.energy_j <= 0:
        raise InputError(
            f"{' and '.join(devices)}: read {energy.energy_j:g} J over {observation.duration_s:.2f} s, "
            "expected more than 0; its energy cannot be read here, or the window is too short for it"
        )


def _period_s(observation: Observation) -> float:
    """The longest time between two updates of what decides; where power is integrated, a late sample counts."""
    gaps_s = [
        _gap_s(number, observation.before, observation.after, observation.trace)
        for number, instrument in enumerate(observation.instruments)
        if instrument.means == "power"
    ]
    return max([*(instrument.period_s for instrument in observation.instruments), *gaps_s])


def _other_readings_kwh(observation: Observation, integrated_power: Reading | None) -> list[float]:
    """What instruments beside the deciding one read of the component that computes.

    A power that is averaged lags behind the window, and so says nothing against a counter. A model confirms no model.
    """
    instruments, shares, readings_kwh = observation.instruments, observation.shares, []
    if integrated_power and all(instrument.power == "instantaneous" for instrument in instruments):
        readings_kwh.append(integrated_power.energy_kwh)
    of_codecarbon_kwh = shares.gpu_energy_kwh if observation.component == "gpu" else shares.cpu_energy_kwh
    if all(instrument.means != "model" for instrument in instruments) and of_codecarbon_kwh is not None:
        readings_kwh.append(of_codecarbon_kwh)
    return readings_kwh


def _disagreement_percent(deciding: Reading, others_kwh: Sequence[float]) -> float | None:
    """How far the reading that is furthest from the deciding one is from it; none where there is no other."""
    if deciding.energy_kwh == 0:
        return None
    return max((100 * abs(other_kwh / deciding.energy_kwh - 1) for other_kwh in others_kwh), default=None)


def _of_repetitions_kwh(observation: Observation) -> list[float] | None:
    """The energy of each repetition; none where nobody asked, or where one is too short or cannot be read."""
    marks = observation.marks
    shortest_s = min((after.time_s - before.time_s for before, after in pairwise(marks)), default=0)
    # a repetition has what the one before it still had to show
    period_s = max(max(instrument.period_s, instrument.late_s or 0.0) for instrument in observation.instruments)
    if len(marks) < 2 or shortest_s < PERIODS_OF_A_REPETITION * period_s:
        return None
    if observation.instruments[0].means == "model":
        return [_cpu_time_j(observation, before, after) / JOULES_PER_KWH for before, after in pairwise(marks)]
    try:
        energies = [
            energy_between(observation.instruments, before, after, observation.trace)
            for before, after in pairwise(marks)
        ]
    except InputError:
        return None
    return [energy.energy_j / JOULES_PER_KWH for energy in energies]
