"""Measure how long a user waits for the help of `isojoule`, beside the 0.3 s that it may take.

python benchmarks command
"""

import sys

from suite import PROJECT, Row, command

LIMIT_S = 0.3


def measure(rounds: int) -> list[Row]:
    """Time the overview of all commands, and the help of a single one."""
    rows = []
    for words in (["--help"], ["normalize", "--help"]):
        line = [sys.executable, "-m", "isojoule", *words]
        ours_s = [float(command(line, PROJECT).wall_s) for _ in range(2 * rounds)]
        rows.append(Row(f"`isojoule {' '.join(words)}`", ours_s, "what a user does not notice", [LIMIT_S], "s", "<= 1"))
    return rows
