"""RAPL: the energy counters that a CPU keeps of its packages and memory, as the Linux kernel shows them."""

import threading
import time
from pathlib import Path

from isojoule.energy.nvml import update_period_s
from isojoule.errors import InputError

POWERCAP = Path("/sys/class/powercap")


class Rapl:
    """The counters of all packages of this machine, summed, and those of its memory, where there are some.

    A counter starts again at 0 after its range, which takes half an hour or so: somebody must read it more often.

    Args:
        folder: folder where the kernel shows the counters.

    Attributes:
        readable: whether the kernel shows the packages' counters to us.
        has_memory: whether it shows those of the memory.
        period_s: the longest time between two updates, as seen here; none where the counters stand still.
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
        """Return the energy of the packages since this object was made.

        Raises:
            InputError: a counter can no longer be read.
        """
        with self._lock:
            return sum(zone.energy_j() for zone in self._packages)

    def read_j(self) -> dict[str, float]:
        """Return the energies of `package` and `dram` since this object was made, where they can be read.

        Raises:
            InputError: a counter can no longer be read.
        """
        energies_j = {}
        if self.readable:
            energies_j["package"] = self.counter_j()
        if self.has_memory:
            energies_j["dram"] = self._memory_j()
        return energies_j

    def power_w(self) -> float | None:
        """Return the mean power since the last call; none where no time has passed."""
        before_s, before_j = self._last
        now_s, now_j = self._last = time.perf_counter(), self.counter_j()
        return (now_j - before_j) / (now_s - before_s) if now_s > before_s else None

    def sample(self) -> dict[str, float | str]:
        """Return nothing; the memory's counter is read, so that nobody misses it when it starts again at 0."""
        self._memory_j()
        return {}

    def _memory_j(self) -> float:
        with self._lock:
            return sum(zone.energy_j() for zone in self._memory)


class _Zone:
    """One counter of the kernel, which goes on where the kernel's starts again at 0."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self._range_uj = int(_text(folder / "max_energy_range_uj") or 0)
        self._last_uj = int(_text(self._file) or 0)
        self._total_uj = 0

    def is_readable(self) -> bool:
        """Say whether the kernel shows the counter to us: since 2020 it may show it to root alone."""
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
