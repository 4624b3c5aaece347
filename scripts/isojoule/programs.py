"""What every stage program does alike: its help, its words on bad input, its exit codes, its turn on the machine."""

import argparse
import difflib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from isojoule.alone import Device
from isojoule.errors import InputError, StoppedError, is_out_of_memory

# EX_TEMPFAIL of sysexits.h: nothing is wrong, the same command goes on
OVER_BUDGET = 75
Code = int | None
CONFIG_HELP = "configuration of the study, a YAML file"


def command_line(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the program's own docstring."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )


def at_least(minimum: int) -> Callable[[str], int]:
    """The type of an option that is a whole number of `minimum` or more."""

    def whole(text: str) -> int:
        if not text.lstrip("-").isdigit() or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"found {text}, expected a whole number of {minimum} or more")
        return int(text)

    return whole


def above_zero(text: str) -> float:
    """The type of an option that is a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text}, expected a number above 0")
    return value


def known(option: str, found: str, expected: Sequence[str]) -> str:
    """Return `found`, which is one of `expected`.

    Raises:
        InputError: it is not; the message has the closest ones.
    """
    if found not in expected:
        close = difflib.get_close_matches(found, expected) or expected[:5]
        raise InputError(f"{option}: found {found}, expected one of the configuration's, such as {', '.join(close)}")
    return found


def run(main: Callable[[argparse.Namespace], Code], parser: argparse.ArgumentParser) -> NoReturn:
    """Parse the command line, call `main`, and leave with its exit code, 0 by default.

    That is 2 on bad input, 130 after Ctrl-C and 143 after SIGTERM.
    """
    sys.exit(_exit_code(main, parser.parse_args()))


def run_computing(
    main: Callable[[argparse.Namespace, Device], int | None], parser: argparse.ArgumentParser
) -> NoReturn:
    """As `run`, for a program whose work would disturb another's window: first of all it waits until none is open.

    `main` imports what is heavy itself, and gets the machine, so that it can have it alone.
    """
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    with Device("cpu") as machine:
        code = _exit_code(lambda parsed: main(parsed, machine), options)
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        # taking torch apart costs half a second of CPU, which would fall into the window that opens now
        os._exit(code)


def _exit_code(main: Callable[[argparse.Namespace], Code], options: argparse.Namespace) -> int:
    try:
        return main(options) or 0
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
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
