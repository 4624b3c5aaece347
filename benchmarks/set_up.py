"""Measure how long the set-up of a fresh clone takes, and how many lines it prints.

    python benchmarks set_up --rounds 1

Every round clones the commit that is checked out, and sets it up there as `make install` does. That takes the network
or a server of packages, and 6 GB of disk for the time being. It is held against the time that the set-up promises.
"""

import importlib.util
import subprocess
import tempfile
from pathlib import Path
from types import ModuleType

from demo import cloned
from suite import PROJECT, Row, timed

MOST_LINES = 10


def measure(rounds: int) -> list[Row]:
    """Set up as often as asked, and hold times and lines against what is promised."""
    promised_s = sum(step.took_s for step in program().steps())
    durations_s, lines = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as temporary:
            folder, printed = cloned(Path(temporary)), []
            durations_s.append(timed(lambda folder=folder, printed=printed: printed.extend(set_up(folder))))
            lines.append(len(printed))
    return [
        Row("set-up of a fresh clone", durations_s, "what it promises on two cores", [promised_s], "s"),
        Row("lines that it prints", lines, "allowed lines", [MOST_LINES], "", "<= 1"),
    ]


def program() -> ModuleType:
    """Import the program that sets up, which is in no package."""
    spec = importlib.util.spec_from_file_location("install", PROJECT / "envs" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def set_up(folder: Path) -> list[str]:
    """Set up a clone, and return the lines that the user sees."""
    words = ["make", "install"]
    ended = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout.splitlines()
