"""How far a study is, from its journal alone."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from simulated import DATA, record
from studies import changed

from isojoule import seals
from isojoule.errors import InputError
from isojoule.study import as_it_is, reading
from isojoule.study.cells import Cell, cells
from isojoule.study.journal import Journal
from isojoule.study.status import status

PROJECT = Path(__file__).parents[2]
MINUTE = {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:01:00Z"}


@pytest.fixture
def results(tmp_path, demo):
    """A study of 96 cells of which all on one thread are done, a minute each."""
    demo = changed(demo, {"gpus.cpu-1thread.partition": "a"})
    reading.store(demo, tmp_path / "configuration.yaml")
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "statistics.json").write_text(json.dumps({"fingerprint": DATA}))
    journal = Journal(tmp_path)
    for cell in cells(demo):
        if cell.gpu == "cpu-1thread":
            journal.end(record(demo, cell, 1e-3, **MINUTE))
    return tmp_path


def row(said, gpu):
    return next(line for line in said.splitlines() if line.startswith(gpu)).split()


def failed(demo, cell, outcome, message):
    return record(demo, cell, outcome=outcome, message=message, energy=None, work=None)


def test_done_and_waiting(results):
    said = status(results)
    assert said.startswith("demo: 96 cells: 48 done, 48 waiting\n")
    assert row(said, "cpu-1thread")[:7] == ["cpu-1thread", "48", "48", "0", "0", "0", "0"]
    assert "48 Wh simulated" in said
    assert row(said, "cpu-2threads")[-2:] == ["unknown", "yet"]
    assert len(said.split("test Wh\n")[1].split("\n\n")[0].splitlines()) == 10


def test_time_to_go_is_that_of_the_cells_done(results, demo):
    one = Cell("cpu-2threads", "mlp-1x16", "train", 0)
    Journal(results).end(record(demo, one, **MINUTE))
    assert row(status(results), "cpu-2threads")[-3:] == ["about", "47", "min"]


def test_what_failed_says_why_and_out_of_memory_is_no_failure(results, demo):
    journal = Journal(results)
    journal.end(failed(demo, Cell("cpu-2threads", "mlp-1x16", "train", 0), "refused", "found Tesla T4, expected A40"))
    journal.end(failed(demo, Cell("cpu-2threads", "mlp-1x32", "train", 0), "refused", "found Tesla T4, expected A40"))
    journal.end(failed(demo, Cell("cpu-2threads", "mlp-1x64", "train", 0), "oom", "CUDA out of memory"))
    journal.end(failed(demo, Cell("cpu-2threads", "mlp-1x64", "test", 0), "untrained", "training ended with oom"))
    journal.end(failed(demo, Cell("cpu-2threads", "cnn-2x2", "train", 0), "stopped", "stopped by SIGTERM"))
    said = status(results)
    assert said.startswith("demo: 96 cells: 48 done, 44 waiting, 2 out of memory, 2 failed\n")
    assert "refused: found Tesla T4, expected A40\n    mlp-1x16 on cpu-2threads, train, repeat 0, and 1 more" in said


def test_what_ran_out_of_memory_behind_others_is_no_longer_said_to_wait(results, demo):
    cell = Cell("cpu-2threads", "mlp-1x16", "train", 0)
    Journal(results).end(failed(demo, cell, "oom-once", "CUDA out of memory"))
    said = status(results)
    assert said.startswith("demo: 96 cells: 48 done, 47 waiting, 1 failed\n")
    assert "oom-once: CUDA out of memory\n    mlp-1x16 on cpu-2threads, train, repeat 0" in said


def test_what_failed_of_another_configuration_waits(results, demo):
    other = changed(demo, {"optimizer.learning_rate": 0.5})
    Journal(results).end(failed(other, Cell("cpu-2threads", "mlp-1x16", "train", 0), "failed", "no"))
    assert status(results).startswith("demo: 96 cells: 48 done, 48 waiting\n")


def test_a_broken_record_and_a_broken_attempt_are_said(results):
    record = results / "records" / "cpu-1thread" / "mlp-1x16" / "train-0.json"
    record.write_text(record.read_text().replace('"outcome": "ok"', '"outcome": "fine"'))
    attempt = results / "attempts" / "cpu-1thread" / "mlp-1x16" / "test-1.1.json"
    attempt.write_text("{")
    said = status(results)
    assert said.startswith("demo: 96 cells: 47 done, 48 waiting, 1 failed\n")
    assert f"broken: {record}: is not a MeasurementRecord: outcome: " in said
    assert f"broken: {attempt}: is not a MeasurementRecord: " in said
    assert "; remove this file\n    mlp-1x16 on cpu-1thread, test, repeat 1" in said


def test_the_last_line_says_what_has_no_result_and_what_to_do(results, demo):
    last = status(results).splitlines()[-1]
    assert last == "48 of 96 cells have no result (48 waiting): the command that measured goes on with these alone"
    journal = Journal(results)
    journal.end(failed(demo, Cell("cpu-2threads", "mlp-1x16", "train", 0), "failed", "a batch of one"))
    last = status(results).splitlines()[-1]
    assert last.startswith("48 of 96 cells have no result (1 failed, 47 waiting): ")
    assert last.endswith("mend what fails again, or leave it out of the configuration")
    for cell in cells(demo):
        if cell.gpu == "cpu-2threads":
            journal.end(failed(demo, cell, "oom", "CUDA out of memory"))
    assert "no result" not in status(results)


def test_a_cell_runs_as_long_as_its_program_holds_the_lock(results, demo):
    journal = Journal(results)
    cell = Cell("cpu-2threads", "mlp-1x16", "train", 0)
    with journal.held("cpu-2threads", 0):
        journal.begin(failed(demo, cell, "running", None))
        said = status(results)
        assert row(said, "cpu-2threads")[3] == "1"
        assert "running: mlp-1x16 on cpu-2threads, train, repeat 0, since 2026-01-01T00:00:00Z" in said
    assert row(status(results), "cpu-2threads")[3] == "0"


def test_records_of_another_configuration_are_waiting(results, demo):
    reading.store(changed(demo, {"optimizer.learning_rate": 0.5}), results / "configuration.yaml")
    assert status(results).startswith("demo: 96 cells: 0 done, 96 waiting\n")


def test_what_another_study_measured_is_done_and_said_whose_it_is(results, demo):
    reading.store(changed(demo, {"study": "renamed"}), results / "configuration.yaml")
    said = status(results)
    assert said.startswith("renamed: 96 cells: 48 done, 48 waiting\n")
    assert "\n48 cells were measured by the study demo\n" in said


def test_features_that_were_deleted_are_named_with_what_makes_them_again(results):
    path = results / "features" / "statistics.json"
    assert "is missing" not in status(results)
    path.unlink()
    said = status(results)
    (results / "dataset").mkdir(exist_ok=True)
    assert f"add `-- {results}/dataset/manifest.tsv` to" in status(results)
    (results / "dataset").rmdir()
    assert f"{path} is missing, so that no record is known to be of this data: add `-- {path}` to" in said
    assert said.startswith("demo: 96 cells: 48 done, 48 waiting\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(DATA, DATA[::-1]), "{path}: was changed since 20"),
        (lambda text: text[:-5], "{path}: is not JSON: "),
        (lambda text: "{}", "{path}: found no fingerprint; isojoule extract-features writes it; "),
    ],
)
def test_features_whose_statistics_are_broken_are_named_and_records_are_counted(results, demo, change, message):
    path = results / "features" / "statistics.json"
    seals.write_json(path, {"fingerprint": DATA}, "isojoule extract-features")
    path.write_text(change(path.read_text()))
    said = status(results)
    assert said.startswith("demo: 96 cells: 48 done, 48 waiting\n")
    assert f"\n{message.format(path=path)}" in said
    assert "; until then, cells are counted by code and configuration alone\n" in said
    reading.store(changed(demo, {"optimizer.learning_rate": 0.5}), results / "configuration.yaml")
    assert status(results).startswith("demo: 96 cells: 0 done, 96 waiting\n")


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"found no configuration\.yaml, expected the results of a study"):
        status(tmp_path)


def test_it_runs_while_snakemake_holds_the_folder(results):
    (results / "attempts" / "cpu-2threads").mkdir(parents=True)
    with (results / "attempts" / "cpu-2threads" / ".lock-0").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = subprocess.run(
            [sys.executable, "-m", "isojoule", "status", results], capture_output=True, text=True, check=True
        )
    assert "48 done" in ended.stdout


def test_what_a_killed_job_left_is_settled(results, demo):
    """A job of SLURM over its time writes nothing, and Snakemake removes the records of a job that failed."""
    journal = Journal(results)
    cell = Cell("cpu-2threads", "mlp-1x16", "train", 0)
    journal.begin(failed(demo, cell, "running", None))
    record = results / "records" / "cpu-1thread" / "mlp-1x16" / "train-0.json"
    content = record.read_bytes()
    record.unlink()
    as_it_is.settle(demo, results)
    assert record.read_bytes() == content
    assert status(results).startswith("demo: 96 cells: 48 done, 47 waiting, 1 failed\n")
    assert "lost: ended without a word" in status(results)
    outcomes = as_it_is.outcomes(demo, results)
    assert outcomes.pop(str(cell)) == "lost"
    assert list(outcomes.values()) == ["missing"] * 47


def test_an_attempt_whose_program_lives_is_not_settled(results, demo):
    journal = Journal(results)
    with journal.held("cpu-2threads", 0):
        journal.begin(failed(demo, Cell("cpu-2threads", "mlp-1x16", "train", 0), "running", None))
        as_it_is.settle(demo, results)
        assert status(results).startswith("demo: 96 cells: 48 done, 1 running, 47 waiting\n")


@pytest.mark.parametrize(
    ("scheduler", "persistence", "is_told"),
    [
        (None, None, True),
        (None, SimpleNamespace(_lockfile={}), True),
        (None, SimpleNamespace(_lockfile={"input": "lock"}), False),
        (object(), SimpleNamespace(_lockfile={"input": "lock"}), False),
    ],
)
def test_ctrl_c_is_remembered_and_ends_what_it_ended(scheduler, persistence, is_told, monkeypatch, capsys):
    """Before there is a lock to give back or a job to end, it ends the program at once."""
    monkeypatch.setattr(os, "_exit", sys.exit)
    workflow = SimpleNamespace(scheduler=scheduler, persistence=persistence)
    # whoever runs the tests in the background may have turned the signal off
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        as_it_is.listen_for_ctrl_c(workflow)
        assert not as_it_is.was_stopped(None)
        with pytest.raises(SystemExit if is_told else KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert capsys.readouterr().err == ("stopped by you; the same command goes on\n" if is_told else "")
        assert as_it_is.was_stopped(None)
    finally:
        signal.signal(signal.SIGINT, before)
        as_it_is._STOPPED_BY.clear()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace("saves 9", "saves 99"), "findings.csv: was changed since "),
        (lambda text: text[: text.rindex("b.csv")], "findings.csv: was changed since "),
    ],
)
def test_findings_that_were_changed_are_not_repeated(results, change, sentence):
    """They were, as if the analysis had found them."""
    path = results / "findings.csv"
    path.write_text("section,sentence,table\nenergy,mlp saves 90 %,a.csv\nenergy,it is estimated,b.csv\n")
    seals.seal(path, "isojoule tabulate-findings")
    assert "- mlp saves 90 % " in status(results)
    path.write_text(change(path.read_text()))
    said = status(results)
    assert f"what the last analysis found is not repeated: {results}/{sentence}" in said
    assert "saves" not in said


@pytest.mark.parametrize("content", [b"section,sentence,table\na,b\n", b'section,sentence,table\n"a', b"\xff\xfe"])
def test_a_broken_table_of_findings_is_said_and_the_rest_of_the_status_too(results, content):
    (results / "findings.csv").write_bytes(content)
    said = status(results)
    assert f"what the last analysis found is not repeated: {results}/findings.csv: " in said
    assert "cells" in said
