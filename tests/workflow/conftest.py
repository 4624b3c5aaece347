"""One finished study for all tests of the workflow, which takes a minute to run."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hostile
import pytest
import yaml

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
NETWORK = """
from torch import nn


class MyNet(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.AdaptiveAvgPool2d((16, 2)), nn.Flatten(), nn.Linear(32, width), nn.Linear(width, 10))
"""


def watched(home):
    """An environment with CodeCarbon's worst settings, in which `home` has a log of every socket that is connected."""
    home.mkdir()
    hostile.write(home)
    paths = [str(PROJECT / "tests" / "no_sockets"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **ENVIRONMENT,
        **hostile.variables(),
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join(paths),
        "SOCKETS_LOG": str(home / "sockets.log"),
    }


@pytest.fixture(scope="session")
def tiny():
    """The smallest study with every part of the demo: three families, a model of the user, two platforms."""
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    return content | {
        "study": "tiny",
        "dataset": {"source": "synthetic", "train_clips": 24, "test_clips": 20},
        "architectures": {
            "mlp": [{"layers": 1, "hidden": [4, 5]}],
            "cnn": [{"layers": 1, "hidden": 2}],
            "rnn": [{"layers": 1, "hidden": 4}],
            "custom": [{"name": "mine", "model": "my_net:MyNet", "arguments": {"width": 3}}],
        },
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100},
        "repeats": 1,
        "normalization": {"splits": {"number": 2}, "draws": 2},
    }


@pytest.fixture(scope="session")
def whole(tmp_path_factory, tiny):
    """A folder in which that study was run from nothing to its report: to be copied, never to be changed.

    The first of the processes that run the tests makes it for all of them; what the run said is in `run.log`.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "whole"
    folder.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "run.log").exists():
            (folder / "study.yaml").write_text(yaml.safe_dump(tiny))
            (folder / "my_net.py").write_text(NETWORK)
            run = subprocess.run(
                [sys.executable, "-m", "snakemake", "-s", PROJECT / "Snakefile", "--configfile", "study.yaml"],
                cwd=folder, env=watched(folder.with_name("home")), text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            (folder / "run.log").write_text(f"{run.stdout}\nexit code {run.returncode}\n")
    said = (folder / "run.log").read_text()
    assert said.endswith("exit code 0\n"), said
    return folder


@pytest.fixture(scope="session")
def copied(whole):
    """Copy the finished study, or some folders of its results, to another folder."""

    def copied(folder, *parts):
        if not parts:
            shutil.copytree(whole, folder, symlinks=True, dirs_exist_ok=True)
        for part in parts:
            shutil.copytree(whole / "results" / "tiny" / part, folder / "results" / "tiny" / part)
        return folder

    return copied
