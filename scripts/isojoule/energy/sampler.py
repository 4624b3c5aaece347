"""A thread of its own that watches the devices while a window is open, and the trace that it leaves."""

import itertools
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Protocol

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
    "throttle_reasons": "string",
    "foreign_processes": "float32",
}

Row = dict[str, float | str | None]


class Sampled(Protocol):
    """A device that can be watched."""

    def power_w(self) -> float | None:
        """Power at this moment."""

    def sample(self) -> dict[str, float | str]:
        """What else it does at this moment, by the names of `COLUMNS`."""


class Trace:
    """Samples of one window: `time_s` since it opened, `device` counted from 0, GPUs first.

    Args:
        gpus: how many of the devices are GPUs.
    """

    def __init__(self, gpus: int) -> None:
        self.rows: list[Row] = []
        self._gpus = gpus

    def integrated_j(self, device: int, started_s: float, ended_s: float) -> tuple[float, float] | None:
        """Power integrated by trapezoids between two times, and how far off that can be; none without two samples.

        Exact to the bound, in joules, wherever the power rises or falls but does not swing between two samples.
        """
        return integrated(self._points(device), started_s, ended_s)

    def longest_gap_s(self, device: int) -> float:
        """The longest time between two samples of its power."""
        times_s = [time_s for time_s, _ in self._points(device)]
        return max((after - before for before, after in itertools.pairwise(times_s)), default=0.0)

    def statistics(self, period_s: float, peak_memory_bytes: int | None = None) -> GpuStatistics:
        """Means over the samples of the GPUs; none where no sample has the field."""
        full = [row for row in self.rows if row["device"] < self._gpus and row["full"]]  # type: ignore[operator]
        reasons = [str(row.get("throttle_reasons", "")).split() for row in full]
        temperatures = self._values("temperature_c")
        return GpuStatistics(
            samples=len(full),
            period_s=period_s,
            utilization_percent=_mean(self._values("utilization_percent")),
            memory_utilization_percent=_mean(self._values("memory_utilization_percent")),
            power_w=_mean(self._values("power_w")),
            sm_clock_mhz=_mean(self._values("sm_clock_mhz")),
            memory_clock_mhz=_mean(self._values("memory_clock_mhz")),
            start_temperature_c=next(iter(temperatures), None),
            max_temperature_c=max(temperatures, default=None),
            peak_memory_bytes=peak_memory_bytes,
            foreign_processes=int(max(foreign)) if (foreign := self._values("foreign_processes")) else None,
            throttled_percent={
                name: 100 * sum(name in found for found in reasons) / len(full)
                for name in sorted({name for found in reasons for name in found})
            },
        )

    def write(self, path: Path) -> None:
        """Write the samples as parquet, whole or not at all."""
        import pyarrow as pa
        from pyarrow import parquet

        columns = {
            name: pa.array([row.get(name) for row in self.rows], pa.type_for_alias(kind))
            for name, kind in COLUMNS.items()
        }
        with written_whole(path) as temporary:
            parquet.write_table(pa.table(columns), temporary, compression="zstd")

    def _points(self, device: int) -> list[tuple[float, float]]:
        return [
            (float(row["time_s"]), float(row["power_w"]))  # type: ignore[arg-type]
            for row in self.rows
            if row["device"] == device and row["power_w"] is not None
        ]

    def _values(self, field: str) -> list[float]:
        mine = (row for row in self.rows if row["device"] < self._gpus)  # type: ignore[operator]
        return [float(value) for row in mine if (value := row.get(field)) is not None]


def integrated(points: Sequence[tuple[float, float]], started_s: float, ended_s: float) -> tuple[float, float] | None:
    """The integral of a power known at some times, from a start to an end, and a bound on its error.

    Args:
        points: times in seconds and powers in watts, in the order of time. Before the first and after the last the
            power is taken as constant.
        started_s: start of the window.
        ended_s: its end.

    Returns:
        joules, and joules of error at most where the power is monotone between two points; none with less than two.
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
        # a clipped interval may hold all of the rise
        share = (end_s - begin_s) / (right_s - left_s)
        bound_j += abs(right_w - left_w) * (end_s - begin_s) * (0.5 if share == 1 else 1)
    return energy_j, bound_j


class Sampler:
    """Watch devices in a thread of its own, from `with` to its end; the first and the last sample are taken there.

    Power is read more often than the rest: trapezoids of a second would miss the rise and the fall at the edges of a
    ten-second window, several per cent of its energy.

    Args:
        gpus: what to watch.
        others: what to watch beside them.
        period_s: between two full samples.
        power_period_s: between two samples of power alone.
    """

    def __init__(
        self,
        gpus: Sequence[Sampled],
        others: Sequence[Sampled] = (),
        *,
        period_s: float = 1.0,
        power_period_s: float = 0.1,
    ) -> None:
        self.trace = Trace(len(gpus))
        self.period_s = period_s
        self.failure: InputError | None = None
        self._devices = [*gpus, *others]
        self._power_period_s = min(power_period_s, period_s)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> "Sampler":
        self._started_s = time.perf_counter()
        self._sample(full=True)
        if self._devices:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the last sample and end the thread, where that was not done yet."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._devices:
            self._thread.join()
        self._sample(full=True)

    def since_start_s(self, moment_s: float) -> float:
        """A time of `time.perf_counter`, as the trace counts."""
        return moment_s - self._started_s

    def _run(self) -> None:
        ticks = 0
        full_s = self._started_s + self.period_s
        while True:
            ticks += 1
            # by the clock rather than by sleeping as long each time, so that the period does not drift
            wait_s = self._started_s + ticks * self._power_period_s - time.perf_counter()
            if self._ended.wait(max(wait_s, 0)):
                return
            full = time.perf_counter() >= full_s
            self._sample(full)
            if full:
                full_s += self.period_s

    def _sample(self, full: bool) -> None:
        for number, device in enumerate(self._devices):
            try:
                before_s = time.perf_counter()
                power_w = device.power_w()
                moment_s = (before_s + time.perf_counter()) / 2
                rest = device.sample() if full else {}
            except InputError as error:
                self.failure = error
                continue
            self.trace.rows.append(
                {"time_s": moment_s - self._started_s, "device": number, "full": full, "power_w": power_w, **rest}
            )


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None
