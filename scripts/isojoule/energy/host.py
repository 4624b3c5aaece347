"""What other programs do to the CPU of this machine meanwhile: work that a GPU waits for gets slower beside it."""

import time

import psutil

from isojoule.energy.cpu_time import own_cpu_s


class HostLoad:
    """The CPU time that others take from the moment at which this object is made.

    The time of this process and of its children counts as its own.
    """

    def __init__(self) -> None:
        self._began_s, self._busy_s, self._own_s = time.perf_counter(), _busy_s(), own_cpu_s()

    def others_percent(self) -> float | None:
        """Return how busy others kept the CPU, in per cent of one core; none where no time has passed."""
        passed_s = time.perf_counter() - self._began_s
        others_s = (_busy_s() - self._busy_s) - (own_cpu_s() - self._own_s)
        return max(100 * others_s / passed_s, 0.0) if passed_s > 0 else None


def _busy_s() -> float:
    """Return the time for which all cores have worked, in seconds; guests are in the user's time already."""
    times = psutil.cpu_times()
    parts = ("user", "nice", "system", "irq", "softirq")
    return float(sum(getattr(times, part, 0.0) for part in parts))


class HostWatch:
    """The CPU as the sampler watches it: what others took of it since the last look."""

    def __init__(self) -> None:
        self._load = HostLoad()

    def power_w(self) -> float | None:
        """Return none: this tells of load alone."""
        return None

    def sample(self) -> dict[str, float | str]:
        """Return the load of others since the last sample."""
        load, self._load = self._load, HostLoad()
        others_percent = load.others_percent()
        return {} if others_percent is None else {"host_load_percent": others_percent}
