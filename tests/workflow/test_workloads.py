"""Other workloads than tagging, from data to figures: WaveFlow, and a toy that only this test knows."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import soundfile
import warm
import yaml
from commands import isojoule

from isojoule import readable

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
ENERGY = {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100}
WAVEFLOW = {
    "study": "tiny",
    "workload": "waveflow",
    "dataset": {"source": "synthetic", "clips": 5, "test_clips": 2},
    "mel": {
        **{"sample_rate_hz": 8000, "n_fft": 1024, "win_length": 1024, "hop_length": 256},
        **{"window": "hann", "n_mels": 20, "f_min_hz": 0, "f_max_hz": 4000},
    },
    "architectures": {
        "waveflow": [{"height": 8, "channels": 4, "flows": 2, "layers": 2, "train_steps": 2000}],
        "custom": [{"name": "mine", "model": "my_flow:Mine", "arguments": {"channels": 3}, "train_steps": 2000}],
    },
    "gpus": {"cpu": {"device": "cpu", "devices": 2}},
    "phases": {"train": {"steps": 20}, "test": {"clips": 2, "clip_s": 0.25}},
    "repeats": 1,
    "batch_size": 2,
    "segment_frames": 4,
    "optimizer": {"name": "adam", "learning_rate": 2e-4},
    "energy": ENERGY,
    "analysis": {"quality_table": "opinions.csv"},
}
CUSTOM = """
from isojoule.workloads.waveflow.model import WaveFlow


class Mine(WaveFlow):
    def __init__(self, channels):
        super().__init__(height=8, channels=channels, n_mels=20, flows=2, layers=1)
"""
TOY = {
    "__init__.py": "",
    "description/__init__.py": """
from typing import Annotated, Literal

from pydantic import Field

from isojoule.configuration.fields import Count
from isojoule.workloads import interface
from isojoule.workloads.interface import Architecture, Extent


class Configuration(interface.Configuration):
    MODELS = ("isojoule.workloads.toy.model",)
    QUALITIES = ("log_likelihood_nats",)
    FEATURES = ("points.npy",)

    workload: Literal["toy"]
    points: Annotated[int, Field(ge=8)]
    architectures: list[Count]

    def expand_architectures(self):
        model = f"{self.MODELS[0]}:Line"
        return [Architecture(f"line-{width}", "line", model, {"width": width}) for width in self.architectures]

    def dataset_settings(self):
        return {"points": self.points}

    features_settings = session_settings = dataset_settings

    def shown_settings(self):
        return {}

    def compute_settings(self):
        return {"batch_size": 4, "optimizer": "sgd"}

    def extent(self, results):
        return Extent(dict.fromkeys(("train", "test"), self.points), 0, "points")

    def steps(self, phase, examples):
        return 1
""",
    "model.py": """
from torch import nn


class Line(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.Linear(2, width), nn.Linear(width, 1))
""",
    "dataset.py": """
def prepare_study(configuration, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.tsv").write_text("point\\n" * configuration.points)
    return "points"
""",
    "extraction.py": """
import numpy as np

from isojoule.files import write_json


def extract_study(configuration, dataset, folder, workers):
    count = len((dataset / "manifest.tsv").read_text().splitlines())
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "points.npy", np.random.default_rng(0).normal(size=(count, 3)).astype("float32"))
    write_json(folder / "statistics.json", {"fingerprint": str(count)})
    return count
""",
    "example.py": """
import torch
from torch.nn.functional import mse_loss as loss


def example(settings, batch_size, device):
    return (torch.zeros(batch_size, 2, device=device),), torch.zeros(batch_size, 1, device=device)
""",
    "sessions.py": """
import numpy as np
import torch

from isojoule.records.measurement import Work


class Session:
    flags = ()

    def __init__(self, model, configuration, phase, features, device):
        self.model, self.phase = model, phase
        self.points = torch.from_numpy(np.load(features / "points.npy"))
        self.work = Work(steps=1, samples=len(self.points), batch_size=len(self.points))

    def example(self):
        return (self.points[:, :2],), self.points[:, 2:]

    def run(self, part_done=None):
        self.error = (self.model(self.points[:, :2]) - self.points[:, 2:]).square().mean()
        if self.phase == "train":
            self.error.backward()

    warm_up = run

    def settle(self):
        pass

    def keep(self, folder):
        pass

    def close(self):
        pass

    def progress(self):
        return "step 0/1"

    def loss(self):
        return float(self.error)

    def quality(self):
        return {"log_likelihood_nats": -self.loss()} if self.phase == "test" else {}
""",
}


def run(folder, study, *targets, project=PROJECT):
    """A study run as far as these files, or to its end."""
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    words = ["-s", project / "Snakefile", "--cores", "2", "--configfile", "study.yaml", "--", *targets]
    environment = {**ENVIRONMENT, "PYTHONPATH": str(project / "scripts")}
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *map(str, words)],
        cwd=folder, env=warm.started(environment), text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def waveflow(tmp_path_factory):
    """A folder in which a tiny study of WaveFlow was run to its fronts."""
    folder = tmp_path_factory.mktemp("waveflow")
    (folder / "opinions.csv").write_text("architecture,mean_opinion_score\nmine,3.5\nwaveflow-h8-r4-2x2,4.0\n")
    (folder / "my_flow.py").write_text(CUSTOM)
    targets = [f"results/tiny/{name}" for name in ("pareto/fronts.csv", "tables/energy.csv", "report.html")]
    ended = run(folder, WAVEFLOW, *targets)
    assert ended.returncode == 0, ended.stdout
    return folder


def test_waveflow_carries_what_was_measured_to_the_whole(waveflow):
    results = waveflow / "results" / "tiny"
    frame = pd.read_parquet(results / "measurements.parquet").set_index(["architecture", "phase"])
    assert len(frame) == 4
    assert (frame["energy_kind"] == "estimated").all()
    assert frame["flags"].str.contains("extrapolated").all()
    train, test = (frame.xs(phase, level="phase") for phase in ("train", "test"))
    assert (train["measured_steps"] == 20).all()
    assert (train["steps"] == 2000).all()
    # mel frames are whole, so that a clip of 0.25 s is 8 of them
    clips_s = 2 * 8 * 256 / 8000
    for of_phase, times in ((train, 100), (test, 100 / clips_s)):
        for name in ("energy_kwh", "duration_s"):
            assert of_phase[name].to_numpy() == pytest.approx(times * of_phase[f"measured_{name}"].to_numpy())
    assert test["audio_s"].to_numpy() == pytest.approx(100)
    assert test["real_time_factor"].to_numpy() == pytest.approx(clips_s / test["measured_duration_s"].to_numpy())
    # its repetitions are long enough for the kernel's clock
    assert (train["carried_low_kwh"].to_numpy() < train["energy_kwh"].to_numpy()).all()
    assert (train["energy_kwh"].to_numpy() < train["carried_high_kwh"].to_numpy()).all()
    assert (frame["repetitions"] >= 5).all()
    assert (frame["measured_energy_kind"] == "estimated").all()
    in_windows_kwh = (frame["measured_energy_kwh"] * frame["repetitions"]).sum()
    assert readable.shown(in_windows_kwh, "kWh") in (results / "report.html").read_text()
    assert (set(train["devices"]), set(test["devices"])) == ({2}, {1})


def test_a_record_tells_what_was_measured_from_what_is_extrapolated(waveflow):
    results = waveflow / "results" / "tiny"
    record = json.loads((results / "records" / "cpu" / "mine" / "train-0.json").read_text())
    whole, part_kwh = record["extrapolated"], record["energy"]["cpu"]["energy_kwh"]
    assert (record["work"]["steps"], whole["steps"], whole["kind"]) == (20, 2000, "estimated")
    assert whole["energy_kwh"] == pytest.approx(100 * part_kwh)
    frame = pd.read_parquet(results / "measurements.parquet").set_index(["architecture", "phase"])
    row = frame.loc[("mine", "train")]
    assert (row["energy_kwh"], row["measured_energy_kwh"]) == (whole["energy_kwh"], part_kwh)
    assert (row["carried_low_kwh"], row["carried_high_kwh"]) == (whole["low_kwh"], whole["high_kwh"])


def test_waveflow_leaves_audio_qualities_and_fronts(waveflow):
    results = waveflow / "results" / "tiny"
    samples, rate_hz = soundfile.read(results / "products" / "cpu" / "waveflow-h8-r4-2x2-0" / "01.wav")
    assert (rate_hz, len(samples)) == (8000, 8 * 256)
    frame = pd.read_parquet(results / "measurements.parquet").set_index(["architecture", "phase"])
    assert frame.loc[("waveflow-h8-r4-2x2", "test"), "mean_opinion_score"] == 4
    assert pd.isna(frame.loc[("waveflow-h8-r4-2x2", "train"), "mean_opinion_score"])
    fronts = pd.read_csv(results / "pareto" / "fronts.csv")
    assert set(fronts["quality"]) == {"mean_opinion_score"}, "the likelihood is that of a training of twenty steps"
    assert frame["log_likelihood_nats"].isna().all()
    record = json.loads((results / "records" / "cpu" / "waveflow-h8-r4-2x2" / "test-0.json").read_text())
    assert set(record["quality"]) == {"log_likelihood_nats", "spectral_distance_db"}
    energy = pd.read_csv(results / "tables" / "energy.csv")
    assert "macro_f1_mean" not in energy
    assert energy["mean_opinion_score_mean"].dropna().tolist() == [3.5, 4.0]
    assert "Mean opinion score" in (results / "report.html").read_text()


def test_a_longer_training_measures_nothing_again(waveflow):
    grids = {family: [{**grids[0], "train_steps": 3000}] for family, grids in WAVEFLOW["architectures"].items()}
    longer = {**WAVEFLOW, "architectures": grids}
    before = sorted((waveflow / "results" / "tiny" / "attempts").rglob("*.json"))
    ended = run(waveflow, longer, "results/tiny/measurements.csv")
    assert ended.returncode == 0, ended.stdout
    assert sorted((waveflow / "results" / "tiny" / "attempts").rglob("*.json")) == before
    frame = pd.read_csv(waveflow / "results" / "tiny" / "measurements.csv")
    assert (frame.loc[frame["phase"] == "train", "steps"] == 3000).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "architecture,mean_opinion_score\nwaveflow-h9,4\n",
            "column architecture: found waveflow-h9 in line 2, expected an architecture of this study",
        ),
        (
            "architecture,score\nmine,4\n",
            "found the columns architecture, score, expected architecture and",
        ),
        (
            "architecture,mean_opinion_score\nmine,good\n",
            "column mean_opinion_score: found good in line 2, expected a number",
        ),
        (
            "architecture,mean_opinion_score\nmine,400\n",
            "column mean_opinion_score: found 400 in line 2, expected 1 to 5",
        ),
        (
            "architecture,macro_f1\nmine,0.5\n",
            "found the columns architecture, macro_f1, expected",
        ),
        (
            "architecture,mean_opinion_score\n,4\nzz,3\n",
            "column architecture: found nothing in line 2, expected its name in every row",
        ),
    ],
)
def test_a_wrong_table_of_opinions_is_refused(waveflow, tmp_path, text, message):
    shutil.copytree(waveflow, tmp_path / "study")
    (tmp_path / "study" / "opinions.csv").write_text(text)
    results = ("--results", "results/tiny", "--output", "results/tiny/again.parquet")
    ended = isojoule("aggregate", "--config", "study.yaml", *results, cwd=tmp_path / "study")
    assert ended.returncode == 2
    assert message in ended.stderr


def test_a_third_workload_is_a_folder(tmp_path):
    for name in ("scripts", "workflow", "profiles", "reference"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(PROJECT / name, tmp_path / "project" / name, ignore=ignored, symlinks=True)
    shutil.copy(PROJECT / "Snakefile", tmp_path / "project")
    package = tmp_path / "project" / "scripts" / "isojoule" / "workloads" / "toy"
    for name, text in TOY.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    study = {
        **{"study": "tiny", "workload": "toy", "points": 16, "architectures": [2, 3, 4]},
        **{"gpus": {"cpu": {"device": "cpu"}}, "phases": {"train": {}, "test": {}}, "repeats": 1, "energy": ENERGY},
    }
    (tmp_path / "study").mkdir()
    targets = ["results/tiny/pareto/fronts.csv", "results/tiny/figures/energy-quality.png"]
    ended = run(tmp_path / "study", study, *targets, project=tmp_path / "project")
    assert ended.returncode == 0, ended.stdout
    frame = pd.read_parquet(tmp_path / "study" / "results" / "tiny" / "measurements.parquet")
    assert set(frame["architecture"]) == {"line-2", "line-3", "line-4"}
    assert (frame["workload"] == "toy").all()
    assert frame["params"].tolist()[:2] == [2 * 2 + 2 + 2 + 1] * 2
    assert frame.loc[frame["phase"] == "test", "log_likelihood_nats"].notna().all()
    assert (tmp_path / "study" / targets[1]).stat().st_size > 10_000
