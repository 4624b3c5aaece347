"""The sampler watches the devices from a thread of its own while a window is open, and leaves a trace of samples."""

import itertools
import math
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Protocol

from isojoule.energy.nvml_queries import GoneError
from isojoule.errors import InputError
from isojoule.files import written_whole
from isojoule.records.measurement import GpuStatistics

COLUMNS = {
    "time_s": "float64",
    "device": "int8",
    "power_w": "float32",
    "utilization_percent": "float32",
    "memory_utilization_percent": "float32",
    "sm_clock_mhz": "float32",
    "memory_clock_mhz": "float32",
    "temperature_c": "float32",
    "p_state": "float32",
    "throttle_reasons": "string",
    "foreign_processes": "float32",
    "unlisted_memory_bytes": "float64",
    "drawing_processes": "float32",
    "host_load_percent": "float32",
}
# where power decides, a longer time without a sample of it makes the energy unknown
LONGEST_GAP_S = 1.0
LONGEST_GAP_SHARE = 0.02
# for so long at each edge of the work, the power is sampled so often
EDGE_S, EDGE_PERIOD_S = 0.3, 0.01
# a device that has not answered for so long is not waited for
HOPELESS_S = 30.0


class Sampled(Protocol):
    """A device that can be watched."""

    def power_w(self) -> float | None:
        """Return the power at this moment."""

    def sample(self) -> dict[str, float | str]:
        """Return what else the device does at this moment, by the names of `COLUMNS`."""


@dataclass(frozen=True)
class Sample:
    """What one device did at one moment.

    Attributes:
        time_s: time since the trace began.
        device: number of the device; GPUs come first.
        power_w: its power, none where the device gives none.
        state: what else it did, by the names of `COLUMNS`; none where only the power was read.
    """

    time_s: float
    device: int
    power_w: float | None
    state: dict[str, float | str] | None = None


@dataclass
class Trace:
    """The samples of one window.

    Attributes:
        gpus: how many of the devices are GPUs.
        period_s: time between two samples that have more than the power.
        started_s: when the trace began, by `time.perf_counter`.
        ended_s: when the work had ended, by `time.perf_counter`; none while it goes on. Later samples have the power
            alone.
        samples: of all devices, in the order of time.
        failures: of all devices: when one could not be sampled, which one, and why.
        gone: why a device will not answer again; none where every one may.
    """

    gpus: int
    period_s: float = 1.0
    started_s: float = 0.0
    ended_s: float | None = None
    samples: list[Sample] = field(default_factory=list)
    failures: list[tuple[float, int, InputError]] = field(default_factory=list)
    gone: InputError | None = None

    def integrated_j(self, device: int, started_s: float, ended_s: float) -> tuple[float, float] | None:
        """Integrate a device's power by trapezoids between two times of `time.perf_counter`.

        Returns:
            joules, and joules of error at most wherever the power rises or falls but does not swing between two
            samples; none where there are fewer than two samples.
        """
        return integrated(self._points(device), started_s - self.started_s, ended_s - self.started_s)

    def longest_gap_s(self, device: int, started_s: float, ended_s: float) -> float:
        """Return the longest time without a sample of a device's power between two times of `time.perf_counter`."""
        start_s, end_s = started_s - self.started_s, ended_s - self.started_s
        inside_s = [time_s for time_s, _ in self._points(device) if start_s <= time_s <= end_s]
        # the nearest samples outside bound the gaps at the edges
        before_s = max((time_s for time_s, _ in self._points(device) if time_s < start_s), default=start_s)
        after_s = min((time_s for time_s, _ in self._points(device) if time_s > end_s), default=end_s)
        return max(right - left for left, right in itertools.pairwise([before_s, *inside_s, after_s]))

    def last_power(self, device: int, time_s: float) -> tuple[float, float] | None:
        """Return time and power of a device's last sample up to a time of `time.perf_counter`; none without one."""
        points = self._points(device)
        return next(
            ((self.started_s + at_s, w) for at_s, w in reversed(points) if self.started_s + at_s <= time_s), None
        )

    def first_power(self, device: int, time_s: float) -> tuple[float, float] | None:
        """Return time and power of a device's first sample from a time of `time.perf_counter` on."""
        points = self._points(device)
        return next(((self.started_s + at_s, w) for at_s, w in points if self.started_s + at_s >= time_s), None)

    def ends_s(self, device: int) -> float:
        """Return the time of the last sample of a device's power, by `time.perf_counter`."""
        return self.started_s + max((time_s for time_s, _ in self._points(device)), default=0.0)

    def values(self, name: str) -> list[float]:
        """Return what the samples of the GPUs have under a name of `COLUMNS`."""
        return _values(list(self._states()), name)

    def seen_max(self, name: str) -> float:
        """Return the largest of these values; 0 where there are none."""
        return max(self.values(name), default=0.0)

    def all_tell(self, name: str) -> bool:
        """Say whether every GPU has a sample with a value under a name of `COLUMNS`."""
        return self.gpus > 0 and all(self._of_device(device, name) for device in range(self.gpus))

    def halves_w(self) -> tuple[float, float] | None:
        """Return the mean power of all devices in the first and in the second half; none with too few samples."""
        devices = {sample.device for sample in self.samples if sample.power_w is not None}
        ends_s = max((sample.time_s for sample in self.samples), default=0.0)
        halves_w = []
        for half in (0, 1):
            start_s, end_s = half * ends_s / 2, (half + 1) * ends_s / 2
            powers_w = [mean_w(self._points(device), start_s, end_s) for device in devices]
            if not powers_w or None in powers_w:
                return None
            halves_w.append(sum(power_w for power_w in powers_w if power_w is not None))
        return halves_w[0], halves_w[1]

    def failure_of(self, device: int) -> InputError | None:
        """Return why a device could not be sampled, the last time that it could not."""
        return next((error for _, number, error in reversed(self.failures) if number == device), None)

    def hopeless(self, by_power: Collection[int]) -> InputError | None:
        """Return why it makes no sense to go on; none where it does.

        Args:
            by_power: the devices whose power decides; without the power of any other, its counter still does.
        """
        if self.gone is not None:
            return self.gone
        now_s = time.perf_counter()
        for device in {number for _, number, _ in self.failures} & set(by_power):
            if now_s - self.ends_s(device) > HOPELESS_S:
                return self.failure_of(device)
        return None

    def statistics(self, peak_memory_bytes: int | None = None) -> GpuStatistics:
        """Average the samples of the GPUs; a mean is none where no sample has the field.

        Args:
            peak_memory_bytes: the most memory that the work took, which no sample shows.
        """
        states = list(self._states())
        reasons = [str(state["throttle_reasons"]).split() for state in states if "throttle_reasons" in state]
        ends_s = max((sample.time_s for sample in self.samples), default=0.0)
        ends_s = ends_s if self.ended_s is None else self.ended_s - self.started_s
        powers_w = [mean_w(self._points(device), 0.0, ends_s) for device in range(self.gpus)]
        temperatures_c = [[*map(float, self._of_device(device, "temperature_c"))] for device in range(self.gpus)]
        foreign_processes = _values(states, "foreign_processes")
        unlisted_bytes = _values(states, "unlisted_memory_bytes")
        drawing_processes = _values(states, "drawing_processes")
        p_states = _values(states, "p_state")
        throttled_percent = _shares_percent(reasons) if reasons else {}
        tells_of_others, tells_of_throttling = map(self.all_tell, ("foreign_processes", "throttle_reasons"))
        return GpuStatistics(
            samples=len(states),
            period_s=self.period_s,
            utilization_percent=_mean(_values(states, "utilization_percent")),
            memory_utilization_percent=_mean(_values(states, "memory_utilization_percent")),
            power_w=_mean([power_w for power_w in powers_w if power_w is not None]),
            sm_clock_mhz=_mean(_values(states, "sm_clock_mhz")),
            memory_clock_mhz=_mean(_values(states, "memory_clock_mhz")),
            start_temperature_c=max((of_device[0] for of_device in temperatures_c if of_device), default=None),
            max_temperature_c=max((max(of_device) for of_device in temperatures_c if of_device), default=None),
            end_temperature_c=max((of_device[-1] for of_device in temperatures_c if of_device), default=None),
            peak_memory_bytes=peak_memory_bytes,
            # that nobody else is on one board says nothing of another
            foreign_processes=int(max(foreign_processes)) if any(foreign_processes) or tells_of_others else None,
            unlisted_memory_bytes=int(max(unlisted_bytes)) if unlisted_bytes else None,
            drawing_processes=int(max(drawing_processes)) if drawing_processes else None,
            failed_samples=sum(device < self.gpus for _, device, _ in self.failures),
            throttled_percent=throttled_percent if throttled_percent or tells_of_throttling else None,
            p_states_percent=_shares_percent([[f"P{number:.0f}"] for number in p_states]) if p_states else None,
        )

    def write(self, path: Path) -> None:
        """Write the samples as parquet, whole or not at all."""
        import pyarrow as pa
        from pyarrow import parquet

        rows = [
            {"time_s": sample.time_s, "device": sample.device, "power_w": sample.power_w, **(sample.state or {})}
            for sample in self.samples
        ]
        columns = {
            name: pa.array([row.get(name) for row in rows], pa.type_for_alias(kind)) for name, kind in COLUMNS.items()
        }
        with written_whole(path) as temporary:
            parquet.write_table(pa.table(columns), temporary, compression="zstd")

    def _points(self, device: int) -> list[tuple[float, float]]:
        return [
            (sample.time_s, sample.power_w)
            for sample in self.samples
            if sample.device == device and sample.power_w is not None
        ]

    def _of_device(self, device: int, name: str) -> list[float | str]:
        return [
            sample.state[name]
            for sample in self.samples
            if sample.device == device and sample.state and name in sample.state and self._is_of(sample)
        ]

    def _of_gpus(self) -> Iterator[Sample]:
        return (sample for sample in self.samples if sample.device < self.gpus)

    def _states(self) -> Iterator[dict[str, float | str]]:
        return (sample.state for sample in self._of_gpus() if sample.state is not None and self._is_of(sample))

    def _is_of(self, sample: Sample) -> bool:
        """Say whether a sample is of the work; the last one is taken just behind it."""
        return self.ended_s is None or self.started_s + sample.time_s <= self.ended_s + self.period_s


def integrated(points: Sequence[tuple[float, float]], started_s: float, ended_s: float) -> tuple[float, float] | None:
    """Integrate a power that is known at some times from a start to an end, and bound the error.

    Args:
        points: times in seconds and powers in watts, in the order of time. Before the first and after the last of them
            the power is taken as constant.
        started_s: start of the window.
        ended_s: end of the window.

    Returns:
        joules, and joules of error at most where the power is monotone between two points; none where there are fewer
        than two points.
    """
    if len(points) < 2:
        return None
    energy_j = bound_j = 0.0
    first, last = points[0], points[-1]
    outer = [(min(started_s, first[0]), first[1]), *points, (max(ended_s, last[0]), last[1])]
    for (left_s, left_w), (right_s, right_w) in itertools.pairwise(outer):
        begin_s, end_s = max(left_s, started_s), min(right_s, ended_s)
        if end_s <= begin_s:
            continue
        slope = (right_w - left_w) / (right_s - left_s)
        middle_w = left_w + slope * ((begin_s + end_s) / 2 - left_s)
        energy_j += middle_w * (end_s - begin_s)
        # an interval that the window cuts may have all of its rise inside the window
        share = (end_s - begin_s) / (right_s - left_s)
        bound_j += abs(right_w - left_w) * (end_s - begin_s) * (0.5 if share == 1 else 1)
    return energy_j, bound_j


def mean_w(points: Sequence[tuple[float, float]], started_s: float, ended_s: float) -> float | None:
    """Return the mean of a power over a time, however densely it was sampled; none where nothing was.

    Args:
        points: as of `integrated`.
        started_s: start of the time.
        ended_s: end of the time.
    """
    integral = integrated(points, started_s, ended_s)
    if integral is None or ended_s <= started_s:
        return _mean([power_w for _, power_w in points])
    return integral[0] / (ended_s - started_s)


class Sampler:
    """Watch devices in a thread of its own, from `with` to its end; the first and the last sample are taken there.

    Power is read more often than the rest, and most often where work begins or ends: trapezoids of a second would miss
    the rise and the fall at the edges of a ten-second window, several per cent of its energy.

    Args:
        gpus: the GPUs to watch.
        others: what to watch beside them.
        period_s: time between two samples that have more than the power.
        power_period_s: time between two samples of the power.
    """

    def __init__(
        self,
        gpus: Sequence[Sampled],
        others: Sequence[Sampled] = (),
        *,
        period_s: float = 1.0,
        power_period_s: float = 0.1,
    ) -> None:
        self.trace = Trace(len(gpus), period_s)
        self._devices = [*gpus, *others]
        self._power_period_s = min(power_period_s, period_s)
        self._edge_until_s, self._wants_last = 0.0, False
        self._woken, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> "Sampler":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Take the first sample, then start the thread."""
        self.trace.started_s = time.perf_counter()
        self._edge_until_s = self.trace.started_s + EDGE_S
        self._sample(True, self._devices)
        if self._devices:
            self._thread.start()

    def work_ended(self, time_s: float) -> None:
        """Take the last sample that has more than the power, and then only the power, until `stop`.

        Args:
            time_s: when the work had ended, by `time.perf_counter`.
        """
        self.trace.ended_s, self._edge_until_s = time_s, time_s + EDGE_S
        self._wants_last = True
        self._woken.set()

    def stop(self) -> None:
        """End the thread and take the last sample, where that was not done yet."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        self._sample(self.trace.ended_s is None or self._wants_last, self._devices)

    def _run(self) -> None:
        started_s = self.trace.started_s
        full_s = started_s + self.trace.period_s
        while True:
            now_s = time.perf_counter()
            is_edge = bool(self.trace.gpus) and now_s < self._edge_until_s
            period_s = min(EDGE_PERIOD_S, self._power_period_s) if is_edge else self._power_period_s
            # the clock decides rather than a sleep that is always as long, so that the period does not drift; ticks
            # that were missed are skipped, since a burst of samples would tell of one moment
            next_s = started_s + (math.floor((now_s - started_s) / period_s) + 1) * period_s
            self._woken.wait(next_s - now_s)
            self._woken.clear()
            if self._ended.is_set():
                return
            is_due = time.perf_counter() >= full_s and self.trace.ended_s is None
            wants_last, self._wants_last = self._wants_last, False
            full = is_due or wants_last
            # only the power of GPUs is wanted more often at the edges
            self._sample(full, self._devices if full or not is_edge else self._devices[: self.trace.gpus])
            if is_due:
                full_s = max(full_s + self.trace.period_s, time.perf_counter())

    def _sample(self, full: bool, devices: Sequence[Sampled]) -> None:
        for number, device in enumerate(devices):
            try:
                before_s = time.perf_counter()
                power_w = device.power_w()
                moment_s = (before_s + time.perf_counter()) / 2
                state = device.sample() if full else None
            except InputError as error:
                self.trace.failures.append((time.perf_counter() - self.trace.started_s, number, error))
                self.trace.gone = error if isinstance(error, GoneError) else self.trace.gone
                continue
            if power_w is None and state is None:
                continue
            self.trace.samples.append(Sample(moment_s - self.trace.started_s, number, power_w, state))


def _values(states: Sequence[dict[str, float | str]], name: str) -> list[float]:
    return [float(state[name]) for state in states if name in state]


def _shares_percent(names_by_sample: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return in which share of the samples each name occurs."""
    names = sorted({name for names in names_by_sample for name in names})
    return {name: 100 * sum(name in names for names in names_by_sample) / len(names_by_sample) for name in names}


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None
