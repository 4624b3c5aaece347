"""Counts that stand for what the benchmarks time: what is imported, read, decoded and fitted, and nothing beside it."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from simulated import write_results

from isojoule.normalization.experiment import experiment
from isojoule.normalization.experiment_plan import Plan
from isojoule.normalization.published import PUBLISHED, LeastSquares
from isojoule.normalization.splits import splits
from isojoule.simulation import worlds
from isojoule.study import cells, reading
from isojoule.tables.aggregation import aggregate
from isojoule.workloads import audio
from isojoule.workloads.optimizers import OPTIMIZERS
from isojoule.workloads.tagging.manifest import MANIFEST, Clip, write_manifest

PROJECT = Path(__file__).parents[2]
MEL = reading.load(PROJECT / "config" / "config.yaml").mel

FIRST_WINDOW = """
import json, os, runpy, sys
from isojoule.energy import meter

def stop(self):
    print(json.dumps(sorted(sys.modules)), file=sys.stderr, flush=True)
    os._exit(0)

meter.Meter.__enter__ = stop
runpy.run_module("isojoule", run_name="__main__", alter_sys=True)
"""


# an audit hook stays for good, and a process of its own has no other children
READINGS = """
import os, signal, sys, threading, time
from pathlib import Path
from isojoule.energy import Meter

opened, main = [], threading.get_ident()

def note(event, words):
    if event in ("open", "os.listdir", "os.scandir") and threading.get_ident() == main:
        opened.append(words)

def idle():
    for _ in range(20):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    os.write(pipe[1], b".")
    signal.pause()

sys.addaudithook(note)
children, pipe = [], os.pipe()
for number in (0, 12):
    children += [os.fork() or idle() for _ in range(number)]
    for _ in children:
        os.read(pipe[0], 1)
    fewest = []
    with Meter(powercap=Path(sys.argv[1]), min_window_s=0.01, resolution_percent=100) as window:
        while window.again(3):
            for _ in range(10):
                ends_s = time.process_time() + 0.012
                while time.process_time() < ends_s:
                    pass
                opened.clear()
                window.part_done("step")
                fewest.append(len(opened))
    # other programs of the machine start processes now and then, which might be ours
    print(min(fewest[10:]), flush=True)
for child in children:
    os.kill(child, signal.SIGKILL)
"""


@pytest.fixture
def prepared(tmp_path):
    """A study of one small model with features of noise."""
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    content |= {"architectures": {"mlp": [{"layers": 1, "hidden": 4}]}, "gpus": {"here": {"device": "cpu"}}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    folder = tmp_path / "results" / "features"
    folder.mkdir(parents=True)
    np.save(folder / "features.npy", np.zeros((8, MEL.n_mels, MEL.n_frames), np.float32))
    np.save(folder / "targets.npy", np.eye(8, 10, dtype=np.float32))
    (folder / "statistics.json").write_text(json.dumps({"mean": 0.0, "std": 1.0, "fingerprint": "noise"}))
    write_manifest(folder / MANIFEST, [Clip("none", "train,test", "Dog", 5.0, 44_100, 1)] * 8)
    return tmp_path


def test_a_job_imports_nothing_that_its_windows_do_not_need(prepared):
    measure = ["measure", "--config", "study.yaml", "--gpu", "here", "--results", "results"]
    ended = subprocess.run(
        [sys.executable, "-c", FIRST_WINDOW, *map(str, measure)],
        cwd=prepared, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "scripts")},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    imported = set(json.loads(ended.stderr.splitlines()[-1]))
    assert {"torch", "codecarbon"} <= imported
    heavy = {"torch._dynamo", "torch._inductor", "sympy", "deepspeed", "sklearn", "scipy", "matplotlib", "snakemake"}
    assert not heavy & imported


def test_idle_children_and_their_threads_cost_the_meter_nothing_at_each_part(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", READINGS, str(tmp_path)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(PROJECT / "scripts")},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout.split()) == (0, ["1", "1"]), ended.stderr


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_steps_as_that_of_torch(name):
    weights = []
    for optimizer in (
        OPTIMIZERS[name],
        {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[name],
    ):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 2))
        steps = optimizer(model.parameters(), lr=1e-2)
        for _ in range(5):
            steps.zero_grad(set_to_none=True)
            model(torch.randn(8, 6)).square().sum().backward()
            steps.step()
        weights.append(torch.nn.utils.parameters_to_vector(model.parameters()))
    assert torch.equal(*weights)
    assert weights[0].requires_grad


@pytest.mark.parametrize("seconds", [1, 5, 60])
def test_no_more_of_a_clip_is_decoded_than_its_frames_need(tmp_path, monkeypatch, seconds):
    decoded = []
    read = soundfile.SoundFile.read

    def counted(self, *arguments, **options):
        samples = read(self, *arguments, **options)
        decoded.append(len(samples))
        return samples

    soundfile.write(tmp_path / "clip.wav", np.zeros(seconds * 44_100), 44_100)
    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    audio.decode_beginning(tmp_path / "clip.wav", MEL)
    needed_s = audio.n_samples(MEL) / MEL.sample_rate_hz + audio.MARGIN_S
    assert sum(decoded) == min(seconds * 44_100, int(np.ceil(needed_s * 44_100)))


def test_every_record_is_read_once(tmp_path, monkeypatch, demo):
    number = write_results(demo, tmp_path)
    opened = Counter()
    opening = Path.open

    def counted(self, *arguments, **options):
        opened[self] += 1
        return opening(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", counted)
    assert len(aggregate(demo, tmp_path)) == number
    records = {path: count for path, count in opened.items() if tmp_path / "records" in path.parents}
    assert len(records) == number
    assert set(records.values()) == {1}
    assert sum(opened.values()) == number + len(cells.architectures(demo)) + 1


def test_methods_in_closed_form_are_fitted_once_for_all_random_references(monkeypatch):
    fits = []
    solve = np.linalg.pinv

    def counted(matrices, *arguments, **options):
        fits.append(len(matrices))
        return solve(matrices, *arguments, **options)

    monkeypatch.setattr(np.linalg, "pinv", counted)
    world = worlds.world(0, 2)
    closed = {name: method for name, method in PUBLISHED.items() if isinstance(method(), LeastSquares)}
    calls = []
    for draws in (2, 20):
        fits.clear()
        plan = Plan(closed, splits(list(world["architecture"].unique()))[:2], {"half": 17}, draws=draws)
        for _ in experiment(world, "train", plan, 1):
            pass
        calls.append((len(fits), sum(fits)))
    (few_calls, few_sets), (many_calls, many_sets) = calls
    assert few_calls == many_calls
    assert many_sets > 2 * few_sets
