"""What lies in the results of a study and is not what its stage wrote is told by name, and measures nothing again."""

import json
import shutil

import pytest
from blocks import GPU, records, up_to_date

from isojoule.errors import InputError
from isojoule.records import MeasurementRecord, read_record
from isojoule.seals import ChangedError
from isojoule.workloads.tagging.sessions import Session


def edited(path, factor=1000):
    """Multiply the energy of a record as a slip of an editor would."""
    content = json.loads(path.read_text())
    content["energy"]["cpu"]["energy_kwh"] *= factor
    path.write_text(json.dumps(content, indent=2))


def test_an_edited_attempt_is_refused_and_not_measured_again(study, results, machine, measured):
    up_to_date(study, results, machine, ["mlp-1x4"])
    measured.clear()
    attempt = results / "attempts" / GPU / "mlp-1x4" / "train-0.1.json"
    edited(attempt)
    with pytest.raises(ChangedError, match=r"attempts/.*train-0\.1\.json: was changed since .* `isojoule measure`"):
        up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == []


def test_an_edited_record_is_put_back_from_the_journal(study, results, machine, measured):
    up_to_date(study, results, machine, ["mlp-1x4"])
    measured.clear()
    before = {name: path.read_bytes() for name, path in records(results).items()}
    published = results / "records" / GPU / "mlp-1x4" / "train-0.json"
    edited(published)
    with pytest.raises(ChangedError, match=r"records/.*train-0\.json: was changed since .* `isojoule measure`"):
        read_record(published, MeasurementRecord)
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == []
    assert {name: path.read_bytes() for name, path in records(results).items()} == before


def test_an_attempt_of_before_seals_is_kept_as_it_is(study, results, machine, measured):
    up_to_date(study, results, machine, ["mlp-1x4"])
    measured.clear()
    for path in [*(results / "attempts").rglob("*.json"), *records(results).values()]:
        content = json.loads(path.read_text())
        del content["seal"]
        path.write_text(json.dumps(content, indent=2))
    before = {name: path.read_bytes() for name, path in records(results).items()}
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == []
    assert {name: path.read_bytes() for name, path in records(results).items()} == before
    assert all(b"seal" not in content for content in before.values())


@pytest.mark.parametrize("name", ["train-1.1", "train-0.2", f"train-0.{10**30}"])
def test_an_attempt_under_the_name_of_another_is_refused(study, results, machine, measured, name):
    up_to_date(study, results, machine, ["mlp-1x4"])
    measured.clear()
    folder = results / "attempts" / GPU / "mlp-1x4"
    shutil.copyfile(folder / "train-0.1.json", folder / f"{name}.json")
    with pytest.raises(InputError, match="found attempt 1 at mlp-1x4 on cpu-1thread, train, repeat 0, expected att"):
        up_to_date(study, results, machine, ["mlp-1x4"], repeat=int(name.split(".")[0][-1]))
    assert measured == []


def test_weights_that_were_changed_are_trained_again(study, results, machine, monkeypatch, measured, capsys):
    test = Session._test

    def fail(self, numbers, total):
        raise RuntimeError("no")

    monkeypatch.setattr(Session, "_test", fail)
    with pytest.raises(InputError):
        up_to_date(study, results, machine, ["mlp-1x4"])
    monkeypatch.setattr(Session, "_test", test)
    (weights,) = results.rglob("*.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    measured.clear()
    up_to_date(study, results, machine, ["mlp-1x4"])
    assert measured == [("mlp-1x4", "train"), ("mlp-1x4", "test")]
    assert "mlp-1x4-0.safetensors: was changed since" in capsys.readouterr().err
    assert not [path for path in (results / "checkpoints").rglob("*") if path.is_file()]
