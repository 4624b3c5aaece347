"""Keep a measured window alone on its device, among all isojoule processes of this machine.

The energy of work beside a window would be counted as the window's. Every program that computes takes the device's lock
shared, and a window takes it exclusively, so that other programs start up and clean up before it or after it, never
beside it.

Beside each lock is its turnstile: whoever wants the device alone holds it while waiting, and whoever wants to share
goes through it. Otherwise programs that come and go, of which one is always there, would keep a window waiting without
end.
"""

import fcntl
import os
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType

from isojoule.errors import InputError

WAITING_NOTICE_S = 10.0
# so long at most a program that waits to be alone keeps others out that would share: one of them may have been started
# by a program that has its share and waits for it, and an `isojoule run` on a GPU has its share of the machine for days
CLOSED_S = 300.0
# all users may open the file of a lock
ACCESS = 0o666
# this is not TMPDIR: many clusters give every job a TMPDIR of its own, and then no two programs would see each other
LOCKS = Path(os.environ.get("ISOJOULE_LOCKS", "/tmp"))
# `isojoule run` marks all processes of a program by this variable: the marks of the runs that they are in, each a host
# and the number of a process there, with colons between them
MARK = "ISOJOULE_RUN"


class Device:
    """The right to compute on a device of this machine, shared until `alone`.

    Args:
        name: `cpu` or the UUID of a GPU.

    Raises:
        InputError: from the `with`: the lock's file cannot be made or opened, or its file system has no locks.
    """

    def __init__(self, name: str) -> None:
        inside = _inside()
        self._path = LOCKS / f"isojoule-{name}{inside}.lock"
        self._path_of_turnstile = LOCKS / f"isojoule-{name}-turnstile{inside}.lock"
        self._is_alone = False

    def __enter__(self) -> "Device":
        with ExitStack() as opened:
            self._file = _opened(self._path)
            opened.callback(os.close, self._file)
            self._turnstile = _opened(self._path_of_turnstile)
            opened.callback(os.close, self._turnstile)
            self.share()
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other program computes on the device, and keep it so."""
        self.take()
        try:
            yield
        finally:
            self.share()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let the windows of other programs open while this one only waits."""
        self.release()
        try:
            yield
        finally:
            self.share()

    def take(self) -> None:
        """Wait until no other program computes on the device, and keep it so until `share` or `release`."""
        with self._telling():
            # whoever waits at the turnstile must not have what its holder waits for
            self.release()
            self._flock(self._turnstile, fcntl.LOCK_EX)
            try:
                # while another window is open, nobody can share, so that the time does not count
                self._flock(self._file, fcntl.LOCK_SH)
                with self._opening_in(CLOSED_S):
                    self._flock(self._file, fcntl.LOCK_EX)
            finally:
                self._flock(self._turnstile, fcntl.LOCK_UN)
        self._is_alone = True

    def share(self) -> None:
        """Wait until no other program has the device for itself, and compute beside others."""
        with self._telling():
            # a window that ends lets others in who share, and does not wait for who would be alone next
            if not self._is_alone:
                self._flock(self._turnstile, fcntl.LOCK_SH)
                self._flock(self._turnstile, fcntl.LOCK_UN)
            self._flock(self._file, fcntl.LOCK_SH)
        self._is_alone = False

    def release(self) -> None:
        """Give the right back, until `share`, `take` or the end of `released` takes it again."""
        self._flock(self._file, fcntl.LOCK_UN)
        self._is_alone = False

    @contextmanager
    def _opening_in(self, closed_s: float) -> Iterator[None]:
        """Open the turnstile inside this after some time, if it takes so long."""
        opening = threading.Timer(closed_s, fcntl.flock, (self._turnstile, fcntl.LOCK_UN))
        opening.daemon = True
        opening.start()
        try:
            yield
        finally:
            opening.cancel()
            # it must not open what the next wait has closed
            opening.join()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say that this program waits for another one, if it takes long."""
        notice = threading.Timer(
            WAITING_NOTICE_S,
            lambda: print(
                f"waiting for another isojoule program to free {self._path.stem}", file=sys.stderr, flush=True
            ),
        )
        notice.daemon = True
        notice.start()
        try:
            yield
        finally:
            notice.cancel()

    def _flock(self, file: int, kind: int) -> None:
        try:
            fcntl.flock(file, kind)
        except OSError as error:
            raise InputError(
                f"{self._path}: the lock of this machine cannot be taken: {error.strerror}; expected a folder on a "
                "disk of this machine, such as ISOJOULE_LOCKS=/tmp"
            ) from error


class Devices:
    """The right to compute on several GPUs of this machine at once.

    A window on them takes the machine as well: work of another isojoule program on the CPU would slow down a network
    that waits for its launches.

    Args:
        machine: the right to compute on the machine's CPU, which the program has.
        names: UUIDs of the GPUs; every program takes them in the same order.
    """

    def __init__(self, machine: Device, names: Sequence[str]) -> None:
        self._machine = machine
        self._devices = [Device(name) for name in sorted(names)]
        self._held = ExitStack()

    def __enter__(self) -> "Devices":
        with ExitStack() as held:
            for device in self._devices:
                held.enter_context(device)
            self._held = held.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other program computes on any of them or on the machine, and keep it so."""
        # the machine is before the GPUs in the order in which all programs take them, and who waits for a lock holds
        # none that comes after it: so no two programs ever wait for each other
        self._release_devices()
        try:
            with self._machine.alone():
                try:
                    for device in self._devices:
                        device.take()
                    yield
                finally:
                    # at the end `machine` may wait for a window of another program, which needs these
                    self._release_devices()
        finally:
            for device in self._devices:
                device.share()

    def _release_devices(self) -> None:
        for device in self._devices:
            device.release()


def remove_locks_inside(mark: str) -> None:
    """Remove the files of the locks that programs inside a run have used, once it is over."""
    for path in LOCKS.glob(f"isojoule-*.in-{mark}.lock"):
        with suppress(OSError):
            path.unlink()


def _inside() -> str:
    """Return how locks inside a run are told from those outside: the run around them has these for itself."""
    mark = os.environ.get(MARK, "").rpartition(":")[2]
    number = mark.rpartition("-")[2]
    # a shell that a run left behind has its mark, but nothing around it any more
    return f".in-{mark}" if number.isdigit() and Path("/proc", number).exists() else ""


def _opened(path: Path) -> int:
    """Open the file of a lock, which every user of the machine may lock.

    Raises:
        InputError: it cannot be made or opened; the message says what to do.
    """
    # whoever can write to the folder could put a link there, to a file that would then be opened to everybody
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | flags, ACCESS)
    except OSError as error:
        reason = error
    else:
        _open_to_all(file)
        return file
    try:
        # the file belongs to another user, whose windows are to be alone as well, or its folder is read-only
        return os.open(path, os.O_RDONLY | flags)
    except FileNotFoundError:
        # why the file could not be made says more
        pass
    except OSError as error:
        reason = error
    raise InputError(
        f"{path}: the lock of this machine cannot be opened: {reason.strerror}; expected a folder that all users can "
        "write to and a file in it that all can read, such as ISOJOULE_LOCKS=/tmp"
    ) from reason


def _open_to_all(file: int) -> None:
    """Let all users lock the file: the umask of the first user would keep all others out."""
    status = os.fstat(file)
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and stat.S_IMODE(status.st_mode) != ACCESS:
        with suppress(PermissionError):
            os.fchmod(file, ACCESS)
