"""The CPU time of work that is done again and again, as if nothing disturbed it.

Whatever shares a core or its caches with the work, another program or another virtual machine, slows it for seconds or
for milliseconds at a time, and so only ever adds to its CPU time. The stretch with the least is nearest to the work
itself, and the shorter the stretches are, the more of them nothing disturbed.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from itertools import pairwise

# long beside what a reading of the time takes, which is in the stretch, and short beside the disturbances
STRETCH_S = 0.01
# how many steps of the clock a stretch has at least, so that a step is 1 % of it
STEPS = 100


class Stretches:
    """The stretches of a window: each is some whole repetitions of the same work, or a piece of a long repetition.

    A long repetition is cut at the ends of its parts, from the second one on. Pieces of parts of the same kinds, in the
    same order, are the same work, wherever in the repetition they are.

    Args:
        cpu_s: returns the CPU time used so far, in seconds.
        began_s: the time when the work begins, in seconds.
        began_cpu_s: the CPU time used then.
        clock_step_s: by how much `cpu_s` rises at once, at least, in seconds.

    Attributes:
        least_s: least CPU time of a repetition so far, by the stretches; none before the first one ended, and where the
            CPU time of a stretch was lost with a child that nobody heard of at its end, or the parts were not those of
            the first repetition.
    """

    def __init__(
        self, cpu_s: Callable[[], float], began_s: float, began_cpu_s: float, clock_step_s: float = 0.0
    ) -> None:
        self.least_s: float | None = None
        self._cpu_s, self._stretch_s = cpu_s, max(STRETCH_S, STEPS * clock_step_s)
        self._is_whole, self._is_first = True, True
        self._began_s, self._began_cpu_s, self._repetitions = began_s, began_cpu_s, 0
        self._kinds: list[Hashable] = []
        # the pieces of a repetition by the number of parts at their end; none where a repetition is not cut
        self._pieces: dict[int, Hashable] = {}
        self._of_piece_s: dict[Hashable, float] = {}
        self._counts: Counter[Hashable] = Counter()
        self._parts = 0

    def part_done(self, kind: Hashable) -> None:
        """Note that a part of a repetition is done, and with it all work since the part before.

        Args:
            kind: of the part; parts of the same kind are the same work.
        """
        if self._is_first:
            self._kinds.append(kind)
            return
        self._parts += 1
        if (piece := self._pieces.get(self._parts)) is not None:
            used_s = self._used_s()
            self._of_piece_s[piece] = min(used_s, self._of_piece_s.get(piece, used_s))

    def repeated(self, now_s: float) -> None:
        """Note that the work was done once more, and end the stretch where it is long enough.

        Args:
            now_s: the time, in seconds.
        """
        self._repetitions += 1
        if self._pieces:
            self._is_whole = self._is_whole and self._parts == len(self._kinds)
            self._parts = 0
            self._note(sum(self._of_piece_s.get(piece, 0.0) * count for piece, count in self._counts.items()))
            return
        lasts_s = now_s - self._began_s
        if lasts_s >= self._stretch_s:
            used_s, repetitions = self._used_s(), self._repetitions
            self._began_s, self._repetitions = now_s, 0
            self._note(used_s / repetitions)
            if self._is_first:
                self._cut(min(lasts_s, used_s))
        self._is_first = False

    def _cut(self, lasts_s: float) -> None:
        """Choose where the repetitions after the first end a piece, each of about the same number of parts."""
        count = min(int(lasts_s / self._stretch_s), len(self._kinds))
        if count > 1:
            ends = [round(number * len(self._kinds) / count) for number in range(count + 1)]
            self._pieces = {end: tuple(self._kinds[begin:end]) for begin, end in pairwise(ends)}
            self._counts = Counter(self._pieces.values())

    def _used_s(self) -> float:
        """Return the CPU time since this was last called."""
        before_s, self._began_cpu_s = self._began_cpu_s, self._cpu_s()
        used_s = self._began_cpu_s - before_s
        self._is_whole = self._is_whole and used_s > 0
        return used_s

    def _note(self, of_one_s: float) -> None:
        self.least_s = min(of_one_s, self.least_s or of_one_s) if self._is_whole else None
