"""Quality flags: what a reader should know before trusting a record, with their meanings and thresholds."""

from collections.abc import Iterable

from isojoule.records.measurement import Energy, Gpu, MeasurementRecord
from isojoule.records.run import RunRecord
from isojoule.units import JOULES_PER_KWH

RESOLUTION_PERCENT = 1.0
DISAGREEMENT_PERCENT = 2.0
SPREAD_PERCENT = 5.0
HOT_C = 80.0
WARMER_C = 10.0
BUSY_HOST_PERCENT = 50.0

MEANINGS = {
    "estimated": "the energy is that of a model, no instrument measured it",
    "short-window": f"the instrument's period is more than {RESOLUTION_PERCENT:g} % of the window",
    "disagreement": f"another reading of the same window is more than {DISAGREEMENT_PERCENT:g} % off",
    "unchecked": "the power beside the GPU's energy counter could not be sampled, so that nothing of ours confirms it",
    "throttled": "heat, a power brake or a slowdown of the hardware held the GPU's clocks down",
    "throttling-unknown": "the driver does not tell whether it held the GPU's clocks down",
    "power-capped": "the GPU's power limit held its clocks down",
    "hot-start": f"the GPU began at {HOT_C:g} degrees C or more, or {WARMER_C:g} above its platform's median start",
    "temperature-unknown": "the driver does not tell the GPU's temperature",
    "module-energy": "the energy is that of a module: of the GPU, and of the CPU and the memory beside it",
    "shared-device": "another process computed on the GPU",
    "company-unknown": "the driver does not show who computes on the GPU",
    "display": "a process that does not compute drew on the GPU, such as a desktop, and its energy is in the reading",
    "busy-host": f"other programs kept the CPU busy with more than {BUSY_HOST_PERCENT:g} % of a core",
    "unsteady-board": "the power of the board did not stand still before the first window of the job",
    "attempt-above-1": "earlier attempts at the same measurement came to nothing",
    "spread": f"the repeats differ by more than {SPREAD_PERCENT:g} % of their mean",
    "unsteady": f"the repetitions inside the window differ by more than {SPREAD_PERCENT:g} % of their mean",
    "several-drivers": "GPUs of this name were measured with more than one driver",
    "several-versions": "the platform was measured with more than one version of torch, CUDA or cuDNN",
    "several-boards": "more than one board of this name was measured",
    "several-devices": "the platform was measured on devices of more than one name",
    "initial-weights": "the test ran with weights that no training made, and claims no quality",
    "loss-not-finite": "the loss was not a number",
    "extrapolated": "a part of the work was measured, and carried to the whole",
    "not-sealed": "an older isojoule wrote the record without a seal, so that nobody can tell whether it was changed",
    "quality-on-training-data": "some clips of the test, or all, were in the training",
    "not-above-idle": "the energy cannot be told from what the device draws without the program",
    "gpu-not-used": "no GPU that the program saw computed",
    "left-processes": "processes of the program went on behind its end, and their energy since then is not in it",
}

# a workload gives its record these flags; all the others follow from facts of the record
OF_WORKLOADS = ("initial-weights", "loss-not-finite", "quality-on-training-data")
THROTTLES = ("hw-slowdown", "sw-thermal", "hw-thermal", "hw-power-brake")


def of_record(record: MeasurementRecord) -> list[str]:
    """List the flags that the record alone tells, and those that its workload gave it.

    They follow from facts of the record, so that a changed threshold needs no new measurement.
    """
    flags = _of_facts(record)
    if record.provenance.failed_attempts:
        flags.append("attempt-above-1")
    return [*flags, *(flag for flag in record.flags if flag in OF_WORKLOADS)]


def of_run(record: RunRecord) -> list[str]:
    """List the flags that the record of a run tells."""
    energy, statistics = record.energy, record.gpu_statistics
    tests = {
        "not-above-idle": energy is not None and _is_like_idle(energy),
        "gpu-not-used": statistics is not None and statistics.utilization_percent == 0,
        "left-processes": record.left_processes > 0,
    }
    return [*_of_facts(record), *(flag for flag, holds in tests.items() if holds)]


def _is_like_idle(energy: Energy) -> bool:
    """Say whether an energy above idle is no larger than how far off the energy, or that of idle, can be."""
    net_kwh, window = energy.net_energy_kwh, energy.window
    if net_kwh is None or window.idle_power_w is None:
        return False
    uncertainty_kwh = energy.computing.uncertainty_kwh
    if uncertainty_kwh is None:
        uncertainty_kwh = window.resolution_percent / 100 * energy.computing.energy_kwh
    idle_w = window.idle.uncertainty_w if window.idle else 0.0
    return net_kwh <= uncertainty_kwh + idle_w * energy.duration_s / JOULES_PER_KWH


def _of_facts(record: MeasurementRecord | RunRecord) -> list[str]:
    """List the flags that follow from energy and samples, whatever was measured."""
    flags = []
    if record.energy is not None:
        window = record.energy.window
        tests = {
            "estimated": record.energy.computing.kind == "estimated",
            "short-window": window.resolution_percent > RESOLUTION_PERCENT,
            "disagreement": (window.disagreement_percent or 0) > DISAGREEMENT_PERCENT,
            "unchecked": _has_counter(record) and record.energy.integrated_power is None,
            "busy-host": (window.host_load_percent or 0) > BUSY_HOST_PERCENT,
            "unsteady-board": window.steady_state is not None and not window.steady_state.reached,
            "unsteady": _spread_percent(window.repetition_energies_kwh or []) > SPREAD_PERCENT,
        }
        flags += [flag for flag, holds in tests.items() if holds]
    if record.gpu_statistics is not None:
        statistics = record.gpu_statistics
        tests = {
            "throttled": any(reason in (statistics.throttled_percent or {}) for reason in THROTTLES),
            "throttling-unknown": statistics.throttled_percent is None,
            "power-capped": "power-cap" in (statistics.throttled_percent or {}),
            "hot-start": (statistics.start_temperature_c or 0) >= HOT_C,
            "temperature-unknown": statistics.max_temperature_c is None,
            "shared-device": bool(statistics.foreign_processes or statistics.unlisted_memory_bytes),
            "company-unknown": statistics.foreign_processes is None or _may_be_split(record),
            "display": bool(statistics.drawing_processes),
        }
        flags += [flag for flag, holds in tests.items() if holds]
    if record.energy is not None and any(gpu.scope == "module" for gpu in _computing(record)):
        flags.append("module-energy")
    return flags


def _spread_percent(energies_kwh: list[float]) -> float:
    total_kwh = sum(energies_kwh)
    return 100 * (max(energies_kwh) - min(energies_kwh)) * len(energies_kwh) / total_kwh if total_kwh > 0 else 0.0


def _computing(record: MeasurementRecord | RunRecord) -> list[Gpu]:
    """The GPUs that computed: a test is on the first GPU of its job alone."""
    gpu, further = record.hardware.gpu, record.hardware.further_gpus
    return [] if gpu is None else [gpu, *further][: record.devices]


def _may_be_split(record: MeasurementRecord | RunRecord) -> bool:
    """Say whether a board may be split into instances, on which others compute unseen."""
    return any(gpu.mig is None for gpu in _computing(record))


def _has_counter(record: MeasurementRecord | RunRecord) -> bool:
    """Say whether counters decided all of the energy; where a power did, nothing else of ours confirms it."""
    gpus = _computing(record)
    return bool(gpus) and all(gpu.counter_period_s is not None for gpu in gpus)


def ordered(flags: Iterable[str]) -> list[str]:
    """Return each flag once, in the order of `MEANINGS`; flags that are not in it come last."""
    return [*(flag for flag in MEANINGS if flag in set(flags)), *sorted(set(flags) - set(MEANINGS))]
