"""The account of a window: what was read at its ends and inside it becomes an energy, without a clock or a device."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from isojoule.energy.instruments import CPU_MODEL, Instrument, Readings
from isojoule.energy.sampler import Trace
from isojoule.errors import InputError
from isojoule.records.measurement import CodeCarbon, Energy, Reading, Window
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
        repetitions: how often the work was done.
        marks: readings where a repetition begins or ends, one more than repetitions; none where nobody asked for them.
        idle_power_w: power of the component that computes before the window, none where it was not measured.
        why_no_rapl: why RAPL does not read the CPU, none where it does.
    """

    instruments: Sequence[Instrument]
    before: Readings
    after: Readings
    trace: Trace
    codecarbon: CodeCarbon
    repetitions: int = 1
    marks: Sequence[Readings] = ()
    idle_power_w: float | None = None
    why_no_rapl: str | None = None

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
    else CodeCarbon's model, which is an estimate.

    Raises:
        InputError: a counter was reset inside the window, a device could not be read, or the energy read is 0.
    """
    shares = observation.shares
    cpu = _rapl(observation, "package") or _modelled(shares, shares.cpu_energy_kwh, CPU_MODEL)
    ram = _rapl(observation, "dram") or _modelled(shares, shares.ram_energy_kwh, "constant power per module")
    gpu = _gpus(observation) if observation.component == "gpu" else None
    integrated_power = _integrated_power(observation) if gpu else None
    why_no_rapl = observation.why_no_rapl
    if cpu.kind != "measured" and why_no_rapl is None:
        why_no_rapl = "its counters failed or stood still inside the window"
    period_s = _period_s(observation)
    return Energy(
        duration_s=observation.duration_s / observation.repetitions,
        component=observation.component,
        gpu=gpu,
        cpu=cpu,
        ram=ram,
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
            idle_power_w=observation.idle_power_w,
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
        InputError: a counter fell, or a device without a counter could not be sampled.
    """
    counters_j = zip(before.counters_j, after.counters_j, strict=True)
    energies = []
    for number, (instrument, (before_j, after_j)) in enumerate(zip(instruments, counters_j, strict=True)):
        if before_j is None or after_j is None:
            energies.append(_by_power(instrument, number, before, after, trace))
        else:
            energies.append(_by_counter(instrument, before_j, after_j))
    return _total(energies)


def _by_counter(instrument: Instrument, before_j: float, after_j: float) -> Joules:
    if after_j < before_j:
        raise InputError(
            f"{instrument}: its energy counter fell from {before_j:.3f} to {after_j:.3f} J inside the "
            "window, expected it to rise: it was reset; nothing was measured"
        )
    return Joules(after_j - before_j, instrument.counter_bound_j())


def _by_power(instrument: Instrument, number: int, before: Readings, after: Readings, trace: Trace) -> Joules:
    if trace.failure is not None:
        raise trace.failure
    integral = trace.integrated_j(number, before.time_s, after.time_s)
    if integral is None:
        raise InputError(
            f"{instrument}: found no energy counter and fewer than two readings of its power, expected one or "
            "the other; nothing was measured"
        )
    energy_j, bound_j = integral
    return Joules(energy_j, instrument.power_bound_j(bound_j))


def _total(energies: Sequence[Joules]) -> Joules:
    bounds_j = [energy.bound_j for energy in energies if energy.bound_j is not None]
    bound_j = sum(bounds_j) if len(bounds_j) == len(energies) else None
    return Joules(sum(energy.energy_j for energy in energies), bound_j)


def _gpus(observation: Observation) -> Reading:
    instruments = observation.instruments
    energy = energy_between(instruments, observation.before, observation.after, observation.trace)
    _refuse_zero(observation, energy, [instrument.device for instrument in instruments])
    sources = dict.fromkeys(instrument.source for instrument in instruments)
    return _measured(observation, energy, ", ".join(sources))


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
    before_s, after_s = observation.before.time_s, observation.after.time_s
    trace, energies = observation.trace, []
    for number, instrument in enumerate(observation.instruments):
        integral = trace.integrated_j(number, before_s, after_s)
        if instrument.means != "counter" or integral is None or trace.failure is not None:
            return None
        energy_j, bound_j = integral
        energies.append(Joules(energy_j, instrument.power_bound_j(bound_j)))
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


def _modelled(shares: CodeCarbon, energy_kwh: float, model: str) -> Reading:
    return Reading(energy_kwh=energy_kwh, source=f"CodeCarbon {shares.version}, {model}", kind="estimated")


def _refuse_zero(observation: Observation, energy: Joules, devices: Sequence[str]) -> None:
    if energy.energy_j <= 0:
        raise InputError(
            f"{' and '.join(devices)}: read {energy.energy_j:g} J over {observation.duration_s:.2f} s, "
            "expected more than 0; its energy cannot be read here, or the window is too short for it"
        )


def _period_s(observation: Observation) -> float:
    """The longest time between two updates of what decides; where power is integrated, a late sample counts."""
    gaps_s = [
        observation.trace.longest_gap_s(number)
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
    if all(instrument.means != "model" for instrument in instruments):
        readings_kwh.append(shares.gpu_energy_kwh if observation.component == "gpu" else shares.cpu_energy_kwh)
    return readings_kwh


def _disagreement_percent(deciding: Reading, others_kwh: Sequence[float]) -> float | None:
    """How far the reading that is furthest from the deciding one is from it; none where there is no other."""
    return max((100 * abs(other_kwh / deciding.energy_kwh - 1) for other_kwh in others_kwh), default=None)


def _of_repetitions_kwh(observation: Observation) -> list[float] | None:
    """The energy of each repetition; none where nobody asked, or where one is too short or cannot be read."""
    marks = observation.marks
    shortest_s = min((after.time_s - before.time_s for before, after in pairwise(marks)), default=0)
    period_s = max(instrument.period_s for instrument in observation.instruments)
    if len(marks) < 2 or shortest_s < PERIODS_OF_A_REPETITION * period_s:
        return None
    if observation.instruments[0].means == "model":
        modelled_kwh = [mark.modelled_kwh or 0.0 for mark in marks]
        return [after_kwh - before_kwh for before_kwh, after_kwh in pairwise(modelled_kwh)]
    try:
        energies = [
            energy_between(observation.instruments, before, after, observation.trace)
            for before, after in pairwise(marks)
        ]
    except InputError:
        return None
    return [energy.energy_j / JOULES_PER_KWH for energy in energies]
