"""Full disks, signals, two programs at once: the journal outlives them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from blocks import GPU, TRAIN, records, up_to_date
from commands import isojoule
from studies import changed

from isojoule import files
from isojoule.errors import InputError
from isojoule.study import reading
from isojoule.study.journal import Journal
from isojoule.workloads.tagging.sessions import Session

PROJECT = Path(__file__).parents[3]


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


def test_a_disk_that_is_full_for_a_while_costs_nothing(study, results, machine, small_disk, monkeypatch, capsys):
    shutil.copytree(results, small_disk, dirs_exist_ok=True)
    waited = []
    finish, sleep = Session.run, files.time.sleep

    def fill_the_disk(self, part_done=None):
        finish(self)
        (small_disk / "filler").write_bytes(b"")
        with suppress_full(), (small_disk / "filler").open("wb") as filler:
            while True:
                filler.write(bytes(4096))
                filler.flush()

    def wait(seconds):
        if seconds != files.RETRY_S:
            # others wait as well, for a steady state or a window's edge
            sleep(seconds)
            return
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

    monkeypatch.setattr("isojoule.records.writing.write_text", full)
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


@pytest.fixture
def program():
    """Start `isojoule measure` as a process of its own, which does not outlive the test."""
    started = []

    def start(folder, results, *arguments, **options):
        base = ["--config", folder / "study.yaml", "--gpu", GPU, "--results", results]
        command = [sys.executable, "-m", "isojoule", "measure", *base, *arguments]
        running = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # whoever runs the tests in the background may have had Ctrl-C ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **options,
        )  # fmt: skip
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()
        running.communicate()


@pytest.fixture
def long(study, extracted, tmp_path):
    """The same study with a training that does not end by itself."""
    for name in ("features", "certificates"):
        shutil.copytree(extracted / name, tmp_path / "results" / name)
    reading.store(changed(study, {"phases.train.epochs": 100_000}), tmp_path / "study.yaml")
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
def test_a_program_that_is_stopped_says_so_and_the_journal_knows(program, long, study, number, code, said):
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


def test_a_program_that_is_killed_leaves_an_attempt_without_a_word(program, long, extracted, machine):
    running = program(long, long / "results", "--architecture", "mlp-1x4")
    assert begun(long)["outcome"] == "running"
    assert Journal(long / "results").running(GPU, 0)[1]
    running.kill()
    running.communicate()
    assert not Journal(long / "results").running(GPU, 0)[1]
    up_to_date(reading.load(extracted / "study.yaml"), long / "results", machine, ["mlp-1x4"])
    outcomes = [(record.outcome, record.provenance.attempt) for record in Journal(long / "results").attempts(TRAIN)]
    assert outcomes == [("lost", 1), ("ok", 2)]


def test_two_programs_never_measure_the_same_cells(program, long, extracted):
    # its own folder for locks makes it a program on another machine
    elsewhere = {**os.environ, "ISOJOULE_LOCKS": str(long)}
    first = program(long, long / "results", "--architecture", "mlp-1x4")
    begun(long)
    second = program(extracted, long / "results", "--architecture", "mlp-1x4", "mlp-1x5", env=elsewhere)
    said = second.stderr.readline()
    waits = second.poll() is None
    first.terminate()
    second.communicate(timeout=60)
    assert f"measures repeat 0 on {GPU} since" in said
    assert waits
    assert second.returncode == 0
    assert len(records(long / "results")) == 4


def test_a_program_that_waits_lets_the_windows_of_the_other_open(program, extracted, results):
    """Of two programs on one machine the second would otherwise hold up the first, for which it waits."""
    first = program(extracted, results)
    while not list((results / "attempts").rglob("running-0.json")):
        assert first.poll() is None
        time.sleep(0.01)
    second = program(extracted, results)
    first.communicate(timeout=60)
    said, errors = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert f"{GPU}, repeat 0: 6 cells, 6 measured already" in said
    assert f"measures repeat 0 on {GPU}" in errors


def test_cells_are_measured_by_hand_and_open_no_connection(program, extracted, results, tmp_path):
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
    base = ("--config", extracted / "study.yaml", "--gpu", GPU, "--results", results)
    ended = isojoule("measure", *base, option, value, cwd=tmp_path)
    assert ended.returncode == 2
    assert f"error: {message}" in ended.stderr
    assert records(results) == {}
