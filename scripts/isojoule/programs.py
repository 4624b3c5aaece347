"""What every stage program does alike: its help, its words on bad input, its exit codes."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from isojoule.errors import InputError


def command_line(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the program's own docstring, with defaults shown."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> NoReturn:
    """Parse the command line, call `main`, and leave with exit code 0, 2 (bad input) or 130 (Ctrl-C)."""
    try:
        main(parser.parse_args())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped by Ctrl-C; nothing half-written was left, run the same command to continue", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)
