"""Every example that `isojoule COMMAND --help` shows, run where a study is finished."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import warm

from isojoule.cli import main

# what the examples call the demo's, and what the finished study has in place of it
NAMES = {"config/demo.yaml": "study.yaml", "results/demo": "results/tiny", "mlp-1x64": "mlp-1x4"}
NAMES |= {"cnn-2x2": "cnn-1x2", "rnn-1x64": "rnn-1x4"}


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
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ended = subprocess.run(
        ["bash", "-exc", "\n".join(lines)],
        cwd=folder, env=warm.started(environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
