"""Show in a terminal how far long work is, tables in aligned columns, and lists no longer than a screen."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from isojoule.errors import InputError

PERIOD_S = 10.0
SHOWN = 20


@contextmanager
def heartbeat(progress: Callable[[], str], period_s: float = PERIOD_S) -> Iterator[None]:
    """Print the seconds so far and `progress()` to stderr, every `period_s` until the end of the `with`."""
    ended = threading.Event()
    started_s = time.perf_counter()

    def beat() -> None:
        while not ended.wait(period_s):
            try:
                words = progress()
            except InputError:
                # the work goes on, and whoever needs the reading says what was wrong with it
                words = "how far it is cannot be read at this moment"
            print(f"{time.perf_counter() - started_s:.0f} s: {words}", file=sys.stderr, flush=True)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows as lines, in which every column is as wide as its widest text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def listed(lines: Sequence[str]) -> str:
    """Return the first twenty lines, one below the other, and how many more there are."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n       ".join([*lines[:SHOWN], *more])
