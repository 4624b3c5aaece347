"""What a stage wrote and somebody changed is seen by the next stage, whatever the change; how it is written is free."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import record, write_results

from isojoule import seals
from isojoule.errors import InputError
from isojoule.files import seal_beside
from isojoule.records import MeasurementRecord, read_record
from isojoule.records.writing import as_text, write_record
from isojoule.seals import ChangedError
from isojoule.study.cells import cells
from isojoule.tables.aggregation import aggregate

ARRAY = np.arange(24, dtype=np.float32).reshape(4, 6)
CSV = "cost,value\nenergy_kwh,1.5\nflops,2.5\n"


@pytest.fixture
def measured(demo, tmp_path):
    path = tmp_path / "train-0.json"
    write_record(path, record(demo, cells(demo)[0]))
    return path


def leaves(content, path=()):
    """Yield the path to every value of a JSON object."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, (*path, key))
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from leaves(value, (*path, number))
    else:
        yield path


def changed_at(content, path):
    """Return a JSON object with another value of the same kind at a path."""
    content = json.loads(json.dumps(content))
    holder = content
    for key in path[:-1]:
        holder = holder[key]
    value = holder[path[-1]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        holder[path[-1]] = value * 1000 + 1
    else:
        holder[path[-1]] = f"{value}x" if isinstance(value, str) else "x"
    return content


def test_a_change_of_any_field_of_a_record_is_refused(measured):
    content = json.loads(measured.read_text())
    paths = [path for path in leaves(content) if path[0] != "seal"]
    assert len(paths) > 50
    for path in paths:
        measured.write_text(json.dumps(changed_at(content, path), indent=2))
        with pytest.raises(InputError, match=r"train-0\.json: "):
            read_record(measured, MeasurementRecord)


def test_an_energy_times_a_thousand_is_named_with_its_file_and_command(measured):
    content = json.loads(measured.read_text())
    content["energy"]["cpu"]["energy_kwh"] *= 1000
    measured.write_text(json.dumps(content, indent=2))
    os.utime(measured, (0, 1_800_000_000))
    with pytest.raises(ChangedError) as refused:
        read_record(measured, MeasurementRecord)
    made_at = content["seal"]["made_at"]
    assert str(refused.value) == (
        f"{measured}: was changed since {made_at}, when `isojoule measure` made it (it was last written at "
        "2027-01-15T08:00:00+00:00): its fields are not those that were sealed; put it back, or remove it and let that "
        "command make it again, in a study by `snakemake --forcerun measure`; a version of your own needs another name"
    )


def test_a_key_behind_the_seal_is_seen(measured):
    content = json.loads(measured.read_text())
    content["energy"]["cpu"]["energy_kwh"] = 5.0
    last = ',\n "energy": ' + json.dumps(content["energy"]) + "}"
    measured.write_text(measured.read_text().rstrip().removesuffix("}") + last)
    with pytest.raises(ChangedError):
        read_record(measured, MeasurementRecord)


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_how_the_fields_are_written_is_free(measured, indent):
    before = read_record(measured, MeasurementRecord)
    measured.write_text(json.dumps(json.loads(measured.read_text()), indent=indent))
    assert read_record(measured, MeasurementRecord) == before
    assert seals.check(measured)


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)
objects = st.dictionaries(
    st.text().filter(lambda key: key != "seal"),
    st.recursive(st.none() | st.booleans() | numbers | st.text(), lambda inner: st.lists(inner, max_size=3)),
    min_size=1,
    max_size=5,
)


@given(content=objects)
def test_any_json_object_is_sealed_and_read(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "any.json"
    path.write_text(json.dumps(content))
    assert not seals.check(path)
    seals.write_json(path, content, "isojoule measure")
    assert seals.check(path)
    fields = json.loads(path.read_text())
    del fields["seal"]
    assert fields == content


def test_a_record_of_before_seals_is_read(measured, demo):
    content = json.loads(measured.read_text())
    del content["seal"]
    measured.write_text(json.dumps(content))
    old = read_record(measured, MeasurementRecord)
    assert old.seal is None
    assert old.energy.cpu.energy_kwh == 1e-3
    assert json.loads(as_text(old))["seal"]["made_by"] == "isojoule measure"


def test_a_seal_that_is_none_is_refused(measured):
    content = json.loads(measured.read_text())
    content["seal"]["sha256"] = "0"
    measured.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"seal\.sha256"):
        read_record(measured, MeasurementRecord)
    with pytest.raises(InputError, match="seal: is not a seal"):
        seals.check(measured)


def test_an_array_is_sealed_by_its_values_and_not_by_its_header(tmp_path):
    path = tmp_path / "features.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(file, {"descr": "<f4", "fortran_order": False, "shape": ARRAY.shape})
        file.write(ARRAY.tobytes())
    assert not seals.check(path)
    seals.seal(path, "isojoule extract-features")
    np.save(path, ARRAY)
    assert seals.check(path)
    for other in (ARRAY + 1, ARRAY.reshape(6, 4), ARRAY.view(np.int32), ARRAY[:3], np.asfortranarray(ARRAY)):
        np.save(path, other)
        with pytest.raises(ChangedError, match="isojoule extract-features"):
            seals.check(path)
    path.write_bytes(b"")
    with pytest.raises(ChangedError, match="found no rows, expected 4 rows"):
        seals.check(path)


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_of_an_array_is_seen(position, bit, tmp_path_factory):
    path = tmp_path_factory.mktemp("flipped") / "features.npy"
    np.save(path, ARRAY)
    seals.seal(path, "isojoule extract-features")
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1 << bit
    path.write_bytes(content)
    try:
        assert seals.check(path)
    except ChangedError:
        return
    assert np.array_equal(np.load(path), ARRAY), "a space of the header, which is no value"


def test_a_table_is_sealed_by_its_lines_whatever_ends_them(tmp_path):
    path = tmp_path / "fronts.csv"
    path.write_text(CSV)
    seals.seal(path, "isojoule compare-fronts")
    assert pd.read_csv(path)["value"].tolist() == [1.5, 2.5]
    for content in (CSV.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + CSV.encode()):
        path.write_bytes(content)
        assert seals.check(path)
    path.write_text(CSV[: CSV.index("flops")])
    with pytest.raises(
        ChangedError, match=r"fronts\.csv: was changed .*: found 1 row, expected 2 rows; .*compare_fronts"
    ):
        seals.check(path)
    path.write_text(CSV.replace("2.5", "2.6"))
    with pytest.raises(ChangedError, match="its content is not what was sealed"):
        seals.check(path)


def test_a_table_without_a_seal_is_anybodys(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(CSV)
    assert not seals.check(path)
    seal_beside(path).write_text("{}")
    with pytest.raises(InputError, match=r"\.mine\.csv\.seal: is not a seal: .*; without this file mine\.csv is read"):
        seals.check(path)


def test_a_parquet_file_is_sealed_with_its_rows(tmp_path):
    path = tmp_path / "errors.parquet"
    frame = pd.DataFrame({"phase": ["train", "test"], "mdape_percent": [1.0, 2.0]})
    frame.to_parquet(path)
    seals.seal(path, "isojoule evaluate-normalization")
    assert seals.check(path)
    frame.iloc[:1].to_parquet(path)
    with pytest.raises(ChangedError, match="found 1 row, expected 2 rows"):
        seals.check(path)
    frame.assign(mdape_percent=[1.0, 2.5]).to_parquet(path)
    with pytest.raises(ChangedError, match="its content is not"):
        seals.check(path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ChangedError, match="found no rows, expected 2 rows"):
        seals.check(path)


def test_a_record_without_a_seal_is_flagged_in_the_table(demo, tmp_path):
    write_results(demo, tmp_path)
    cell = cells(demo)[0]
    path = tmp_path / "records" / cell.gpu / cell.architecture / f"{cell.phase}-{cell.repeat}.json"
    path.write_text(record(demo, cell).model_dump_json())
    flags = aggregate(demo, tmp_path)["flags"].fillna("").str.split()
    assert "not-sealed" in flags.iloc[0]
    assert not any("not-sealed" in names for names in flags.iloc[1:])


def test_an_edited_record_or_count_makes_no_table(demo, tmp_path):
    write_results(demo, tmp_path)
    for folder, edited in (("records", ("energy", "cpu", "energy_kwh")), ("compute", ("parameters",))):
        path = next((tmp_path / folder).rglob("*.json"))
        before = path.read_text()
        path.write_text(json.dumps(changed_at(json.loads(before), edited), indent=2))
        with pytest.raises(InputError, match=f"{path.name}: was changed since"):
            aggregate(demo, tmp_path)
        path.write_text(before)
    assert len(aggregate(demo, tmp_path)) == len(cells(demo))


@pytest.mark.parametrize("length", [1, 15, 16, 17, 96])
def test_every_byte_of_a_long_array_counts(monkeypatch, tmp_path, length):
    """Blocks of an array are hashed beside each other."""
    monkeypatch.setattr(seals, "BLOCK_BYTES", 16)
    path = tmp_path / "audio.npy"
    np.save(path, np.arange(length, dtype=np.int8))
    seals.seal(path, "isojoule extract-features")
    assert seals.check(path).rows == length
    for position in range(length):
        values = np.arange(length, dtype=np.int8)
        values[position] ^= 1
        np.save(path, values)
        with pytest.raises(ChangedError):
            seals.check(path)
    if length == 96:
        np.save(path, np.roll(np.arange(length, dtype=np.int8), 16))
        with pytest.raises(ChangedError):
            seals.check(path)
