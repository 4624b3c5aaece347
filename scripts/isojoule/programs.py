"""What every stage program does alike: its help, its words on bad input, its exit codes, its turn on the machine."""

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from isojoule.alone import Device
from isojoule.errors import InputError

CONFIG_HELP = "configuration of the study, a YAML file"


def command_line(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the program's own docstring."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )


def with_cell(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the options that name a cell and its files."""
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--gpu", required=True, help="one of the configuration's gpus")
    parser.add_argument("--architecture", required=True, help="name of an architecture, such as mlp-4x1024")
    parser.add_argument("--repeat", type=int, default=0, help="which repeat; decides the seed (default: 0)")
    parser.add_argument("--features", type=Path, required=True, help="folder of the extracted features")
    parser.add_argument("--checkpoint", type=Path, help="weights, from training to test")
    parser.add_argument("--attempt", type=int, default=1, help="how many times this cell was begun (default: 1)")
    parser.add_argument("--output", type=Path, required=True, help="the record, a JSON file")
    return parser


def known(option: str, found: str, expected: Sequence[str]) -> str:
    """Return `found`, which is one of `expected`.

    Raises:
        InputError: it is not; the message has the closest ones.
    """
    if found not in expected:
        close = difflib.get_close_matches(found, expected) or expected[:5]
        raise InputError(f"{option}: found {found}, expected one of the configuration's, such as {', '.join(close)}")
    return found


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> NoReturn:
    """Parse the command line, call `main`, and leave with exit code 0, 2 (bad input) or 130 (Ctrl-C)."""
    sys.exit(_exit_code(main, parser.parse_args()))


def run_computing(main: Callable[[argparse.Namespace, Device], None], parser: argparse.ArgumentParser) -> NoReturn:
    """As `run`, for a program whose work would disturb another's window: first of all it waits until none is open.

    `main` imports what is heavy itself, and gets the machine, so that it can have it alone.
    """
    options = parser.parse_args()
    with Device("cpu") as machine:
        code = _exit_code(lambda parsed: main(parsed, machine), options)
        sys.stdout.flush()
        sys.stderr.flush()
        # taking torch apart costs half a second of CPU, which would fall into the window that opens now
        os._exit(code)


def _exit_code(main: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    try:
        main(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped by Ctrl-C: nothing half-written was left, the same command starts again", file=sys.stderr)
        return 130
    return 0
