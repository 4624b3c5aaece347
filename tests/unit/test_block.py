"""A block brings its records up to date: real measurements, real faults, and the journal that outlives them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from simulated import record

from isojoule import configuration, files, measurement
from isojoule.alone import Device
from isojoule.block import Block, shuffled
from isojoule.cells import Cell
from isojoule.errors import InputError
from isojoule.journal import Journal, retire_stale_records
from isojoule.records import MeasurementRecord, read_record
from isojoule.workloads import tagging
from isojoule.workloads.tagging.dataset import prepare
from isojoule.workloads.tagging.extraction import extract
from isojoule.workloads.tagging.sessions import Session

PROJECT = Path(__file__).parents[2]
GPU = "cpu-1thread"
TRAIN, TEST = Cell(GPU, "mlp-1x4", "train", 0), Cell(GPU, "mlp-1x4", "test", 0)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """The features of a tiny study, and its configuration."""
    folder = tmp_path_factory.mktemp("study")
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    content |= {
        "dataset": {"source": "synthetic", "train_clips": 20, "test_clips": 20},
        "architectures": {"mlp": [{"layers": 1, "hidden": [4, 5, 6]}]},
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    study = configuration.check(content)
    prepare(study["dataset"], study["mel"], tagging.classes(study), folder / "dataset")
    extract(folder / "dataset", study["mel"], tagging.classes(study), folder / "features", workers=2)
    return folder


@pytest.fixture
def results(extracted, tmp_path):
    shutil.copytree(extracted / "features", tmp_path / "results" / "features")
    return tmp_path / "results"


@pytest.fixture
def study(extracted):
    return configuration.load(extracted / "study.yaml")


@pytest.fixture
def machine(tmp_path):
    with Device(f"test-{tmp_path.name}") as machine:
        yield machine


@pytest.fixture
def measured(monkeypatch):
    """The cells that were really measured, in order."""
    cells = []
    real = measurement._run

    def noted(decisive, phase, architecture, *rest):
        cells.append((architecture.name, phase))
        return real(decisive, phase, architecture, *rest)

    monkeypatch.setattr(measurement, "_run", noted)
    return cells


def up_to_date(study, results, machine, names=None, repeat=0):
    Block(study, GPU, repeat, results, machine).measure(names)


def records(results):
    return {str(path.relative_to(results / "records")): path for path in (results / "records").rglob("*.json")}


def test_every_cell_is_measured_once_in_a_shuffled_order_and_published(study, results, machine, measured):
    up_to_date(study, results, machine)
    order = shuffled(["mlp-1x4", "mlp-1x5", "mlp-1x6"], study["seed"], GPU, 0)
    assert measured == [(name, phase) for name in order for phase in ("train", "test")]
    assert len(records(results)) == 6
    for path in records(results).values():
        record = json.loads(path.read_text())
        assert record["outcome"] == "ok"
        assert record["provenance"]["attempt"] == 1
        assert record["place"] == order.index(record["architecture"])
    assert not list(results.rglob("*.safetensors"))
    assert not list(results.rglob("running-*.json"))


def test_orders_follow_the_seed_the_gpu_and_the_repeat():
    names = [f"net-{number}" for number in range(20)]
    orders = [shuffled(names, *key) for key in ((0, "a", 0), (0, "a", 0), (1, "a", 0), (0, "b", 0), (0, "a", 1))]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) == 4
    assert all(sorted(order) == sorted(names) for order in orders)


def test_what_is_measured_is_kept_byte_for_byte(study, results, machine, measured):
    up_to_date(study, results, machine, ["mlp-1x4"])
    before = {name: path.read_bytes() for name, path in records(results).items()}
    measured.clear()
    shutil.rmtree(results / "records")
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == []
    assert {name: path.read_bytes() for name, path in records(results).items()} == before


def test_a_cell_that_leaves_the_journal_is_measured_again(study, results, machine, measured):
    up_to_date(study, results, machine, ["mlp-1x4", "mlp-1x5"])
    measured.clear()
    shutil.rmtree(results / "attempts" / GPU / "mlp-1x5")
    up_to_date(study, results, machine, ["mlp-1x4", "mlp-1x5"])
    assert measured == [("mlp-1x5", "train"), ("mlp-1x5", "test")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: s["optimizer"].update(learning_rate=0.5), ["train", "test"]),
        (lambda s: s["phases"]["test"].update(epochs=2), ["train", "test"]),
        (lambda s: s["gpus"][GPU].update(partition="elsewhere", constraint="fast"), []),
        (lambda s: s.update(study="renamed"), []),
    ],
    ids=["learning rate", "epochs of test", "partition", "name"],
)
def test_a_change_measures_what_it_decides(study, results, machine, measured, change, expected):
    up_to_date(study, results, machine, ["mlp-1x4"])
    measured.clear()
    change(study)
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert [phase for _, phase in measured] == expected


def test_a_change_that_is_taken_back_measures_nothing(study, results, machine, measured):
    up_to_date(study, results, machine, ["mlp-1x4"])
    before = (results / "records" / GPU / "mlp-1x4" / "train-0.json").read_bytes()
    learning_rate = study["optimizer"]["learning_rate"]
    study["optimizer"]["learning_rate"] = 0.5
    up_to_date(study, results, machine, ["mlp-1x4"])
    study["optimizer"]["learning_rate"] = learning_rate
    measured.clear()
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == []
    assert (results / "records" / GPU / "mlp-1x4" / "train-0.json").read_bytes() == before


def test_other_data_is_measured_again(study, results, machine, measured):
    up_to_date(study, results, machine, ["mlp-1x4"])
    measured.clear()
    statistics = json.loads((results / "features" / "statistics.json").read_text())
    (results / "features" / "statistics.json").write_text(json.dumps(statistics | {"fingerprint": "other"}))
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert len(measured) == 2


def test_one_cell_that_fails_holds_up_no_other_and_comes_last_the_next_time(study, results, machine, monkeypatch):
    first = shuffled(["mlp-1x4", "mlp-1x5", "mlp-1x6"], study["seed"], GPU, 0)[0]
    broken = Session.run
    width = int(first.removeprefix("mlp-1x"))

    def fail(self):
        if self.model.output.in_features == width:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        broken(self)

    monkeypatch.setattr(Session, "run", fail)
    with pytest.raises(InputError, match="1 cells could not be measured") as refused:
        up_to_date(study, results, machine)
    assert f"{first} on {GPU}, train, repeat 0: RuntimeError: mat1 and mat2" in str(refused.value)
    assert len(records(results)) == 4
    attempt = Journal(results).attempts(Cell(GPU, first, "train", 0))[0]
    assert (attempt.outcome, attempt.energy) == ("failed", None)
    monkeypatch.setattr(Session, "run", broken)
    up_to_date(study, results, machine)
    again = json.loads((results / "records" / GPU / first / "train-0.json").read_text())
    assert (again["outcome"], again["provenance"]["attempt"]) == ("ok", 2)


def test_a_test_that_failed_finds_the_weights_of_its_training(study, results, machine, monkeypatch, measured):
    test = Session._test

    def fail(self, epoch):
        raise RuntimeError("no")

    monkeypatch.setattr(Session, "_test", fail)
    with pytest.raises(InputError):
        up_to_date(study, results, machine, ["mlp-1x4"])
    before = (results / "records" / GPU / "mlp-1x4" / "train-0.json").read_bytes()
    monkeypatch.setattr(Session, "_test", test)
    measured.clear()
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == [("mlp-1x4", "test")]
    assert (results / "records" / GPU / "mlp-1x4" / "train-0.json").read_bytes() == before


def test_out_of_memory_is_final_and_its_test_is_untrained(study, results, machine, monkeypatch, measured):
    def exhaust(self):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.30 GiB")

    monkeypatch.setattr(Session, "run", exhaust)
    up_to_date(study, results, machine, ["mlp-1x4"])
    outcomes = [json.loads(records(results)[f"{GPU}/mlp-1x4/{phase}-0.json"].read_text())["outcome"] for phase in
                ("train", "test")]  # fmt: skip
    assert outcomes == ["oom", "untrained"]
    measured.clear()
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == []


def test_a_refusal_has_a_record_and_measures_nothing(study, results, machine, measured, monkeypatch):
    study["gpus"][GPU]["partition"] = "t4"
    monkeypatch.setenv("SLURM_JOB_PARTITION", "a40")
    with pytest.raises(InputError, match=r"gpus\.cpu-1thread\.partition: found a40 on .*, expected t4; nothing was"):
        up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == []
    assert records(results) == {}
    attempt = Journal(results).attempts(TRAIN)[0]
    assert attempt.outcome == "refused"
    assert "expected t4; nothing was measured" in attempt.message


def test_other_code_takes_its_records_out_and_keeps_them_in_the_journal(study, results, machine, capsys):
    up_to_date(study, results, machine, ["mlp-1x4"])
    retire_stale_records(study, results)
    assert len(records(results)) == 2
    study["optimizer"]["learning_rate"] = 0.5
    retire_stale_records(study, results)
    assert records(results) == {}
    assert len(Journal(results).attempts(TRAIN)) == 1
    assert "2 records are of other code, configuration or data; they stay in" in capsys.readouterr().err


@pytest.fixture
def small_disk(tmp_path):
    """A file system that is full at once, and can be given room."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", small], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("a small disk can only be mounted as root")
    yield small
    subprocess.run(["umount", small], check=True)


def test_what_an_older_version_wrote_is_neither_kept_nor_overwritten(study, results, machine, measured):
    path = results / "attempts" / GPU / "mlp-1x4" / "train-0.1.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"record": "measurement", "schema_version": 2}')
    published = results / "records" / GPU / "mlp-1x4" / "train-0.json"
    published.parent.mkdir(parents=True)
    published.write_text(path.read_text())
    retire_stale_records(study, results)
    assert not published.exists()
    Block(study, GPU, 0, results, machine).measure(["mlp-1x4"])
    assert path.read_text() == '{"record": "measurement", "schema_version": 2}'
    assert read_record(published, MeasurementRecord).provenance.attempt == 2


def test_the_trace_of_a_window_follows_its_record(study, results, machine, tmp_path):
    cell = Cell(GPU, "mlp-1x4", "train", 0)
    journal = Journal(results)
    first = record(study, cell)
    journal.trace(first).parent.mkdir(parents=True)
    journal.trace(first).write_bytes(b"samples")
    journal.end(first)
    beside = results / "records" / GPU / "mlp-1x4" / "train-0.parquet"
    assert beside.read_bytes() == b"samples"
    second = record(study, cell, provenance={**first.provenance.model_dump(), "attempt": 2})
    journal.end(second)
    assert not beside.exists()
    assert journal.trace(first).read_bytes() == b"samples"
    journal.publish(first)
    assert beside.read_bytes() == b"samples"


def test_a_disk_that_is_full_for_a_while_costs_nothing(study, results, machine, small_disk, monkeypatch, capsys):
    shutil.copytree(results / "features", small_disk / "features")
    waited = []
    finish = Session.run

    def fill_the_disk(self):
        finish(self)
        (small_disk / "filler").write_bytes(b"")
        with suppress_full(), (small_disk / "filler").open("wb") as filler:
            while True:
                filler.write(bytes(4096))
                filler.flush()

    def wait(seconds):
        waited.append(seconds)
        (small_disk / "filler").unlink(missing_ok=True)

    monkeypatch.setattr(Session, "run", fill_the_disk)
    monkeypatch.setattr(files.time, "sleep", wait)
    up_to_date(study, small_disk, machine, ["mlp-1x4"])
    assert waited
    assert "No space left on device; nothing is lost yet, next try in 15 s" in capsys.readouterr().err
    assert len(records(small_disk)) == 2


def test_a_disk_that_stays_full_leaves_the_measurement_at_home(study, results, machine, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    write = files.write_text

    def full(path, text):
        if path.parent.parent.parent.name == "attempts" and path.parent.name == "mlp-1x4":
            raise InputError(f"{path}: cannot be written: No space left on device")
        write(path, text)

    monkeypatch.setattr("isojoule.journal.write_text", full)
    monkeypatch.setattr(files, "PATIENCE_S", 0)
    with pytest.raises(InputError, match=r"what was measured is in (\S+): copy it to ") as refused:
        up_to_date(study, results, machine, ["mlp-1x4"])
    rescued = Path(str(refused.value).split("what was measured is in ")[1].split(":")[0])
    assert rescued.is_relative_to(tmp_path)
    target = Path(str(refused.value).rsplit("copy it to ", 1)[1])
    monkeypatch.undo()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(rescued, target)
    up_to_date(study, results, machine, ["mlp-1x4"])
    kept = Journal(results).attempts(TRAIN)
    assert [record.outcome for record in kept] == ["ok"]
    assert len(records(results)) == 2


class suppress_full:  # noqa: N801 - reads like contextlib.suppress
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return kind is OSError


def program(extracted, results, *arguments, **options):
    """measure.py as a process of its own."""
    base = ["--config", extracted / "study.yaml", "--gpu", GPU, "--results", results]
    command = [sys.executable, PROJECT / "scripts" / "measure.py", *base, *arguments]
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # whoever runs the tests in the background may have had Ctrl-C ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **options,
    )  # fmt: skip


@pytest.fixture
def long(study, extracted, tmp_path):
    """The same study with a training that does not end by itself."""
    shutil.copytree(extracted / "features", tmp_path / "results" / "features")
    study["phases"]["train"]["epochs"] = 100_000
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    return tmp_path


def begun(folder):
    running = folder / "results" / "attempts" / GPU / "running-0.json"
    deadline_s = time.monotonic() + 60
    while not running.exists() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    time.sleep(0.5)
    return json.loads(running.read_text())


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGINT, 130, "stopped by Ctrl-C"), (signal.SIGTERM, 143, "stopped by SIGTERM")]
)
def test_a_program_that_is_stopped_says_so_and_the_journal_knows(long, study, number, code, said):
    running = program(long, long / "results", "--architecture", "mlp-1x4")
    begun(long)
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == code
    assert said in errors
    assert "Traceback" not in errors
    attempt = Journal(long / "results").attempts(TRAIN)[0]
    assert (attempt.outcome, attempt.energy) == ("stopped", None)
    assert records(long / "results") == {}


def test_a_program_that_is_killed_leaves_an_attempt_without_a_word(long, extracted, machine):
    running = program(long, long / "results", "--architecture", "mlp-1x4")
    assert begun(long)["outcome"] == "running"
    assert Journal(long / "results").running(GPU, 0)[1]
    running.kill()
    running.communicate()
    assert not Journal(long / "results").running(GPU, 0)[1]
    up_to_date(configuration.load(extracted / "study.yaml"), long / "results", machine, ["mlp-1x4"])
    outcomes = [(record.outcome, record.provenance.attempt) for record in Journal(long / "results").attempts(TRAIN)]
    assert outcomes == [("lost", 1), ("ok", 2)]


def test_two_programs_never_measure_the_same_cells(long, extracted):
    # its own folder for locks makes it a program on another machine
    elsewhere = {**os.environ, "ISOJOULE_LOCKS": str(long)}
    with program(long, long / "results", "--architecture", "mlp-1x4") as first:
        begun(long)
        with program(extracted, long / "results", "--architecture", "mlp-1x4", "mlp-1x5", env=elsewhere) as second:
            said = second.stderr.readline()
            waits = second.poll() is None
            first.terminate()
            second.communicate(timeout=60)
    assert f"measures repeat 0 on {GPU} since" in said
    assert waits
    assert second.returncode == 0
    assert len(records(long / "results")) == 4


def test_a_program_that_waits_lets_the_windows_of_the_other_open(extracted, results):
    """Of two programs on one machine the second would otherwise hold up the first, for which it waits."""
    with program(extracted, results) as first:
        while not list((results / "attempts").rglob("running-0.json")):
            time.sleep(0.01)
        with program(extracted, results) as second:
            first.communicate(timeout=60)
            said, errors = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert f"{GPU}, repeat 0: 6 cells, 6 measured already" in said
    assert f"measures repeat 0 on {GPU}" in errors


def test_cells_are_measured_by_hand_and_open_no_connection(extracted, results, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import socket, sys\n"
        "def refuse(self, address):\n"
        "    sys.stderr.write(f'CONNECTION {address}\\n')\n"
        "    raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
    )
    running = program(extracted, results, "--architecture", "mlp-1x4", env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path)
    said, errors = running.communicate(timeout=120)
    assert running.returncode == 0, errors
    assert "CONNECTION" not in errors
    assert f"{GPU}, repeat 0: 2 cells, 0 measured already" in said
    assert f"mlp-1x4 on {GPU}, train, repeat 0: " in said
    assert len(records(results)) == 2


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        (
            "--architecture",
            "mlp-1x7",
            "--architecture: found mlp-1x7, expected one of the configuration's, such as mlp-1",
        ),
        ("--gpu", "cpu-1", "--gpu: found cpu-1, expected one of the configuration's, such as cpu-1thread"),
        ("--repeat", "-1", "--repeat: found -1, expected 0 to 2"),
        ("--results", "nowhere", "nowhere/features/statistics.json: cannot be read: No such file or directory"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_one_sentence(extracted, results, tmp_path, option, value, message):
    running = program(extracted, results, option, value, cwd=tmp_path)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 2
    assert f"error: {message}" in errors
    assert "Traceback" not in errors
    assert records(results) == {}
