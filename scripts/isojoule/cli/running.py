"""How a command runs: its words on bad input, its exit code, its turn on the machine."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, ModuleType
from typing import NoReturn

from isojoule.cli import extras
from isojoule.errors import InputError, StoppedError, is_out_of_memory
from isojoule.measuring.device_lock import Device


def run(command: ModuleType, options: argparse.Namespace) -> NoReturn:
    """Call `command.run` with the options, and leave with the exit code that it returns, 0 by default.

    The exit code is 2 on bad input and where a package is not installed, 130 after Ctrl-C and 143 after SIGTERM. A
    command that says `COMPUTES` would disturb the window of another one: before anything else it waits until none is
    open, and its `run` is handed the machine so that it can have it alone. Such a command imports what is heavy inside
    `run`.
    """
    if not getattr(command, "COMPUTES", False):
        sys.exit(_exit_code(command, lambda: command.run(options)))
    signal.signal(signal.SIGTERM, stop)
    with Device("cpu") as machine:
        code = _exit_code(command, lambda: command.run(options, machine))
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        # taking torch apart costs half a second of CPU, which would fall into the window that opens now
        os._exit(code)


def _exit_code(command: ModuleType, call: Callable[[], int | None]) -> int:
    try:
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
        # torch's allocator raises the latter
        if not is_out_of_memory(error):
            raise
        what = str(error).partition("\n")[0] or "no more was to be had"
        print(f"error: out of memory: {what}; nothing half-written was left", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # whoever read along has seen enough; nothing more is said, at the exit neither
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (KeyboardInterrupt, StoppedError) as error:
        by, code = ("Ctrl-C", 130) if isinstance(error, KeyboardInterrupt) else ("SIGTERM", 143)
        # whoever reads along may have been stopped first
        with suppress(OSError):
            print(f"stopped by {by}: nothing half-written was left, the same command goes on", file=sys.stderr)
        return code


def stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Handle a signal: end as after Ctrl-C."""
    raise StoppedError
