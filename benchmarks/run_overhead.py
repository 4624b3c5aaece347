"""What `isojoule run` takes of the CPU while the program of somebody runs.

    python benchmarks run_overhead

The program that is measured only sleeps, and looks at the CPU time of its parent, which is the meter. Start and end of
the meter are outside of the window, and not in the figure.
"""

import sys
import tempfile
from pathlib import Path

from suite import PROJECT, Row, command

SLEPT_S = 20
PROGRAM = """
import sys, time, psutil
meter = psutil.Process().parent()
before = meter.cpu_times()
time.sleep(float(sys.argv[1]))
after = meter.cpu_times()
open("used", "w").write(str(after.user + after.system - before.user - before.system))
"""


def measure(rounds: int) -> list[Row]:
    """CPU time of the meter beside the time that the program runs."""
    used_s = [meter_cpu_s() for _ in range(rounds)]
    return [Row("isojoule run, CPU time of the meter", used_s, "the program", [SLEPT_S], "s", "<= 0.005")]


def meter_cpu_s() -> float:
    """CPU time of `isojoule run` while a program sleeps."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "isojoule", "run", "--output", "run.json", "--"]
        words += [sys.executable, "-c", PROGRAM, str(SLEPT_S)]
        command(words, Path(folder), PYTHONPATH=str(PROJECT / "scripts"))
        return float((Path(folder) / "used").read_text())
