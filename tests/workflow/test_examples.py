"""Every example that `isojoule COMMAND --help` shows, run where a study is finished."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from isojoule.cli import main

# what the examples call the demo's, and what the finished study has in place of it
NAMES = {"config/demo.yaml": "study.yaml", "results/demo": "results/tiny", "mlp-1x64": "mlp-1x4"}

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
    return copied(tmp_path_factory.mktemp("examples"))


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
