"""Whole cells on the CPU: the real meter, real models, real features; a fake only where a GPU would be needed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from safetensors import safe_open

from isojoule import measurement
from isojoule.alone import Device
from isojoule.cells import Cell, cell_slice, fingerprint
from isojoule.energy import Meter
from isojoule.errors import InputError
from isojoule.records import MeasurementRecord, read_record
from isojoule.workloads import tagging
from isojoule.workloads.tagging.dataset import prepare
from isojoule.workloads.tagging.features import extract

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny study: its configuration and its extracted features."""
    folder = tmp_path_factory.mktemp("study")
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    content |= {
        "dataset": {"source": "synthetic", "train_clips": 20, "test_clips": 20},
        "architectures": {"mlp": [{"layers": 1, "hidden": 4}], "cnn": [{"layers": 1, "hidden": 2}]},
        "phases": {"train": {"epochs": 2}, "test": {"epochs": 1}},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    from isojoule import configuration

    study = configuration.check(content)
    prepare(study["dataset"], study["mel"], tagging.classes(study), folder / "dataset")
    extract(folder / "dataset", study["mel"], tagging.classes(study), folder / "features", workers=2)
    return folder


@pytest.fixture
def study(folder):
    from isojoule import configuration

    return configuration.load(folder / "study.yaml")


@pytest.fixture
def machine(tmp_path):
    with Device(f"test-{tmp_path.name}") as machine:
        yield machine


def train(study, folder, machine, checkpoint, **changes):
    cell = Cell(**{"gpu": "cpu-1thread", "architecture": "mlp-1x4", "phase": "train", "repeat": 0, **changes})
    return measurement.measure(study, cell, folder / "features", checkpoint, machine)


def test_training_is_measured_and_leaves_weights_for_its_test(study, folder, machine, tmp_path):
    checkpoint = tmp_path / "weights.safetensors"
    record = train(study, folder, machine, checkpoint)
    assert record.outcome == "ok"
    assert (record.work.epochs, record.work.steps, record.work.samples) == (2, 2 * 3, 2 * 20)
    assert record.energy.component == "cpu"
    assert record.energy.computing.energy_kwh > 0
    assert record.energy.computing.kind in ("measured", "estimated")
    assert record.energy.ram.kind == "estimated"
    assert record.loss > 0
    assert record.quality == {}
    cell = Cell("cpu-1thread", "mlp-1x4", "train", 0)
    assert record.provenance.configuration_fingerprint == fingerprint(cell_slice(study, cell))
    tested = train(study, folder, machine, checkpoint, phase="test")
    assert set(tested.quality) == {"macro_f1", "mean_average_precision"}
    assert tested.work.samples == 20
    assert tested.flags == []


def test_the_same_seed_trains_the_same_weights_whatever_the_warm_up_did(study, folder, machine, tmp_path):
    """The warm-up's steps must not be in the weights: a plain loop from the same seed ends at the same ones."""
    from isojoule.cells import architectures
    from isojoule.models import build
    from isojoule.workloads.tagging.sessions import Session

    decisive = cell_slice(study, Cell("cpu-1thread", "mlp-1x4", "train", 0))
    trained = []
    for warm_up in (True, False):
        torch.manual_seed(0)
        model = build(architectures(study)["mlp-1x4"])
        session = Session(model, decisive, "train", folder / "features", torch.device("cpu"))
        if warm_up:
            session.warm_up()
        session.run()
        trained.append(model.state_dict())
    for name, value in trained[0].items():
        torch.testing.assert_close(value, trained[1][name], rtol=0, atol=0)


def test_repeats_differ_by_their_seed(study, folder, machine, tmp_path):
    losses = {train(study, folder, machine, tmp_path / "w", repeat=repeat).loss for repeat in (0, 0, 1)}
    assert len(losses) == 2


def test_features_decoded_in_the_loop_train_the_same_model(study, folder, machine, tmp_path):
    resident = train(study, folder, machine, tmp_path / "a").loss
    study["features"] = "in_loop"
    in_loop = train(study, folder, machine, tmp_path / "b")
    assert in_loop.loss == pytest.approx(resident, rel=1e-4)
    assert in_loop.settings["features"] == "in_loop"


def test_a_training_that_diverges_keeps_its_energy_and_claims_no_quality(study, folder, machine, tmp_path):
    study["optimizer"] = {"name": "sgd", "learning_rate": 1e30}
    record = train(study, folder, machine, tmp_path / "w")
    assert (record.outcome, record.loss, record.flags) == ("ok", None, ["loss-not-finite"])
    tested = train(study, folder, machine, tmp_path / "w", phase="test")
    assert (tested.outcome, tested.loss, tested.quality) == ("ok", None, {})
    assert tested.energy.computing.energy_kwh > 0


def test_bf16_trains(study, folder, machine, tmp_path):
    study["precision"] = "bf16"
    record = train(study, folder, machine, tmp_path / "w")
    assert (record.precision, record.outcome) == ("bf16", "ok")


def test_out_of_memory_is_an_outcome_and_its_test_is_untrained(study, folder, machine, tmp_path, monkeypatch):
    from isojoule.workloads.tagging.sessions import Session

    def exhaust(self):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.30 GiB")

    monkeypatch.setattr(Session, "run", exhaust)
    record = train(study, folder, machine, tmp_path / "w")
    assert (record.outcome, record.energy, record.work) == ("oom", None, None)
    assert record.message.startswith("CUDA out of memory")
    with safe_open(str(tmp_path / "w"), framework="pt") as weights:
        assert list(weights.keys()) == []
    tested = train(study, folder, machine, tmp_path / "w", phase="test")
    assert (tested.outcome, tested.message) == ("untrained", "training ended with outcome oom")


def test_another_failure_is_no_outcome(study, folder, machine, tmp_path, monkeypatch):
    from isojoule.workloads.tagging.sessions import Session

    def fail(self):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(Session, "run", fail)
    with pytest.raises(RuntimeError, match="mat1"):
        train(study, folder, machine, tmp_path / "w")


def test_a_test_without_training_uses_initial_weights_and_claims_no_quality(study, folder, machine):
    record = train(study, folder, machine, None, phase="test")
    assert record.outcome == "ok"
    assert record.quality == {}
    assert record.flags == ["initial-weights"]


def test_weights_of_another_architecture_are_refused(study, folder, machine, tmp_path):
    train(study, folder, machine, tmp_path / "w")
    with pytest.raises(InputError, match="holds the weights of another architecture"):
        train(study, folder, machine, tmp_path / "w", phase="test", architecture="cnn-1x2")
    (tmp_path / "w").write_bytes(b"broken")
    with pytest.raises(InputError, match="is not a checkpoint that can be read"):
        train(study, folder, machine, tmp_path / "w", phase="test")


def test_a_gpu_that_is_not_there_is_said(study, folder, machine, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    study["gpus"]["t4"] = {"device": "cuda", "device_name": "Tesla T4", "threads": 1}
    with pytest.raises(InputError, match=r"gpus\.t4: no CUDA device is visible here, expected Tesla T4"):
        train(study, folder, machine, tmp_path / "w", gpu="t4")


def test_another_gpu_than_expected_is_refused(monkeypatch, nvml):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    properties = type("Properties", (), {"uuid": nvml.UUIDS[1].removeprefix("GPU-")})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    with pytest.raises(InputError, match=r"gpus\.a40\.device_name: found Tesla T4 .* expected NVIDIA A40; nothing was"):
        measurement._device({"device": "cuda", "device_name": "NVIDIA A40"}, "a40")
    device, gpu = measurement._device({"device": "cuda", "device_name": "Tesla T4"}, "t4")
    assert (device.type, gpu.uuid) == ("cuda", nvml.UUIDS[1])


def test_the_meter_knows_its_countries():
    with pytest.raises(InputError, match=r"energy\.country_iso_code: found XXX, expected a country"):
        Meter("XXX").begin()


def test_the_meter_reads_more_over_a_longer_window():
    readings = []
    for size in (1, 4):
        meter = Meter("FRA")
        meter.begin()
        matrix = torch.rand(700, 700)
        for _ in range(10 * size):
            matrix = matrix @ matrix / 700
        readings.append(meter.end())
    assert readings[1].duration_s > readings[0].duration_s
    assert readings[1].computing.energy_kwh > readings[0].computing.energy_kwh
    total = readings[0].codecarbon
    assert total.total_energy_kwh == pytest.approx(total.cpu_energy_kwh + total.gpu_energy_kwh + total.ram_energy_kwh)


def run(program, *arguments, cwd):
    command = [sys.executable, PROJECT / "scripts" / program, *arguments]
    return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)


def test_a_cell_is_measured_by_hand_and_opens_no_connection(folder, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import socket, sys\n"
        "def refuse(self, address):\n"
        "    sys.stderr.write(f'CONNECTION {address}\\n')\n"
        "    raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
    )
    arguments = ["--config", folder / "study.yaml", "--gpu", "cpu-1thread", "--architecture", "mlp-1x4"]
    files = ["--features", folder / "features", "--checkpoint", tmp_path / "w", "--output", tmp_path / "train.json"]
    command = [sys.executable, PROJECT / "scripts" / "train.py", *arguments, *files]
    ended = subprocess.run(
        list(map(str, command)),
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "CONNECTION" not in ended.stderr
    assert "mlp-1x4 on cpu-1thread, train, repeat 0: " in ended.stdout
    assert read_record(tmp_path / "train.json", MeasurementRecord).identity == ("cpu-1thread", "mlp-1x4", "train", 0)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        (
            "--architecture",
            "mlp-1x5",
            "--architecture: found mlp-1x5, expected one of the configuration's, such as mlp-1x4",
        ),
        ("--gpu", "cpu-1", "--gpu: found cpu-1, expected one of the configuration's, such as cpu-1thread"),
        ("--repeat", "-1", "--repeat: found -1, expected 0 or more"),
        ("--features", "nowhere", "nowhere/manifest.tsv: cannot be read: No such file or directory"),
        ("--output", "/proc/none/train.json", "/proc/none/train.json: cannot be written: No such file or directory"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_one_sentence(folder, tmp_path, option, value, message):
    options = {
        "--config": folder / "study.yaml",
        "--gpu": "cpu-1thread",
        "--architecture": "mlp-1x4",
        "--features": folder / "features",
        "--output": tmp_path / "train.json",
        option: value,
    }
    ended = run("train.py", *(part for pair in options.items() for part in pair), cwd=tmp_path)
    assert ended.returncode == 2
    assert f"error: {message}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.iterdir())


def test_the_published_schema_is_that_of_the_records():
    from isojoule.records.__main__ import schema

    published = (PROJECT / "workflow" / "schemas" / "record.schema.json").read_text()
    assert json.loads(published) == json.loads(schema())


def test_a_full_disk_is_one_sentence_and_leaves_nothing(folder, study, machine, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", small], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk can only be mounted as root")
    try:
        with pytest.raises(InputError, match=r"weights: cannot be written: .*No space left on device"):
            train(study, folder, machine, small / "weights")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_ctrl_c_is_one_sentence_and_leaves_nothing(folder, tmp_path):
    options = ["--config", folder / "study.yaml", "--gpu", "cpu-1thread", "--architecture", "mlp-1x4"]
    files = ["--features", folder / "features", "--output", tmp_path / "train.json"]
    command = list(map(str, [sys.executable, PROJECT / "scripts" / "train.py", *options, *files]))
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while "libtorch" not in Path(f"/proc/{running.pid}/maps").read_text():
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert "stopped by Ctrl-C" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("precision", "expected"), [("fp32", "ieee"), ("tf32", "tf32"), ("bf16", "ieee")])
def test_tf32_is_on_only_where_it_was_asked_for(precision, expected):
    """cuDNN has it on unless told otherwise: an fp32 measurement would be one of TF32 convolutions."""
    backends = torch.backends
    try:
        measurement._set_precision(precision)
        for backend in (backends.cuda.matmul, backends.cudnn, backends.cudnn.conv, backends.cudnn.rnn):
            assert backend.fp32_precision == expected
    finally:
        backends.fp32_precision = "ieee"
