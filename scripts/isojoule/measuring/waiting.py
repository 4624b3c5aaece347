"""How the threads of a computation on the CPU wait for each other: those that spin use CPU time, and do no work."""

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

from isojoule.configuration.every_study import Gpu as Entry
from isojoule.energy.rapl import POWERCAP, Rapl

# whoever set one of these has decided how threads wait
DECIDING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def without_spinning(
    entry: Entry, environment: MutableMapping[str, str] = os.environ, powercap: Path = POWERCAP
) -> None:
    """Let threads wait without spinning where CPU time stands for energy.

    Beside other programs, a thread that is held up makes the others spin for many times the CPU time of the work. A CPU
    that RAPL reads is measured as it is. The variable is read when torch is imported, and stands in the record.

    Args:
        entry: where the job computes.
        environment: variables of this process.
        powercap: folder where the kernel shows RAPL.
    """
    is_late = environment is os.environ and "torch" in sys.modules
    if entry.device != "cpu" or entry.threads == 1 or is_late or any(name in environment for name in DECIDING):
        return
    if Rapl(powercap).why_not is not None:
        environment["OMP_WAIT_POLICY"] = "passive"
