"""RAPL: the energy counters that a CPU keeps of its packages and memory, as the Linux kernel shows them.

A counter decides an energy only where it behaves like one: the kernel lets us read it and the range after which it
starts again at 0, and it moves. The kernel's documentation of the files: `admin-guide/pm/powercap` ("Power Capping
Framework").
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from isojoule.energy.update_period import update_period_s
from isojoule.errors import InputError

POWERCAP = Path("/sys/class/powercap")
# a CPU updates its counters every millisecond or so, idle or not: one that stands still for so long counts nothing
STILL_S = 1.0
POLL_S = 0.01
# no package or memory of one draws so much, so that a counter that rises faster was reset or has another range
MOST_W = 2000.0
# a reading may be so old, so that the next one has the energy of so much more time in it
STALE_S = 0.1
# dies of one package whose counters are never further apart than this show one counter of the package
SAME_J = 1.0


class Rapl:
    """The counters of all packages of this machine, summed, and those of its memory, where there are some.

    A counter starts again at 0 after its range, which takes minutes at least: somebody must read it more often.

    Args:
        folder: folder where the kernel shows the counters.

    Attributes:
        why_not: why the packages' counters say nothing of the CPU's energy; none where they do.
        why_not_memory: the same for the memory.
        period_s: the longest time between two updates, as seen here; none where the counters cannot be used.
    """

    def __init__(self, folder: Path = POWERCAP) -> None:
        self._packages, self.why_not = _counters(folder, "package")
        self._memory, self.why_not_memory = _counters(folder, "dram")
        if not self.why_not_memory and len(self._memory) != len(self._packages):
            self.why_not_memory = (
                f"{folder}: found {len(self._memory)} counters of memory and {len(self._packages)} of packages, "
                "expected as many"
            )
        still = _standing_still([*self._packages, *self._memory])
        self.why_not = self.why_not or _stood_still(self._packages, still)
        self.why_not_memory = self.why_not_memory or _stood_still(self._memory, still)
        self._packages = _each_once(self._packages)
        self._lock = threading.Lock()
        self._last = (time.perf_counter(), 0.0)
        self.period_s = self._watched_period_s() if self.readable else None

    @property
    def readable(self) -> bool:
        """Whether the counters of all packages can be used."""
        return self.why_not is None

    @property
    def has_memory(self) -> bool:
        """Whether the counters of the memory can be used."""
        return self.why_not_memory is None

    def counter_j(self) -> float:
        """Return the energy of the packages since this object was made.

        Raises:
            InputError: as from `read_j`.
        """
        return self._sum_j(self._packages)

    def read_j(self, *, first: bool = False) -> dict[str, float]:
        """Return the energies of `package` and `dram` since this object was made, where they can be used.

        Memory whose counter fails is left out, since its energy never decides.

        Args:
            first: whether energy is counted from this reading on: nobody may have read before it, so that how often
                the counters began again is not known, and does not matter.

        Raises:
            InputError: a package's counter can no longer be read, rose by more than a CPU can draw, or was not read
                for so long that it may have started again unseen.
        """
        energies_j = {}
        if self.readable:
            energies_j["package"] = self._sum_j(self._packages, first)
        if self.has_memory:
            with suppress(InputError):
                energies_j["dram"] = self._sum_j(self._memory, first)
        return energies_j

    def power_w(self) -> float | None:
        """Return the mean power since the last call; none where it cannot be read or no time has passed."""
        try:
            now_s, now_j = time.perf_counter(), self.counter_j()
        except InputError:
            # whoever reads the window's energy hears of it
            return None
        (before_s, before_j), self._last = self._last, (now_s, now_j)
        return (now_j - before_j) / (now_s - before_s) if now_s > before_s else None

    def sample(self) -> dict[str, float | str]:
        """Return nothing; the memory's counter is read, so that nobody misses it when it starts again at 0."""
        if self.has_memory:
            with suppress(InputError):
                self._sum_j(self._memory)
        return {}

    def _watched_period_s(self) -> float | None:
        try:
            period_s = update_period_s(self.counter_j)
        except InputError as error:
            self.why_not = str(error)
            return None
        if period_s is None:
            self.why_not = f"{self._packages[0].file}: was not updated while it was watched"
        return period_s

    def _sum_j(self, counters: Sequence["_Counter"], first: bool = False) -> float:
        with self._lock:
            return sum(counter.energy_j(first) for counter in counters)


class _Counter:
    """One counter of the kernel, which goes on where the kernel's starts again at 0.

    Args:
        folder: its folder, a zone of the powercap framework.

    Raises:
        InputError: the counter or its range cannot be read, or they contradict each other.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "energy_uj"
        # without the range, the energy of a window in which it starts again is too small by that range
        self.began_uj = self._last_uj = _microjoules(self.file)
        self._last_s = time.perf_counter()
        self._range_uj = _microjoules(folder / "max_energy_range_uj")
        self.package = _text(folder / "name").partition("-die-")[0]
        self._total_uj = 0
        if self._range_uj < self._last_uj or self._range_uj == 0:
            raise InputError(
                f"{folder / 'max_energy_range_uj'}: found {self._range_uj}, expected more than the {self._last_uj} "
                "that the counter shows"
            )

    def has_moved(self) -> bool:
        """Say whether the counter shows another energy than when this object was made."""
        return _microjoules(self.file) != self.began_uj

    def energy_j(self, first: bool = False) -> float:
        """Return the energy since this object was made, apart from what rose before a `first` reading."""
        try:
            now_uj, now_s = _microjoules(self.file), time.perf_counter()
        except InputError as error:
            raise InputError(f"{error}; nothing was measured") from error
        rise_uj = now_uj - self._last_uj + (self._range_uj if now_uj < self._last_uj else 0)
        passed_s = now_s - self._last_s
        most_uj = 1e6 * MOST_W * (passed_s + STALE_S)
        if not first and most_uj > self._range_uj:
            raise InputError(
                f"{self.file}: was not read for {passed_s:.0f} s, in which a counter with a range of "
                f"{self._range_uj / 1e6:.0f} J may start again at 0 unseen; nothing was measured"
            )
        if not first and rise_uj > most_uj:
            raise InputError(
                f"{self.file}: rose by {rise_uj / 1e6:.0f} J in {passed_s:.2f} s, expected {most_uj / 1e6:.0f} J at "
                "most: it was reset; nothing was measured"
            )
        if not first:
            self._total_uj += rise_uj
        self._last_uj, self._last_s = now_uj, now_s
        return self._total_uj / 1e6


def _counters(folder: Path, kind: str) -> tuple[list[_Counter], str | None]:
    """Return the counters of the zones whose name begins with `kind`, and why they cannot be used, where they cannot.

    A package may be shown again through another interface, as `intel-rapl-mmio`; its zones below, such as `core`, are
    parts of it, and `psys` contains it. None of these is counted.
    """
    zones = [zone for zone in sorted(folder.glob("intel-rapl:*")) if _text(zone / "name").startswith(kind)]
    if not zones:
        return [], f"{folder}: the kernel shows no counter of a {kind}"
    try:
        return [_Counter(zone) for zone in zones], None
    except InputError as error:
        return [], str(error)


def _standing_still(counters: Sequence[_Counter]) -> list[_Counter]:
    """Watch counters, and return those that stand still."""
    still, ends_s = list(counters), time.perf_counter() + STILL_S
    while still and time.perf_counter() < ends_s:
        time.sleep(POLL_S)
        with suppress(InputError):
            still = [counter for counter in still if not counter.has_moved()]
    return still


def _stood_still(counters: Sequence[_Counter], still: Sequence[_Counter]) -> str | None:
    """Say which of some counters stood still; none where all moved."""
    files = [str(counter.file) for counter in counters if counter in still]
    return f"{', '.join(files)}: stood still for {STILL_S:g} s, as in a virtual machine" if files else None


def _each_once(counters: Sequence[_Counter]) -> list[_Counter]:
    """Return each counter once: the dies of AMD's first two Zen generations all show the counter of their package.

    Two counters are one if they are of dies of one package and equal, apart from what was drawn between their readings,
    when first seen and now. Source: https://github.com/mlco2/codecarbon/issues/1274.
    """
    kept: list[_Counter] = []
    for counter in counters:
        if not any(_is_same(counter, other) for other in kept):
            kept.append(counter)
    return kept


def _is_same(counter: _Counter, other: _Counter) -> bool:
    if counter.package != other.package:
        return False
    try:
        distances_uj = [counter.began_uj - other.began_uj, _microjoules(counter.file) - _microjoules(other.file)]
    except InputError:
        return False
    return all(abs(distance_uj) <= 1e6 * SAME_J for distance_uj in distances_uj)


def _microjoules(file: Path) -> int:
    """Read a whole number of microjoules.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    try:
        text = file.read_text(encoding="ascii").strip()
    except PermissionError as error:
        raise InputError(f"{file}: may be read by the administrator alone, as kernels have it since 2020") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not text.isdecimal():
        raise InputError(f"{file}: found {text[:20]!r}, expected a whole number of microjoules")
    return int(text)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
