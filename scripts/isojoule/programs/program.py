"""A program that runs as if nothing were around it: its terminal, its streams, its signals and its exit code."""

import ctypes
import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from isojoule.errors import InputError

NOT_EXECUTABLE, NOT_FOUND = 126, 127
# those that somebody sends to end a program, or to tell it something; the program gets them from us
FORWARDED = {
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
}
WAITED = {*FORWARDED, signal.SIGCHLD}
# the kernel sent the signal: a terminal sends Ctrl-C to its whole group, in which the program is
FROM_KERNEL = 0x80
# so long after its start, and then after twice as long each time, somebody looks at the program
FIRST_LOOK_S, LAST_LOOK_S = 0.5, 30.0
# a number of prctl(2): processes whose parent has ended become our children
SET_CHILD_SUBREAPER = 36


class CannotStartError(InputError):
    """The command cannot be started; `exit_code` is what a shell gives then."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Program:
    """A child of this process that has the terminal and the streams of it.

    Args:
        words: the command and its arguments.
        environment: of the program.

    Attributes:
        exit_code: as a shell has it, 128 and the number where a signal ended it; none before its end.
        ended_by: the signal that ended it.
        received: the last signal that somebody sent to it through us, or the terminal to both.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self._words, self._environment = list(words), dict(environment)
        self.exit_code: int | None = None
        self.ended_by: signal.Signals | None = None
        self.received: signal.Signals | None = None

    def start(self, mask: set[signal.Signals]) -> None:
        """Start the program.

        Args:
            mask: the signals that it begins with as blocked.

        Raises:
            CannotStartError: there is no such program, or it cannot be executed.
        """
        _keep_orphans(True)
        # Python ignores these two, which a program must not inherit
        defaults = [signal.SIGPIPE, signal.SIGXFSZ]
        try:
            self._pid = os.posix_spawnp(
                self._words[0], self._words, self._environment, setsigmask=mask, setsigdef=defaults
            )
        except OSError as error:
            raise cannot_start(self._words[0], error) from error

    def wait(self, look: Callable[[], None] = lambda: None) -> int:
        """Wait for the end of the program, tell it what others tell us, and return its exit code.

        Processes of it that have lost their parent are children of this one until then.

        Args:
            look: is called now and then while the program runs.
        """
        pause_s = FIRST_LOOK_S
        while self.exit_code is None:
            told = signal.sigtimedwait(WAITED, pause_s)
            if told is None:
                # the end of a child may have been told to nobody
                self._reap()
                look()
                pause_s = min(2 * pause_s, LAST_LOOK_S)
            elif told.si_signo == signal.SIGCHLD:
                self._reap()
            else:
                self.received = signal.Signals(told.si_signo)
                if told.si_code != FROM_KERNEL:
                    os.kill(self._pid, told.si_signo)
        _keep_orphans(False)
        return self.exit_code

    def _reap(self) -> None:
        """Take note of all children that have ended: the program, and those that it left to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._pid:
                code = os.waitstatus_to_exitcode(status)
                self.ended_by = signal.Signals(-code) if code < 0 else None
                self.exit_code = code if code >= 0 else 128 - code


def _keep_orphans(wanted: bool) -> None:
    """Let processes below this one that lose their parent become its children, or no longer."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


@contextmanager
def signals_held() -> Iterator[set[signal.Signals]]:
    """Let no signal end this process, so that what was measured is written; yield which were held before.

    Threads that begin inside have the same, so that the one that waits for the program gets every signal.
    """
    # whoever started us may ignore the end of children, whose exit codes would be lost
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WAITED)
    try:
        yield {signal.Signals(number) for number in before}
    finally:
        while signal.sigtimedwait(WAITED, 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def asked_to_end() -> signal.Signals | None:
    """Return a signal that asks to end and that is held, where there is one."""
    pending = signal.sigpending() & {signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT}
    return signal.Signals(next(iter(pending))) if pending else None


def check_exists(word: str) -> None:
    """Refuse a command that there is not, before anybody waits for a device.

    Raises:
        CannotStartError: there is no such program, or it cannot be executed.
    """
    if shutil.which(word) is None:
        code = errno.EACCES if "/" in word and Path(word).exists() else errno.ENOENT
        raise cannot_start(word, OSError(code, os.strerror(code)))


def cannot_start(word: str, error: OSError) -> CannotStartError:
    """Word why a command cannot be started."""
    word = word or "''"
    if isinstance(error, FileNotFoundError):
        return CannotStartError(f"{word}: found no such command, expected a program; nothing was measured", NOT_FOUND)
    reason = error.strerror or str(error)
    return CannotStartError(
        f"{word}: cannot be executed ({reason}), expected a program; nothing was measured", NOT_EXECUTABLE
    )
