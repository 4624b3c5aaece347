"""A sign of life on long work: one line every ten seconds, from a thread that sleeps in between."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PERIOD_S = 10.0


@contextmanager
def heartbeat(progress: Callable[[], str], period_s: float = PERIOD_S) -> Iterator[None]:
    """Print the seconds so far and `progress()` to stderr, every `period_s` until the end of the `with`."""
    ended = threading.Event()
    started_s = time.perf_counter()

    def beat() -> None:
        while not ended.wait(period_s):
            print(f"{time.perf_counter() - started_s:.0f} s: {progress()}", file=sys.stderr, flush=True)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
