"""Keep a measured window alone on its device, among all isojoule processes of this machine.

The energy of work beside a window would be counted as the window's. Every program that computes takes the device's lock
shared, and a window takes it exclusively, so that other programs start up and clean up before it or after it, never
beside it.
"""

import fcntl
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType

from isojoule.errors import InputError

WAITING_NOTICE_S = 10.0
# this is not TMPDIR: many clusters give every job a TMPDIR of its own, and then no two programs would see each other
LOCKS = Path(os.environ.get("ISOJOULE_LOCKS", "/tmp"))


class Device:
    """The right to compute on a device of this machine, shared until `alone`.

    Args:
        name: `cpu` or the UUID of a GPU.

    Raises:
        InputError: from the `with`: the lock's file cannot be made or opened.
    """

    def __init__(self, name: str) -> None:
        self._path = LOCKS / f"isojoule-{name}.lock"

    def __enter__(self) -> "Device":
        self._file = _opened(self._path)
        self._take(fcntl.LOCK_SH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other program computes on the device, and keep it so."""
        self._take(fcntl.LOCK_EX)
        try:
            yield
        finally:
            self._take(fcntl.LOCK_SH)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let the windows of other programs open while this one only waits."""
        self.release()
        try:
            yield
        finally:
            self._take(fcntl.LOCK_SH)

    def release(self) -> None:
        """Give the right back, until `alone` or the end of `released` takes it again."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def _take(self, kind: int) -> None:
        notice = threading.Timer(
            WAITING_NOTICE_S,
            lambda: print(
                f"waiting for another isojoule program to free {self._path.stem}", file=sys.stderr, flush=True
            ),
        )
        notice.daemon = True
        notice.start()
        try:
            fcntl.flock(self._file, kind)
        finally:
            notice.cancel()


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
        with ExitStack() as held:
            # a program that waits for one device holds none of the others, for which another program may wait
            for device in self._devices:
                device.release()
            for device in (self._machine, *self._devices):
                held.enter_context(device.alone())
            yield


def _opened(path: Path) -> int:
    """Open the file of a lock, which every user of the machine may lock.

    Raises:
        InputError: it cannot be made or opened; the message says what to do.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        # the file belongs to another user, whose windows are to be alone as well, or its folder is read-only
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(
                f"{path}: the lock of this machine cannot be opened: {error.strerror}; expected a folder that all "
                "users can write to and a file that all can read, such as ISOJOULE_LOCKS=/tmp"
            ) from error
    with suppress(PermissionError):
        # the umask of the first user would keep all others out
        os.fchmod(file, 0o666)
    return file
