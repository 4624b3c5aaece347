"""Run a command: wait for its turn on the machine, word what goes wrong, and leave with its exit code."""

import argparse
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType, ModuleType
from typing import NoReturn

from isojoule.cli import extras
from isojoule.errors import InputError, StoppedError, is_out_of_memory
from isojoule.measuring.device_lock import Device


def run(command: ModuleType, options: argparse.Namespace) -> NoReturn:
    """Call `command.run` with the options, and leave with the exit code that it returns, 0 by default.

    The exit code is 2 on bad input and where a package is not installed, 130 after Ctrl-C and 143 after SIGTERM. A
    command that says `COMPUTES` would disturb a window that another one has open. It waits until none is open before it
    does anything else, and its `run` is handed the machine, to take for itself alone. Such a command imports heavy
    libraries only inside `run`.
    """
    if not getattr(command, "COMPUTES", False):
        sys.exit(_exit_code(command, lambda: _flushed(command.run(options))))
    signal.signal(signal.SIGTERM, stop)
    # the lock is held until the process ends, and given back where a test goes on in it
    with ExitStack() as held:
        code = _exit_code(command, lambda: command.run(options, held.enter_context(Device("cpu"))))
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        # the ordinary end of torch takes half a second of CPU, which would fall into the next window
        os._exit(code)


def tell(text: str) -> NoReturn:
    """Print a text and leave, quietly where the reader of the pipe has left already."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _silence()
        sys.exit(141)
    sys.exit(0)


def _flushed(code: int | None) -> int | None:
    """Return the exit code once everything is printed: a reader that has left is noticed here, not at the exit."""
    sys.stdout.flush()
    return code


def _silence() -> None:
    """Let nothing be written to a pipe whose reader has left, not even at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep from the user what libraries of numbers warn their programmers of, unless Python was told to warn (-W)."""
    with warnings.catch_warnings():
        if not sys.warnoptions:
            for category in (RuntimeWarning, FutureWarning):
                warnings.simplefilter("ignore", category)
            warnings.filterwarnings("ignore", module=r"sklearn\.")
        yield


def _exit_code(command: ModuleType, call: Callable[[], int | None]) -> int:
    try:
        with _without_warnings():
            return call() or 0
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        name = command.__name__.rpartition(".")[2].replace("_", "-")
        advice = extras.advice(error.name, name, measures=hasattr(command, "COMPUTES"))
        if advice is None:
            raise
        print(f"error: {advice}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        # torch's allocator raises RuntimeError
        if not is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0] or "no more was to be had"
        print(f"error: out of memory: {reason}; nothing half-written was left", file=sys.stderr)
        return 2
    except BrokenPipeError:
        _silence()
        return 141
    except (KeyboardInterrupt, StoppedError) as error:
        cause, code = ("Ctrl-C", 130) if isinstance(error, KeyboardInterrupt) else ("SIGTERM", 143)
        # the reader of the pipe may have been stopped first
        with suppress(OSError):
            print(f"stopped by {cause}: nothing half-written was left, the same command goes on", file=sys.stderr)
        return code


def stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Handle a signal by ending the program as Ctrl-C does."""
    raise StoppedError
