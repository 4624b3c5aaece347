"""A broken file between two stages ends in a sentence, with a seal or without one as of an older isojoule."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from simulated import record

from isojoule import seals
from isojoule.errors import InputError
from isojoule.files import seal_beside
from isojoule.fronts import of_study
from isojoule.records import MeasurementRecord, read_record
from isojoule.records.writing import write_record
from isojoule.report.analysis_tables import TABLES, read_tables
from isojoule.report.page import render
from isojoule.study.cells import cells
from isojoule.tables import measurements
from isojoule.tables.writing import write_table
from isojoule.workloads import extracted
from isojoule.workloads.tagging.features import Features
from isojoule.workloads.tagging.manifest import Clip, read_manifest, write_manifest
from isojoule.workloads.waveflow.sessions import Speech

many = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def broken(draw):
    """A change of the bytes of a file: a cut, flipped bits, a part twice, bytes in between, or nothing left."""
    kind = draw(st.sampled_from(["cut", "flip", "twice", "between", "empty", "line"]))
    places = draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=2))
    extra = draw(st.binary(min_size=1, max_size=8) | st.sampled_from([b",", b"\t", b"\n", b'"', b"\0", b"1e999", b"-"]))

    def change(content):
        first, last = sorted(int(place * len(content)) for place in places)
        if kind == "cut":
            return content[:first]
        if kind == "flip" and content:
            return content[:first] + bytes([content[first] ^ extra[0] or 255]) + content[first + 1 :]
        if kind == "twice":
            return content[:last] + content[first:]
        if kind == "between":
            return content[:first] + extra + content[first:]
        if kind == "line":
            lines = content.splitlines(keepends=True)
            return b"".join(lines[:1] + lines[2:])
        return b""

    return change


def is_read_or_refused(read, path):
    """Call a reader; any exception but a sentence with the name of the file fails the test, and so does a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read(path)
        except InputError as error:
            sentence = str(error)
    assert path.name in sentence
    assert "\n" not in sentence
    return None


@pytest.fixture(scope="module")
def found(small):
    return of_study.fronts(small, draws=5)


@pytest.fixture(scope="module")
def tables(found, tmp_path_factory):
    """The CSV files that the page is made of, without a seal."""
    folder = tmp_path_factory.mktemp("tables")
    claims = {"gpu": ["t4"], "energy_kind": ["measured"], "section": ["3"], "claim": ["a"], "criterion": ["b"],
              "found": ["0.9"], "holds": ["yes"]}  # fmt: skip
    contents = {
        "fronts": found.table,
        "summary": found.summary,
        "stability": found.stability,
        "claims": pd.DataFrame(claims),
        "findings": pd.DataFrame({"topic": ["a"], "sentence": ["b"], "section": ["fronts"], "table": ["c.csv"]}),
        "ranking": pd.DataFrame(
            {"rank": [1, 2], "phase": "train", "scheme": "shuffle", "pair": "all pairs", "references": 8,
             "method": ["ratio", "affine"], "sampling": "all", "mdape_median_percent": [3.5, 4.5],
             "ape90_percent": 9.5, "kendall_tau": 0.9, "r2": 0.8, "published": [True, False],
             "default": [False, True]}
        ),
        "references": pd.DataFrame(
            {"phase": ["train"], "references": [4], "reference_names": ["a; b"], "mdape_percent": [5.5],
             "mdape_low_percent": [4.5], "mdape_high_percent": [6.5], "to_publish": [True]}
        ),
        "literature": pd.DataFrame(
            {"model": ["a"], "gpu": ["V100"], "gpus": [8], "power_w": [300.5], "hours": [12.5], "energy_kwh": [30.5],
             "emissions_kg_co2e": [9.5], "us_person_days": [1.5]}
        ),
    }  # fmt: skip
    paths = {}
    for name, (path, _) in TABLES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        contents[name].to_csv(folder / path, index=False)
        paths[path] = folder / path
    return paths


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=broken())
def test_a_broken_table_of_the_page_is_read_or_refused(tables, name, change, tmp_path_factory):
    path, _ = TABLES[name]
    content = tables[path].read_bytes()
    file = tmp_path_factory.mktemp("broken") / tables[path].name
    file.write_bytes(change(content))
    is_read_or_refused(lambda file: read_tables({path: file}), file)


@pytest.mark.parametrize(
    ("name", "column", "value", "message"),
    [
        ("fronts", "cost_mean", "1.2x", r"fronts\.csv: column cost_mean: found 1\.2x in line 2, expected a number"),
        ("fronts", "cost_mean", "inf", r"fronts\.csv: column cost_mean: found inf in line 2, expected a finite number"),
        ("fronts", "verdict", "optimum", r"column verdict: found optimum in line 2, expected one of optimal, within"),
        ("fronts", "cost", "energy", r"column cost: found energy in line 2, expected one of energy_kwh, "),
        ("fronts", "phase", "tran", r"column phase: found tran in line 2, expected one of nothing, train, test"),
        ("fronts", "architecture", None, r"column architecture: found nothing in line 2, expected a word"),
        ("stability", "front_jaccard", "x", r"y\.csv: column front_jaccard: found x in line 2, expected a number"),
        ("ranking", "default", "Tru", r"ranking\.csv: column default: found Tru in line 2, expected True or False"),
        ("literature", "energy_kwh", "3O", r"training\.csv: column energy_kwh: found 3O in line 2, expected a number"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_line(tables, tmp_path, name, column, value, message):
    path, _ = TABLES[name]
    frame = pd.read_csv(tables[path]).astype(object)
    frame.loc[0, column] = value
    frame.to_csv(tmp_path / tables[path].name, index=False)
    with pytest.raises(InputError, match=message):
        read_tables({path: tmp_path / tables[path].name})


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=broken(), name=st.sampled_from(list(TABLES)))
def test_a_page_is_made_of_broken_tables_or_refused(tables, small, change, name, tmp_path_factory):
    path, _ = TABLES[name]
    folder = tmp_path_factory.mktemp("page")
    file = folder / tables[path].name
    file.write_bytes(change(tables[path].read_bytes()))

    def made(file):
        return render((folder / "measurements.parquet", small), {**tables, path: file}, [])

    is_read_or_refused(made, file)


@pytest.mark.parametrize("name", TABLES)
def test_a_page_needs_no_column_that_its_reader_does_not_ask_for(tables, small, name, tmp_path):
    path, expected = TABLES[name]
    asked = {*expected.words, *expected.optional, *expected.numbers, *expected.flags, *expected.choices}
    pd.read_csv(tables[path])[list(asked)].to_csv(tmp_path / tables[path].name, index=False)
    given = {**tables, path: tmp_path / tables[path].name}
    assert "</html>" in render((tmp_path / "m.parquet", small), given, [])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=broken())
def test_a_broken_table_of_measurements_is_read_or_refused(small, change, tmp_path_factory):
    folder = tmp_path_factory.mktemp("measurements")
    for name, write in (("m.csv", small.head(20).to_csv), ("m.parquet", small.head(20).to_parquet)):
        write(folder / name, index=False)
        (folder / name).write_bytes(change((folder / name).read_bytes()))
        is_read_or_refused(measurements.read, folder / name)


def test_broken_metadata_of_pandas_are_refused(small, tmp_path):
    file = tmp_path / "m.parquet"
    small.head(3).to_parquet(file, index=False)
    file.write_bytes(file.read_bytes().replace(b'"pandas_type"', b'"pandas_typo"'))
    is_read_or_refused(measurements.read, file)


@many
@given(change=broken())
def test_a_broken_manifest_is_read_or_refused(change, tmp_path_factory):
    path = tmp_path_factory.mktemp("manifest") / "manifest.tsv"
    write_manifest(path, [Clip(f"a{number}.wav", "train", "Dog", 1.5, 16000, 1) for number in range(4)])
    path.write_bytes(change(path.read_bytes()))
    is_read_or_refused(read_manifest, path)


@many
@given(change=broken())
def test_a_broken_array_is_read_or_refused(change, tmp_path_factory):
    path = tmp_path_factory.mktemp("array") / "features.npy"
    np.save(path, np.ones((4, 3, 2), np.float32))
    path.write_bytes(change(path.read_bytes()))
    read = is_read_or_refused(lambda path: extracted.array(path, np.float32, (4, 3, None)), path)
    assert read is None or read.shape[:2] == (4, 3)


@many
@given(change=broken())
def test_broken_statistics_are_read_or_refused(change, tmp_path_factory):
    path = tmp_path_factory.mktemp("statistics") / "statistics.json"
    path.write_text('{"clips": 4, "mean": -3.5, "std": 1.25, "fingerprint": "0123456789abcdef"}\n')
    path.write_bytes(change(path.read_bytes()))
    read = is_read_or_refused(lambda path: extracted.statistics(path.parent), path)
    assert read is None or (np.isfinite(read).all() and read[1] > 0)


@pytest.fixture
def features(tmp_path, demo):
    """Features of four clips, as an older isojoule left them."""
    shape = (4, demo.mel.n_mels, demo.mel.n_frames)
    np.save(tmp_path / "features.npy", np.zeros(shape, np.float32))
    np.save(tmp_path / "targets.npy", np.eye(4, 10, dtype=np.float32))
    (tmp_path / "statistics.json").write_text('{"mean": 0.0, "std": 1.0, "fingerprint": "0"}')
    write_manifest(tmp_path / "manifest.tsv", [Clip("a.wav", "train,test", "Dog", 1.5, 16000, 1)] * 4)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("features.npy", b"", r"features\.npy: is not an array that can be read: .*; isojoule extract-features"),
        ("targets.npy", np.eye(3, 10, dtype=np.float32), r"targets\.npy: found an array of float32 in the shape \(3, "),
        ("targets.npy", np.full((4, 10), 0.5, np.float32), r"targets\.npy: found other values than 0 and 1"),
        ("targets.npy", np.eye(4, 10), r"targets\.npy: found an array of float64 .* expected one of float32"),
        ("features.npy", np.zeros((4, 2, 2), np.float32), r"features\.npy: found an array of float32 in the shape"),
        ("statistics.json", b'{"mean": 0.0, "std": NaN}', r"statistics\.json: std: found nan"),
        ("statistics.json", b'{"mean": 0.0, "std": 0}', r"statistics\.json: std: found 0"),
        ("statistics.json", b"[]", r"statistics\.json: the file: found \[\]"),
        ("manifest.tsv", b"path\tsplit\n", r"manifest\.tsv: found no clip, expected some"),
        ("manifest.tsv", b"path\tsplit\na.wav\ttrain\n", r"is not a manifest: line 2: found no column lab"),
        ("manifest.tsv", b"path\tsplit\na.wav\ttrain\tb\n", r"line 2: found not as many values as in the header"),
    ],
)  # fmt: skip
def test_features_that_do_not_go_together_are_refused(features, demo, name, content, message):
    Features(features, demo.mel)
    if isinstance(content, bytes):
        (features / name).write_bytes(content)
    else:
        np.save(features / name, content)
    with pytest.raises(InputError, match=message):
        Features(features, demo.mel)


@pytest.mark.parametrize(
    ("clips", "frames", "message"),
    [
        ([[0, 3, 0], [3, 2, 1]], 5, None),
        ([[0, 3, 0], [4, 2, 1]], 5, r"clips\.npy: found clips that do not follow one another"),
        ([[0, 3, 0], [3, 2, 7]], 5, r"clips\.npy: found clips that do not follow one another"),
        ([[0, 3, 1], [3, 2, 1]], 5, r"clips\.npy: found no clip to train on"),
        (
            [[0, 3, 0], [3, 2, 1]],
            4,
            r"audio\.npy: found an array of int16 in the shape \(1024,\), .* \(1280\)",
        ),
    ],
)
def test_speech_that_does_not_go_together_is_refused(tmp_path, clips, frames, message):
    np.save(tmp_path / "clips.npy", np.array(clips))
    np.save(tmp_path / "audio.npy", np.zeros(256 * frames, np.int16))
    np.save(tmp_path / "mels.npy", np.zeros((frames, 4), np.float32))
    (tmp_path / "statistics.json").write_text('{"mean": 0.0, "std": 1.0}')
    if message is None:
        assert len(Speech(tmp_path, "train").clips) == 1
        return
    with pytest.raises(InputError, match=message):
        Speech(tmp_path, "train")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=broken())
def test_a_broken_record_is_what_was_written_or_refused(demo, change, tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "train-0.json"
    written = record(demo, cells(demo)[0])
    write_record(path, written)
    path.write_bytes(change(path.read_bytes()))
    read = is_read_or_refused(lambda path: read_record(path, MeasurementRecord), path)
    assert read is None or read.model_dump() == written.model_dump()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=broken(), name=st.sampled_from(["m.csv", "m.parquet"]))
def test_a_broken_sealed_table_is_what_was_written_or_refused(small, change, name, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / name
    write_table(small.head(20), path, "isojoule aggregate")
    written = measurements.read(path)
    path.write_bytes(change(path.read_bytes()))
    read = is_read_or_refused(measurements.read, path)
    assert read is None or read.equals(written)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=broken())
def test_a_broken_seal_hides_no_change(change, tmp_path_factory):
    path = tmp_path_factory.mktemp("seal") / "fronts.csv"
    path.write_text("cost,value\nenergy_kwh,1.5\n")
    seals.seal(path, "isojoule compare-fronts")
    content = seal_beside(path).read_bytes()
    path.write_text("cost,value\nenergy_kwh,1500\n")
    seal_beside(path).write_bytes(change(content))
    assert is_read_or_refused(seals.check, path) is None


def test_names_that_look_alike_are_asked_about(tmp_path):
    names = ["caf\u00e9", "cafe\u0301", "m-1"]
    rows = pd.DataFrame({"gpu": "t4", "architecture": names, "phase": "train", "energy_kwh": 1.0})
    rows.to_csv(tmp_path / "t.csv", index=False)
    said = "\n".join(measurements.read_told(tmp_path / "t.csv")[1])
    assert "column architecture: caf\u00e9 and 'cafe\\u0301' count as 2" in said


def test_lists_in_a_column_of_parquet_are_no_names_and_elsewhere_no_matter(tmp_path):
    rows = pd.DataFrame(
        {"gpu": "t4", "architecture": ["m"], "phase": "train", "energy_kwh": 1.0, "notes": [["a", "b"]]}
    )
    rows.to_parquet(tmp_path / "t.parquet")
    assert len(measurements.read(tmp_path / "t.parquet")) == 1
    rows.assign(architecture=[["m"]]).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"column architecture: found list<.*> in every row, expected one value"):
        measurements.read(tmp_path / "t.parquet")


def test_a_column_twice_in_parquet_is_named(tmp_path):
    table = pa.table({"gpu": ["t4"], "architecture": ["m"], "phase": ["train"], "energy_kwh": [1.0]})
    parquet.write_table(table.append_column("energy_kwh", pa.array([2.0])), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="found the column energy_kwh twice, expected each once"):
        measurements.read(tmp_path / "t.parquet")
