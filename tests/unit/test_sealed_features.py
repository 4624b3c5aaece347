"""Manifest and features that somebody changed are told by name, before anything is extracted or measured of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import isojoule

from isojoule import seals

PROJECT = Path(__file__).parents[2]
MEASURE = ("measure", "--config", "study.yaml", "--gpu", "here", "--results", "results")
EXTRACT = ("extract-features", "--config", "study.yaml", "--dataset", "results/dataset", "--output", "results/features")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the data and the features of a tiny study, as the commands leave them."""
    folder = tmp_path_factory.mktemp("study")
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    content |= {
        "dataset": {"source": "synthetic", "train_clips": 20, "test_clips": 20},
        "architectures": {"mlp": [{"layers": 1, "hidden": 4}]},
        "gpus": {"here": {"device": "cpu"}},
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100, "idle_s": 0},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    for words in (("prepare-dataset", "--config", "study.yaml", "--output", "results/dataset"), EXTRACT):
        ended = isojoule(*words, cwd=folder)
        assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "here")
    return tmp_path / "here"


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def invert(path):
    np.save(path, 1 - np.load(path))


def exchange(path):
    lines = path.read_text().splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    path.write_text("".join(lines))


def shorten(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-3]))


def not_a_number(path):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"std": float("nan")}))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("features.npy", flip),
        ("features.npy", empty),
        ("targets.npy", invert),
        ("targets.npy", flip),
        ("manifest.tsv", exchange),
        ("manifest.tsv", shorten),
        ("statistics.json", not_a_number),
    ],
)
def test_nothing_is_measured_of_features_that_were_changed(folder, name, change):
    change(folder / "results" / "features" / name)
    ended = isojoule(*MEASURE, cwd=folder)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: results/features/{name}: was changed since 20")
    assert "`isojoule extract-features` made it" in ended.stderr
    assert "`snakemake --forcerun extract_features`" in ended.stderr
    assert not list((folder / "results").rglob("attempts/*/*/*.json"))


@pytest.mark.parametrize("change", [exchange, shorten, flip, empty])
def test_nothing_is_extracted_of_a_manifest_that_was_changed(folder, change):
    change(folder / "results" / "dataset" / "manifest.tsv")
    ended = isojoule(*EXTRACT, cwd=folder)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: results/dataset/manifest.tsv: was changed since 20")
    assert "`snakemake --forcerun prepare_dataset`" in ended.stderr


def test_nothing_is_extracted_of_clips_that_were_changed(folder):
    audio = folder / "results" / "dataset" / "audio"
    flip(audio / "train_00003.flac")
    (audio / "test_00001.flac").unlink()
    ended = isojoule(*EXTRACT, cwd=folder)
    assert (ended.returncode, ended.stderr) == (
        2,
        "error: 2 files were changed or removed since `isojoule prepare-dataset` read the data; put back what it "
        "read, or call that command again, in a study by `snakemake --forcerun prepare_dataset`\n       "
        "results/dataset/audio/train_00003.flac\n       results/dataset/audio/test_00001.flac\n",
    )


def test_clips_that_are_decoded_again_are_checked_before_they_are_measured(folder):
    flip(folder / "results" / "dataset" / "audio" / "train_00003.flac")
    settings = folder / "study.yaml"
    settings.write_text(yaml.safe_dump(yaml.safe_load(settings.read_text()) | {"features": "in_loop"}))
    ended = isojoule(*MEASURE, cwd=folder)
    assert ended.returncode == 2
    assert ended.stderr.startswith(
        "error: 1 file was changed or removed since `isojoule prepare-dataset` read the data"
    )
    assert not list((folder / "results").rglob("attempts/*/*/*.json"))


def test_clips_of_a_manifest_without_hashes_are_extracted_unchecked(folder):
    manifest = folder / "results" / "dataset" / "manifest.tsv"
    rows = [line.rpartition("\t")[0] for line in manifest.read_text().splitlines()]
    manifest.write_text("\n".join(rows) + "\n")
    (manifest.parent / ".manifest.tsv.seal").unlink()
    ended = isojoule(*EXTRACT, cwd=folder)
    assert ended.returncode == 0, ended.stderr


def test_features_of_another_extraction_are_refused_though_they_are_sealed(folder):
    features = folder / "results" / "features" / "features.npy"
    np.save(features, np.load(features) + 1)
    seals.seal(features, "isojoule extract-features")
    ended = isojoule(*MEASURE, cwd=folder)
    assert (ended.returncode, ended.stderr) == (
        2,
        "error: results/features/features.npy: was changed, or is of another extraction than statistics.json; "
        "isojoule extract-features makes both\n",
    )


def test_what_was_extracted_is_measured_and_what_is_older_than_seals_too(folder):
    ended = isojoule(*MEASURE, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert "sealed" not in ended.stdout
    measured = sorted((folder / "results" / "attempts").rglob("*.1.json"))
    features = folder / "results" / "features"
    for path in features.glob(".*.seal"):
        path.unlink()
    shutil.copytree(features, folder / "copied")
    shutil.move(folder / "results" / "records", folder / "kept")
    shutil.move(folder / "results" / "attempts", folder / "kept-attempts")
    ended = isojoule(*MEASURE, cwd=folder)
    assert ended.returncode == 0, f"a copy that lost the seals beside the files: {ended.stderr}"
    assert "sealed" not in ended.stdout, "the statistics name the hashes"
    for name in ("records", "attempts"):
        shutil.rmtree(folder / "results" / name)
    flipped = bytearray((features / "features.npy").read_bytes())
    flipped[-1] ^= 1
    (features / "features.npy").write_bytes(flipped)
    ended = isojoule(*MEASURE, cwd=folder)
    assert ended.returncode != 0, "the sealed statistics name the hash"
    assert "features.npy: was changed, or is of another extraction than statistics.json" in ended.stderr
    shutil.rmtree(features)
    for kept, name in (("copied", "features"), ("kept", "records"), ("kept-attempts", "attempts")):
        shutil.rmtree(folder / "results" / name, ignore_errors=True)
        shutil.move(folder / kept, folder / "results" / name)
    statistics = json.loads((features / "statistics.json").read_text())
    del statistics["seal"], statistics["sha256"]
    (features / "statistics.json").write_text(json.dumps(statistics))
    for path in measured:
        record = json.loads(path.read_text())
        del record["seal"]
        path.write_text(json.dumps(record))
    ended = isojoule(*MEASURE, cwd=folder)
    assert "2 cells, 2 measured already" in ended.stdout, "nothing is measured again for the want of a seal"
    shutil.rmtree(folder / "results" / "attempts")
    ended = isojoule(*MEASURE, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert (
        "results/features: not sealed, nobody can tell whether it was changed: features.npy, targets.npy, "
        "manifest.tsv, statistics.json" in ended.stdout
    )


def fingerprint(folder):
    return json.loads((folder / "results" / "features" / "statistics.json").read_text())["fingerprint"]


def test_the_fingerprint_of_data_is_of_what_is_measured_and_not_of_where_it_lies(folder):
    first = fingerprint(folder)
    dataset = folder / "results" / "dataset"
    shutil.copytree(dataset, folder / "moved")
    manifest = folder / "moved" / "manifest.tsv"
    manifest.write_text(manifest.read_text().replace("results/dataset/", "moved/"))
    (folder / "moved" / ".manifest.tsv.seal").unlink()
    there = ("extract-features", "--config", "study.yaml", "--dataset", "moved", "--output", "results/features")
    assert isojoule(*there, cwd=folder).returncode == 0
    assert fingerprint(folder) == first
    manifest.write_text(manifest.read_text().replace("\ttest\t", "\ttrain,test\t", 1))
    assert isojoule(*there, cwd=folder).returncode == 0
    assert fingerprint(folder) != first
