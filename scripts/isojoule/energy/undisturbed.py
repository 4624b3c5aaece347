"""The CPU time of work that is done again and again, as if nothing disturbed it.

Whatever shares a core or its caches with the work, another program or another virtual machine, slows it for seconds at
a time, and so only ever adds to its CPU time. The stretch of the window with the least is nearest to the work itself.
"""

from collections.abc import Callable

# long beside what a reading of the time takes, which is in the stretch, and short beside the disturbances
STRETCH_S = 0.05


class Stretches:
    """The stretches of a window, each of one or more whole repetitions of the same work.

    Args:
        cpu_s: returns the CPU time used so far, in seconds.
        began_s: the time when the work begins, in seconds.
        began_cpu_s: the CPU time used then.

    Attributes:
        least_s: least CPU time of a repetition so far, by the stretches; none before the first one ended, and where the
            CPU time of a stretch was lost with a child that nobody heard of at its end.
    """

    def __init__(self, cpu_s: Callable[[], float], began_s: float, began_cpu_s: float) -> None:
        self.least_s: float | None = None
        self._cpu_s = cpu_s
        self._is_whole = True
        self._began_s, self._began_cpu_s, self._repetitions = began_s, began_cpu_s, 0

    def repeated(self, now_s: float) -> None:
        """Note that the work was done once more, and end the stretch where it is long enough.

        Args:
            now_s: the time, in seconds.
        """
        self._repetitions += 1
        if now_s - self._began_s < STRETCH_S:
            return
        now_cpu_s = self._cpu_s()
        of_one_s = (now_cpu_s - self._began_cpu_s) / self._repetitions
        self._is_whole = self._is_whole and of_one_s > 0
        self.least_s = min(of_one_s, self.least_s or of_one_s) if self._is_whole else None
        self._began_s, self._began_cpu_s, self._repetitions = now_s, now_cpu_s, 0
