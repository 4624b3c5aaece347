"""The CPU time of work that does the same again and again, as if nothing disturbed it.

Whatever shares a core or its caches with the work, another program or another virtual machine, slows it for seconds or
for milliseconds at a time, and so only ever adds to its CPU time. The stretch with the least is nearest to the work
itself, and the shorter the stretches are, the more of them nothing disturbed.
"""

from collections import Counter
from collections.abc import Callable, Hashable

# long beside what a reading of the time takes, which is in the stretch, and short beside the disturbances
STRETCH_S = 0.01
# how many steps of the clock a stretch has at least, so that a step is 1 % of it
STEPS = 100


class Stretches:
    """The stretches of a window: each is one or more whole repetitions of the work, or a piece of a long repetition.

    A repetition that lasts longer than a stretch is cut after every so many of its parts. Pieces that hold equally many
    parts of each kind are the same work, wherever they are.

    Args:
        cpu_s: returns the CPU time used so far, in seconds.
        began_s: the time when the work begins, in seconds.
        began_cpu_s: the CPU time used then.
        clock_step_s: by how much `cpu_s` rises at once, at least, in seconds.

    Attributes:
        least_s: least CPU time of a repetition so far, by the stretches; none before there were two to compare, and
            where CPU time was lost with a child that nobody heard of at its end, or the parts were not those of the
            first repetition.
    """

    def __init__(
        self, cpu_s: Callable[[], float], began_s: float, began_cpu_s: float, clock_step_s: float = 0.0
    ) -> None:
        self.least_s: float | None = None
        self._cpu_s, self._stretch_s = cpu_s, max(STRETCH_S, STEPS * clock_step_s)
        self._is_whole, self._is_first = True, True
        self._began_s, self._began_cpu_s, self._repetitions = began_s, began_cpu_s, 0
        # parts of a piece that is not the last of its repetition; none where a repetition is not cut
        self._parts: int | None = None
        self._kinds: Counter[Hashable] = Counter()
        self._in_piece = 0
        self._pieces: Counter[Hashable] = Counter()
        self._of_first: Counter[Hashable] | None = None
        self._of_piece_s: dict[Hashable, float] = {}
        self._of_one_s, self._stretches = 0.0, 0

    def part_done(self, kind: Hashable, now_s: float) -> None:
        """Note that a part of a repetition is done, and with it all work since the part before.

        Args:
            kind: of the part; parts of the same kind are the same work.
            now_s: the time, in seconds.
        """
        if self._parts is None and not self._is_first:
            return
        self._kinds[kind] += 1
        self._in_piece += 1
        if self._parts is None and self._is_long(now_s):
            self._parts = self._in_piece
        if self._in_piece == self._parts:
            self._end_piece()

    def repeated(self, now_s: float) -> None:
        """Note that the work was done once more, and end the stretch where it is long enough.

        Args:
            now_s: the time, in seconds.
        """
        self._repetitions += 1
        self._is_first = False
        if self._parts is not None:
            # what follows the last whole piece, be it only the way out of the repetition
            self._end_piece()
            self._of_first = self._of_first or self._pieces
            self._is_whole = self._is_whole and self._pieces == self._of_first
            self._note(sum(self._of_piece_s[piece] * count for piece, count in self._pieces.items()))
            self._pieces = Counter()
        elif self._is_long(now_s):
            self._stretches += 1
            self._note(self._used_s() / self._repetitions)
            self._began_s, self._repetitions = now_s, 0

    def _end_piece(self) -> None:
        piece, used_s = frozenset(self._kinds.items()), self._used_s()
        self._of_piece_s[piece] = min(used_s, self._of_piece_s.get(piece, used_s))
        self._pieces[piece] += 1
        self._stretches += 1
        self._kinds, self._in_piece = Counter(), 0

    def _is_long(self, now_s: float) -> bool:
        """Say whether the stretch is long enough, also by its CPU time, which waits do not add to."""
        if now_s - self._began_s < self._stretch_s:
            return False
        used_s = self._cpu_s() - self._began_cpu_s
        self._is_whole = self._is_whole and used_s >= 0
        return used_s >= self._stretch_s

    def _used_s(self) -> float:
        """Return the CPU time since this was last called."""
        before_s, self._began_cpu_s = self._began_cpu_s, self._cpu_s()
        used_s = self._began_cpu_s - before_s
        self._is_whole = self._is_whole and used_s >= 0
        return used_s

    def _note(self, of_one_s: float) -> None:
        self._of_one_s = min(of_one_s, self._of_one_s or of_one_s)
        self.least_s = self._of_one_s if self._is_whole and self._stretches > 1 else None
