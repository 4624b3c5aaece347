"""RAPL: the energy counters that CPUs keep of their packages and memory, as the Linux kernel shows them."""

import threading
import time
from pathlib import Path

from isojoule.energy.nvml import update_period_s
from isojoule.errors import InputError

POWERCAP = Path("/sys/class/powercap")


class Rapl:
    """The counters of all packages of this machine, summed; those of memory beside them, where there are some.

    A counter starts again at 0 after its range, half an hour or so: `counter_j` must be read more often than that.

    Args:
        folder: where the kernel shows the counters.
    """

    def __init__(self, folder: Path = POWERCAP) -> None:
        zones = {zone: _text(zone / "name") for zone in sorted(folder.glob("intel-rapl:*"))}
        self._packages = [_Zone(zone) for zone, name in zones.items() if name.startswith("package")]
        self._memory = [_Zone(zone) for zone, name in zones.items() if name == "dram"]
        self._lock = threading.Lock()
        self._last = (time.perf_counter(), 0.0)
        self.readable = bool(self._packages) and all(zone.is_readable() for zone in self._packages)
        self.has_memory = bool(self._memory) and all(zone.is_readable() for zone in self._memory)
        self.period_s = update_period_s(self.counter_j) if self.readable else None

    def counter_j(self) -> float:
        """Energy of the packages since this object was made."""
        with self._lock:
            return sum(zone.energy_j() for zone in self._packages)

    def read_j(self) -> dict[str, float]:
        """Energies since this object was made, of `package` and `dram`, where they can be read."""
        found = {"package": self.counter_j()} if self.readable else {}
        return {**found, "dram": self._memory_j()} if self.has_memory else found

    def power_w(self) -> float | None:
        """Mean power since the last call."""
        now, (before_s, before_j) = (time.perf_counter(), self.counter_j()), self._last
        self._last = now
        return (now[1] - before_j) / (now[0] - before_s) if now[0] > before_s else None

    def sample(self) -> dict[str, float | str]:
        """Nothing beside the power; the memory's counter is read, so that it is not missed when it starts again."""
        self._memory_j()
        return {}

    def _memory_j(self) -> float:
        with self._lock:
            return sum(zone.energy_j() for zone in self._memory)


class _Zone:
    """One counter of the kernel, without its jump back to 0."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self._range_uj = int(_text(folder / "max_energy_range_uj") or 0)
        self._last_uj = int(_text(self._file) or 0)
        self._total_uj = 0

    def is_readable(self) -> bool:
        """Since 2020 kernels show the counters to root alone."""
        return bool(_text(self._file))

    def energy_j(self) -> float:
        text = _text(self._file)
        if not text:
            raise InputError(f"{self._file}: can no longer be read; nothing was measured")
        now_uj = int(text)
        self._total_uj += now_uj - self._last_uj + (self._range_uj if now_uj < self._last_uj else 0)
        self._last_uj = now_uj
        return self._total_uj / 1e6


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
