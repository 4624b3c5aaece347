"""A tiny study with its features, and a machine to measure it on."""

import shutil
from pathlib import Path

import pytest
import yaml

from isojoule.configuration.every_study import Gpu
from isojoule.files import read_json, write_json
from isojoule.measuring import block, cell, certification
from isojoule.measuring.device_check import arrive
from isojoule.measuring.device_lock import Device
from isojoule.study import reading
from isojoule.workloads.tagging.dataset import prepare
from isojoule.workloads.tagging.extraction import extract

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """Make a folder with the configuration and the features of a tiny study."""
    folder = tmp_path_factory.mktemp("study")
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    content |= {
        "dataset": {"source": "synthetic", "train_clips": 20, "test_clips": 20},
        "architectures": {"mlp": [{"layers": 1, "hidden": [4, 5, 6]}]},
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    study = reading.check(content)
    prepare(study.dataset, study.mel, folder / "dataset")
    extract(folder / "dataset", study.mel, study.classes, folder / "features", workers=2)
    # the command adds the fingerprint, and seals, which these tests do without
    statistics = folder / "features" / "statistics.json"
    write_json(statistics, {**read_json(statistics), "fingerprint": "of the data"})
    with Device(f"test-{folder.name}") as machine:
        certification.of_job(arrive("cpu", Gpu(device="cpu")), folder / "certificates", machine)
    return folder


@pytest.fixture
def results(extracted, tmp_path):
    for name in ("features", "certificates"):
        shutil.copytree(extracted / name, tmp_path / "results" / name)
    return tmp_path / "results"


@pytest.fixture
def study(extracted):
    return reading.load(extracted / "study.yaml")


@pytest.fixture
def machine(tmp_path):
    with Device(f"test-{tmp_path.name}") as machine:
        yield machine


@pytest.fixture
def measured(monkeypatch):
    """List the cells that were really measured, in order."""
    cells = []

    def measure(job):
        cells.append((job.cell.architecture, job.cell.phase))
        return cell.measure(job)

    monkeypatch.setattr(block, "measure", measure)
    return cells
