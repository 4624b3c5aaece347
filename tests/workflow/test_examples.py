"""Every example that `isojoule COMMAND --help` shows, run where a study is finished."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from isojoule.cli import main

# what the examples call the demo's, and what the finished study has in place of it
NAMES = {"config/demo.yaml": "study.yaml", "results/demo": "results/tiny", "mlp-1x64": "mlp-1x4"}
NAMES |= {"cnn-2x2": "cnn-1x2", "rnn-1x64": "rnn-1x4"}

# each command in a process of its own, forked from one that has imported the libraries: they take most of the time
RUN = """
import glob, json, os, shlex, subprocess, sys
import matplotlib.figure, pandas, sklearn.metrics, torch
from isojoule.cli import main

for line in json.loads(sys.argv[1]):
    if line.startswith("isojoule ") and not set("|>&") & set(line):
        words = [path for word in shlex.split(line)[1:] for path in (sorted(glob.glob(word)) or [word])]
        if not (child := os.fork()):
            main.main(words)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    else:
        code = subprocess.run(["bash", "-c", line]).returncode
    if code:
        sys.exit(f"{line}: exit code {code}")
"""


def examples(name):
    """The command lines of a command's help, for the finished study."""
    text = (main.load(name).__doc__ or "").replace("\\\n", " ")
    lines = [re.sub(" +", " ", line.strip()) for line in text.splitlines() if line.startswith("    ")]
    for old, new in NAMES.items():
        lines = [line.replace(old, new) for line in lines]
    return lines


@pytest.fixture(scope="module")
def folder(copied, tmp_path_factory):
    folder = copied(tmp_path_factory.mktemp("examples"))
    # a table of somebody's challenge
    columns = "system,energy_training_kwh,energy_test_kwh,energy_baseline_test_kwh"
    columns += "".join(f",{name},{name}_low,{name}_high" for name in ("psds1", "psds2"))
    rows = [f"{name},{name[-1]}.5,0.02,0.032,0.{name[-1]},0.1,0.9,0.5,0.4,0.6" for name in ("baseline-1", "T-2", "T-3")]
    (Path(folder) / "systems.csv").write_text("\n".join([columns, *rows]) + "\n")
    # a table of others, which a reader of the example takes from the project
    energies = Path(folder) / "reference" / "energies"
    energies.mkdir(parents=True)
    description = ["title: t", "source: s", "licence: MIT", "instrument: i", "energy_kind: measured", "phase: test"]
    (energies / "small.yaml").write_text("\n".join(description) + "\n")
    rows = [f"g{gpu},m{number},test,0,{gpu * number / 1000}" for gpu in (1, 2) for number in range(1, 8)]
    (energies / "small.csv").write_text("\n".join(["gpu,architecture,phase,repeat,energy_kwh", *rows]) + "\n")
    # two states of a study
    for state in ("before", "after"):
        shutil.copy(Path(folder) / "results" / "tiny" / "measurements.parquet", Path(folder) / f"{state}.parquet")
    return folder


@pytest.mark.parametrize("purpose", main.COMMANDS)
def test_the_examples_of_the_help_run(folder, purpose):
    lines = [line for name in main.COMMANDS[purpose] for line in examples(name)]
    assert len(lines) >= len(main.COMMANDS[purpose])
    ended = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(lines)],
        cwd=folder,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
