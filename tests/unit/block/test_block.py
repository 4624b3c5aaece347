"""A block brings its records up to date: what is measured, what is kept, in which order."""

import json
import shutil

import pytest
import torch
from blocks import GPU, TRAIN, records, up_to_date
from simulated import record
from studies import changed

from isojoule.errors import CompanyError, InputError
from isojoule.measuring import block
from isojoule.measuring.block import Block, shuffled
from isojoule.records import MeasurementRecord, read_record
from isojoule.records.certificate import read as read_certificate
from isojoule.study.cells import Cell
from isojoule.study.journal import Journal, retire_stale_records
from isojoule.workloads.tagging.sessions import Session


def test_every_cell_is_measured_once_in_a_shuffled_order_and_published(study, results, machine, measured):
    up_to_date(study, results, machine)
    order = shuffled(["mlp-1x4", "mlp-1x5", "mlp-1x6"], study.seed, GPU, 0)
    assert measured == [(name, phase) for name in order for phase in ("train", "test")]
    assert len(records(results)) == 6
    certificate = read_certificate(next((results / "certificates").iterdir()))
    for path in records(results).values():
        record = json.loads(path.read_text())
        assert record["outcome"] == "ok"
        assert record["provenance"]["attempt"] == 1
        assert record["place"] == order.index(record["architecture"])
        assert record["provenance"]["certificates"] == [certificate.name]
    assert (certificate.kind == "estimated") == ("estimated" in record["flags"])
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


def test_what_another_study_measured_is_kept_and_said_whose_it_is(study, results, machine, measured, capsys):
    up_to_date(study, results, machine, ["mlp-1x4"])
    measured.clear()
    up_to_date(changed(study, {"study": "renamed"}), results, machine, ["mlp-1x4"])
    assert measured == []
    assert "2 cells, 2 measured already (2 by the study demo)" in capsys.readouterr().out


def test_a_cell_that_leaves_the_journal_is_measured_again(study, results, machine, measured):
    up_to_date(study, results, machine, ["mlp-1x4", "mlp-1x5"])
    measured.clear()
    shutil.rmtree(results / "attempts" / GPU / "mlp-1x5")
    up_to_date(study, results, machine, ["mlp-1x4", "mlp-1x5"])
    assert measured == [("mlp-1x5", "train"), ("mlp-1x5", "test")]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"optimizer.learning_rate": 0.5}, ["train", "test"]),
        ({"phases.test.epochs": 2}, ["train", "test"]),
        ({f"gpus.{GPU}.partition": "elsewhere", f"gpus.{GPU}.constraint": "fast"}, []),
        ({"study": "renamed"}, []),
    ],
    ids=["learning rate", "epochs of test", "partition", "name"],
)
def test_a_change_measures_what_it_decides(study, results, machine, measured, values, expected):
    up_to_date(study, results, machine, ["mlp-1x4"])
    measured.clear()
    up_to_date(changed(study, values), results, machine, ["mlp-1x4"])
    assert [phase for _, phase in measured] == expected


def test_a_change_that_is_taken_back_measures_nothing(study, results, machine, measured):
    up_to_date(study, results, machine, ["mlp-1x4"])
    before = (results / "records" / GPU / "mlp-1x4" / "train-0.json").read_bytes()
    up_to_date(changed(study, {"optimizer.learning_rate": 0.5}), results, machine, ["mlp-1x4"])
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


def test_a_model_without_records_and_attempts_is_measured_again_and_without_records_put_back(
    study, results, machine, measured
):
    up_to_date(study, results, machine, ["mlp-1x4"])
    for parts, count in ((["records"], 0), (["records", "attempts"], 2)):
        measured.clear()
        for part in parts:
            shutil.rmtree(results / part / GPU / "mlp-1x4")
        up_to_date(study, results, machine, ["mlp-1x4"])
        assert len(measured) == count
        assert len(records(results)) == 2


def test_one_cell_that_fails_holds_up_no_other_and_comes_last_the_next_time(
    study, results, machine, monkeypatch, capsys
):
    first = shuffled(["mlp-1x4", "mlp-1x5", "mlp-1x6"], study.seed, GPU, 0)[0]
    broken = Session.run
    width = int(first.removeprefix("mlp-1x"))

    def fail(self, part_done=None):
        if self.model.output.in_features == width:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        broken(self)

    monkeypatch.setattr(Session, "run", fail)
    with pytest.raises(
        InputError, match=f"1 cell could not be measured, .* above\n.* {first} on {GPU}, train"
    ) as refused:
        up_to_date(study, results, machine)
    told = capsys.readouterr().out + str(refused.value)
    assert f"{first} on {GPU}, train, repeat 0: failed (RuntimeError: mat1 and mat2" in told
    assert told.count("mat1 and mat2") == 1, "a failure is told once"
    assert len(records(results)) == 4
    attempt = Journal(results).attempts(Cell(GPU, first, "train", 0))[0]
    assert (attempt.outcome, attempt.energy) == ("failed", None)
    monkeypatch.setattr(Session, "run", broken)
    up_to_date(study, results, machine)
    again = json.loads((results / "records" / GPU / first / "train-0.json").read_text())
    assert (again["outcome"], again["provenance"]["attempt"]) == ("ok", 2)


def test_a_test_that_failed_finds_the_weights_of_its_training(study, results, machine, monkeypatch, measured):
    test = Session._test

    def fail(self, numbers, total):
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
    def exhaust(self, part_done=None):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.30 GiB")

    monkeypatch.setattr(Session, "run", exhaust)
    up_to_date(study, results, machine, ["mlp-1x4"])
    outcomes = [json.loads(records(results)[f"{GPU}/mlp-1x4/{phase}-0.json"].read_text())["outcome"] for phase in
                ("train", "test")]  # fmt: skip
    assert outcomes == ["oom", "untrained"]
    measured.clear()
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == []


def test_out_of_memory_behind_other_cells_is_decided_by_a_fresh_process(study, results, machine, monkeypatch, measured):
    """What other cells left of the memory is no property of the architecture."""
    run, exhausted = Session.run, []

    def exhaust(self, part_done=None):
        if len(measured) > 2 and not exhausted:
            exhausted.append(True)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.30 GiB")
        return run(self)

    monkeypatch.setattr(Session, "run", exhaust)
    names = ["mlp-1x4", "mlp-1x5"]
    first = Block(study, GPU, 0, results, machine)
    first.measure(names)
    assert first.needs_fresh_process
    outcomes = {attempt.outcome for path in sorted((results / "attempts").rglob("*-0.1.json"))
                for attempt in [read_record(path, MeasurementRecord)]}  # fmt: skip
    assert "oom-once" in outcomes
    assert "oom" not in outcomes
    second = Block(study, GPU, 0, results, machine)
    assert second.measure(names) == 0
    assert not second.needs_fresh_process
    assert {json.loads(path.read_text())["outcome"] for path in records(results).values()} == {"ok"}


def test_what_was_out_of_memory_once_comes_first_and_is_then_final(study, results, machine, monkeypatch, measured):
    first = Block(study, GPU, 0, results, machine)
    first.measure(["mlp-1x4"])

    def exhaust(self, part_done=None):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Session, "run", exhaust)
    first.measure(["mlp-1x4", "mlp-1x5"])
    assert first.needs_fresh_process
    measured.clear()
    second = Block(study, GPU, 0, results, machine)
    second.measure(["mlp-1x4", "mlp-1x5"])
    assert measured[0] == ("mlp-1x5", "train")
    assert json.loads(records(results)[f"{GPU}/mlp-1x5/train-0.json"].read_text())["outcome"] == "oom"


def test_out_of_memory_behind_a_cell_that_failed_is_not_final_either(study, results, machine, monkeypatch, measured):
    """The cell that failed has used the process as well."""

    def fail(self, part_done=None):
        if len(measured) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(Session, "run", fail)
    with pytest.raises(InputError, match="the next attempt decides, in a fresh process"):
        Block(study, GPU, 0, results, machine).measure(["mlp-1x4", "mlp-1x5"])
    outcomes = [read_record(path, MeasurementRecord).outcome for path in (results / "attempts").rglob("*-0.1.json")]
    assert sorted(outcomes) == ["failed", "oom-once"]
    assert records(results) == {}


def test_company_on_a_gpu_is_refused_and_measured_another_time(study, results, machine, monkeypatch, capsys):
    def crowd(job):
        raise CompanyError("Tesla T4: found 9.0 GB of its memory taken by others; nothing was measured")

    monkeypatch.setattr(block, "measure", crowd)
    with pytest.raises(InputError, match="1 cell could not be measured"):
        Block(study, GPU, 0, results, machine).measure(["mlp-1x4"])
    assert "taken by others" in capsys.readouterr().out
    assert [attempt.outcome for attempt in Journal(results).attempts(TRAIN)] == ["refused"]
    assert records(results) == {}


def test_a_refusal_has_a_record_and_measures_nothing(study, results, machine, measured, monkeypatch):
    study = changed(study, {f"gpus.{GPU}.partition": "t4"})
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
    retire_stale_records(changed(study, {"optimizer.learning_rate": 0.5}), results)
    assert records(results) == {}
    assert len(Journal(results).attempts(TRAIN)) == 1
    assert "2 records are of other code, configuration or data, and kept in" in capsys.readouterr().err


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


TURNING = """
import torch
{at_import}
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(128 * 64, 10)
    def forward(self, values):
        {in_call}
        return self.layer(values.flatten(1))
"""


@pytest.mark.parametrize(
    ("at_import", "in_call", "said"),
    [
        ("torch.backends.cudnn.benchmark = True", "pass", "found torch.backends.cudnn.benchmark at True after"),
        ("torch.set_default_dtype(torch.float64)", "pass", "found torch.get_default_dtype() at torch.float64 after"),
        ("", "torch.set_num_threads(2)", "found torch.get_num_threads() at 2 after"),
        ("", "if self.training: torch.set_num_threads(2)", "found torch.get_num_threads() at 2 after"),
    ],
    ids=["at import", "so that the model has other numbers", "in every call", "in the window alone"],
)
def test_a_module_that_turns_a_switch_of_torch_is_refused_and_others_are_not(
    study, results, machine, monkeypatch, tmp_path, capsys, at_import, in_call, said
):
    name = f"turning_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(TURNING.format(at_import=at_import, in_call=in_call))
    monkeypatch.syspath_prepend(str(tmp_path))
    custom = [{"name": "a-turning-net", "model": f"{name}:Net"}]
    both = changed(study, {"architectures.custom": custom})
    with pytest.raises(InputError, match="1 cell could not be measured"):
        up_to_date(both, results, machine, ["a-turning-net", "mlp-1x4"])
    assert f"{said} {name}:Net ran, expected " in capsys.readouterr().out
    assert [path for path in records(results) if "mlp-1x4" in path]
    assert not [path for path in records(results) if "turning" in path]
