"""A study in which cells come to nothing has its table, figures and report all the same, and says what is missing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import warm
import yaml

from isojoule.figures import captions
from isojoule.measuring.block import shuffled

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    # the board is missing on a machine that has one as well
    "CUDA_VISIBLE_DEVICES": "",
}
RESULTS = Path("results") / "tiny"
# one fails in every training, as a norm over a batch of one does; one kills its whole job where two threads compute
NETWORKS = """
import os
import signal

import torch
from torch import nn


class Normed(nn.Sequential):
    def __init__(self):
        super().__init__(nn.AdaptiveAvgPool2d((16, 2)), nn.Flatten(), nn.BatchNorm1d(32), nn.Linear(32, 10))

    def forward(self, clips):
        return super().forward(clips[:1] if self.training else clips)


class Deadly(nn.Sequential):
    def __init__(self):
        super().__init__(nn.AdaptiveAvgPool2d((16, 2)), nn.Flatten(), nn.Linear(32, 10))

    def forward(self, clips):
        if torch.get_num_threads() == 2 and "measure" in os.sys.argv:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(clips)
"""


def snakemake(folder, *arguments, **environment):
    command = [sys.executable, "-m", "snakemake", "-s", PROJECT / "Snakefile", "--configfile", "study.yaml", *arguments]
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=warm.started(ENVIRONMENT | environment), text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def attempts(folder):
    """The cells of every attempt that ended."""
    root = folder / RESULTS / "attempts"
    return sorted(str(path.relative_to(root)).split(".")[0] for path in root.rglob("*.*.json"))


@pytest.fixture(scope="module")
def broken(tiny, copied, tmp_path_factory):
    """The finished study with a board missing, an architecture that fails, and a third of a participant's cells lost.

    Another architecture kills the job of this participant, so that it measures nothing of what comes behind.
    """
    folder = copied(tmp_path_factory.mktemp("broken"))
    (folder / "networks.py").write_text(NETWORKS)
    custom = [{"name": name.lower(), "model": f"networks:{name}", "arguments": {}} for name in ("Normed", "Deadly")]
    architectures = tiny["architectures"] | {"custom": [*tiny["architectures"]["custom"], *custom]}
    gpus = tiny["gpus"] | {"board": {"device": "cuda", "device_name": "Tesla T4"}}
    (folder / "study.yaml").write_text(yaml.safe_dump({**tiny, "architectures": architectures, "gpus": gpus}))
    order = shuffled(["mlp-1x4", "mlp-1x5", "cnn-1x2", "rnn-1x4", "mine", "normed", "deadly"], 0, "cpu-2threads", 0)
    lost = [name for name in order[order.index("deadly") :] if name not in ("normed", "deadly")][:2]
    for name in lost:
        for part in ("records", "attempts"):
            shutil.rmtree(folder / RESULTS / part / "cpu-2threads" / name)
    before = {path: path.read_bytes() for path in (folder / RESULTS / "records").rglob("*.json")}
    run = snakemake(folder)
    assert run.returncode == 1, run.stdout
    assert {path: path.read_bytes() for path in before} == before
    return folder, run.stdout, lost


def test_a_study_as_it_is_measures_nothing(copied, tmp_path):
    folder = copied(tmp_path)
    for part in ("records", "attempts"):
        shutil.rmtree(folder / RESULTS / part / "cpu-2threads")
    run = snakemake(folder, "-n", ISOJOULE_AS_IT_IS="1")
    assert run.returncode == 0, run.stdout
    assert "aggregate" in run.stdout
    assert not re.search(r"^measure\b", run.stdout.split("Job stats:")[1], re.MULTILINE)


def test_every_cell_without_an_energy_is_in_the_table(broken):
    folder, _, lost = broken
    frame = pd.read_csv(folder / RESULTS / "measurements.csv").set_index(["gpu", "architecture", "phase"])
    assert len(frame) == 3 * 7 * 2
    outcomes = frame["outcome"]
    assert set(outcomes["board"].unstack()["train"]) == {"refused"}
    assert outcomes["cpu-1thread", "normed", "train"] == "failed"
    assert outcomes["cpu-2threads", "deadly", "train"] == "lost"
    assert {outcomes["cpu-2threads", name, "test"] for name in lost} == {"missing"}
    assert (outcomes == "ok").sum() == 2 * 5 * 2 - 2 * len(lost) + 2
    # it cannot be counted either
    assert frame["params"].unstack(["gpu", "phase"]).loc["normed"].isna().all()


def test_every_figure_with_data_is_drawn_and_the_report_names_what_it_lacks(broken):
    folder, _, lost = broken
    page = (folder / RESULTS / "report.html").read_text()
    for name in captions.STUDY:
        assert (folder / RESULTS / "figures" / f"{name}.svg").stat().st_size > 5000
        assert (f'id="figure-{name}"' in page) == (name not in ("energy-utilization", "pareto-normalized"))
    # the only GPU refused all of its cells, and only three networks are left on both CPUs
    assert (
        "<p>Not drawn: Fronts of normalized energy (No front: nothing has both a quality and such an energy); "
        "Energy against utilisation (This study has no utilisation of a GPU).</p>"
    ) in page
    top = page.split("<nav")[0]
    assert "42 cells" in " ".join(top.split())
    assert "<li>board: all of 14 cells (7 refused, 7 missing)</li>" in top
    assert "<li>normed: all of 4 cells (3 missing, 1 failed)</li>" in top
    assert "<li>deadly on cpu-2threads: 2 of 2 cells (1 lost, 1 missing)</li>" in top
    for name in lost:
        assert f"<li>{name} on cpu-2threads: 2 of 2 cells (2 missing)</li>" in top


def test_the_last_line_says_what_is_missing_and_what_to_do(broken):
    _, said, lost = broken
    last = said.strip().splitlines()[-1]
    assert last.startswith(f"{20 + 2 * len(lost)} of 42 cells have no result (")
    assert "the command that measured goes on with these alone" in last
    assert said.count("refused: gpus.board: found no CUDA device") == 1


def test_the_same_command_measures_what_is_missing_and_nothing_else(broken):
    """Behind the other tests: the network is mended, and the board is taken out."""
    folder, _, lost = broken
    before = attempts(folder)
    mended = NETWORKS.replace("clips[:1] if self.training else clips", "clips").replace("SIGKILL", "SIGCONT")
    (folder / "networks.py").write_text(mended)
    content = yaml.safe_load((folder / "study.yaml").read_text())
    del content["gpus"]["board"]
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    run = snakemake(folder, "--", str(RESULTS / "measurements.csv"))
    assert run.returncode == 0, run.stdout
    assert set(pd.read_csv(folder / RESULTS / "measurements.csv")["outcome"]) == {"ok"}
    again = attempts(folder)
    for cell in before:
        again.remove(cell)
    assert {cell.split("/")[1] for cell in again} == {"normed", "deadly", *lost}
    assert {cell.split("/")[1] for cell in again if "cpu-1thread" in cell} == {"normed", "deadly"}
