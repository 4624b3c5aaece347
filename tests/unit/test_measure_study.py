"""A whole study on a machine without Snakemake: on the CPU for real, on a GPU against a driver below NVML's binding."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet
import pytest
import yaml
from commands import isojoule

from isojoule.records import Certificate, MeasurementRecord, read_record

PROJECT = Path(__file__).parents[2]
FAKE = PROJECT / "tests" / "nvml_below"
LENT = ("--config", "study.yaml", "--results", "results/lent")


def study(folder, gpus, **changes):
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    content |= {
        "study": "lent",
        "dataset": {"source": "synthetic", "train_clips": 20, "test_clips": 20},
        "architectures": {"mlp": [{"layers": 1, "hidden": [4, 5]}]},
        "gpus": gpus,
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "repeats": 2,
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.05, "resolution_percent": 100, "idle_s": 0.1},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content | changes))


def lent(folder, *arguments, **environment):
    paths = {"PYTHONPATH": str(PROJECT / "scripts"), "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(
        [sys.executable, "-m", "isojoule", "measure-study", *LENT, *arguments],
        cwd=folder, env={**os.environ, **paths, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """The folder of a study that a budget cut off and the same command finished, and what the two said."""
    folder = tmp_path_factory.mktemp("lent")
    study(folder, {"cpu": {"device": "cpu"}})
    archive = ("--archive", "lent.tar.gz")
    return folder, lent(folder, "--budget-s", "1", *archive), lent(folder, *archive)


@pytest.fixture
def extracted(resumed, tmp_path):
    """A folder with the features of that study, where nothing is measured yet."""
    for part in ("dataset", "features"):
        shutil.copytree(resumed[0] / "results" / "lent" / part, tmp_path / "results" / "lent" / part)
    return tmp_path


def test_a_budget_cuts_and_the_same_command_goes_on_to_the_same_table(resumed, tmp_path):
    folder, first, whole = resumed
    assert first.returncode == 75, first.stderr
    assert "2 with cells left, 0 failed" in first.stdout
    assert whole.returncode == 0, whole.stderr
    assert "2 blocks: 2 whole, 0 with cells left, 0 failed" in whole.stdout
    assert "clips/s" not in whole.stdout
    elsewhere = tmp_path / "elsewhere"
    with tarfile.open(folder / "lent.tar.gz") as packed:
        names = packed.getnames()
        packed.extractall(elsewhere / "results", filter="data")
    assert not any(name.endswith((".npy", ".safetensors", ".wav")) for name in names)
    (elsewhere / "study.yaml").write_text((folder / "study.yaml").read_text())
    for name in ("mlp-1x4", "mlp-1x5"):
        output = f"results/lent/compute/{name}.json"
        counted = isojoule(
            "count-compute", "--config", "study.yaml", "--architecture", name, "--output", output, cwd=elsewhere
        )
        assert counted.returncode == 0, counted.stderr
    joined = isojoule("aggregate", *LENT, "--output", "table.parquet", cwd=elsewhere)
    assert joined.returncode == 0, joined.stderr
    assert pd.read_parquet(elsewhere / "table.parquet")["outcome"].tolist() == ["ok"] * 8


def test_other_features_are_extracted_again(resumed, tmp_path):
    folder, first, _ = resumed
    assert "clips/s" in first.stdout
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    study(tmp_path, {"cpu": {"device": "cpu"}}, repeats=1, dataset={"source": "synthetic", "train_clips": 21})
    said = lent(tmp_path)
    assert said.returncode == 0, said.stderr
    assert "clips/s" in said.stdout
    assert "4 cells, 0 measured already" in said.stdout


def test_on_a_gpu_every_record_has_three_readings_and_a_trace(extracted, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    study(tmp_path, {"t4": {"device_name": "Tesla T4"}, "a40": {"device_name": "NVIDIA A40"}}, repeats=1)
    idle = json.dumps({"utilization": [0, 0]})
    environment = {"FAKE_CUDA": "1", "FAKE_NVML": idle, "PYTHONPATH": f"{FAKE}:{PROJECT / 'scripts'}"}
    ended = lent(tmp_path, "--archive", "lent.tar.gz", **environment)
    assert ended.returncode == 2
    assert "gpus.a40.device_name: found Tesla T4 on " in ended.stderr
    assert "2 blocks: 1 whole, 0 with cells left, 1 failed" in ended.stdout
    with tarfile.open(tmp_path / "lent.tar.gz") as packed:
        packed.extractall(tmp_path / "home", filter="data")
    records = sorted((tmp_path / "home" / "lent" / "records").rglob("*.json"))
    assert len(records) == 4
    for path in records:
        record = read_record(path, MeasurementRecord)
        energy = record.energy
        expected_kwh = 70 * energy.duration_s / 3.6e6
        for reading_kwh in (energy.gpu.energy_kwh, energy.integrated_power.energy_kwh):
            assert reading_kwh == pytest.approx(expected_kwh, abs=energy.gpu.uncertainty_kwh + 0.05 * expected_kwh)
        assert energy.codecarbon.gpu_energy_kwh > 0
        assert energy.window.idle_power_w == pytest.approx(70, rel=0.3)
        assert record.hardware.gpu.uuid.startswith("GPU-1234")
        (certificate,) = (tmp_path / "home" / "lent" / "certificates").glob("GPU-1234*-580.1.json")
        assert record.provenance.certificates == [read_record(certificate, Certificate).name]
        assert energy.window.idle.number == 1
        assert energy.window.steady_state.reached
        trace = parquet.read_table(path.with_suffix(".parquet")).to_pydict()
        assert set(trace["power_w"]) == {70, None}
        assert any(load is not None for load in trace["host_load_percent"])


def test_a_program_that_is_terminated_takes_its_block_along_and_packs(extracted, tmp_path):
    study(tmp_path, {"cpu": {"device": "cpu"}}, phases={"train": {"epochs": 100_000}, "test": {"epochs": 1}})
    command = [sys.executable, "-m", "isojoule", "measure-study", *LENT, "--archive", "lent.tar.gz"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    begun = tmp_path / "results" / "lent" / "attempts" / "cpu" / "running-0.json"
    deadline_s = time.monotonic() + 240
    while not begun.exists() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    running.terminate()
    _, said = running.communicate(timeout=60)
    assert running.returncode == 143
    assert "stopped by SIGTERM" in said
    with tarfile.open(tmp_path / "lent.tar.gz") as packed:
        (name,) = [name for name in packed.getnames() if name.endswith("-0.1.json")]
        attempt = json.loads(packed.extractfile(name).read())
    assert attempt["outcome"] == "stopped"
    assert not begun.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--gpu", "t5"), "--gpu: found t5, expected one of the configuration's, such as cpu"),
        (("--budget-s", "0"), "found 0, expected a number above 0"),
        (("--archive", "lent.zip"), "--archive: found lent.zip, expected a name that ends in .tar.gz"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_one_sentence(tmp_path, arguments, message):
    study(tmp_path, {"cpu": {"device": "cpu"}})
    ended = isojoule("measure-study", *LENT, *arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert message in ended.stderr
