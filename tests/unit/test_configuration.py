from datetime import date

import pytest
import yaml
from codecarbon.input import DataSource
from pydantic import ValidationError
from studies import changed

from isojoule.errors import InputError
from isojoule.study import reading
from isojoule.study.emission_factor import kg_per_kwh


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("repeat", 3, "repeat: unknown key, expected one of study, workload"),
        ("gpus.t4", {"partiton": "t4"}, "gpus.t4.partiton: unknown key, expected one of device, devices, device_name"),
        ("dataset.clips", 5, "dataset.clips: unknown key, expected one of source, train_clips"),
        ("energy.min_window_s", 0, "energy.min_window_s: found 0, expected more than 0"),
        ("energy.allow_shared", "yes", "energy.allow_shared: found 'yes', expected true or false"),
        ("analysis", {"exclude_flags": ["spred"]}, "found 'spred', expected one of estimated, short-window"),
        ("normalization", {"split": 5}, "normalization.split: unknown key, expected one of splits, seed, draws"),
        ("normalization", {"error_percent": 0}, "normalization.error_percent: found 0, expected more than 0"),
        ("normalization", {"kinds": ["guessed"]}, "normalization.kinds.0: found 'guessed', expected one of measured"),
        ("pareto", {"normalize_to": "t5"}, "pareto.normalize_to: found t5, expected one of gpus: cpu-1thread"),
        ("pareto", {"qualities": ["macro_f2"]}, "pareto.qualities.0: found 'macro_f2', expected one of macro_f1"),
        ("pareto", {"qualities": []}, "pareto.qualities: is empty"),
        ("figures", {"order": "energy"}, "figures.order: found 'energy', expected an array"),
        ("figures", {"order": ["a", "b", "a"]}, "figures.order: found ['a', 'b', 'a'], expected no entry twice"),
        ("figures", {"texts": {1: "a"}}, "figures.texts: found 1, expected a string"),
        ("figures", {"text_mm": 2000}, "figures.text_mm: found 2000, expected 1000 or less"),
        ("figures", {"text_mm": 20}, "figures.text_mm: found 20, expected more than 50"),
        ("repeats", "3", "repeats: found '3', expected an integer"),
        ("repeats", 0, "repeats: found 0, expected 1 or more"),
        ("repeats", True, "repeats: found true, expected an integer"),
        (
            "repeats",
            10**9,
            "repeats: found 1000000000, which makes 48,000,000,000 cells of 12 archi",
        ),
        ("repeats", 10**30, "repeats: found 1000000000000000000000000000000, expected 1000000000 or less"),
        ("seed", 2**32, "seed: found 4294967296, expected 4294967295 or less"),
        ("mel.n_mels", -1, "mel.n_mels: found -1, expected 1 or more"),
        ("mel.n_mels", 40.0, "mel.n_mels: found 40.0, expected an integer"),
        ("mel.n_mels", 1026, "mel.n_mels: found 1026, expected at most 1025, the bins of n_fft (2048)"),
        ("mel.f_max_hz", float("nan"), "mel.f_max_hz: found nan, expected a finite number"),
        ("study", "s" * 101, "expected at most 100 characters"),
        ("repeats", 2.0, "repeats: found 2.0, expected an integer"),
        ("batch_size", None, "batch_size: missing"),
        ("optimizer.learning_rate", "1e-3", "optimizer.learning_rate: found '1e-3', expected a number"),
        ("optimizer.learning_rate", True, "optimizer.learning_rate: found true, expected a number"),
        ("energy.idle_s", float("inf"), "energy.idle_s: found inf, expected a finite number"),
        ("gpus.cpu-1thread", {"device": "cpu", "devices": 2}, "gpus.cpu-1thread.devices: found 2, expected 1 in a"),
        ("gpus.cpu-1thread", {"partition": ["t4"]}, "gpus.cpu-1thread.partition: found ['t4'], expected a string"),
        ("gpus.cpu-1thread", {"partition": "'t4'"}, "gpus.cpu-1thread.partition: found \"'t4'\", expected text of the"),
        (
            "gpus.cpu-1thread",
            {"gres": "gpu:1", "gpu": 1},
            "gpus.cpu-1thread: found gres beside gpu or gpu_model, expected",
        ),
        ("gpus.cpu-1thread", "cpu", "gpus.cpu-1thread: found 'cpu', expected an object"),
        ("gpus.t4", {True: 1}, "gpus.t4.True: unknown key, expected one of device, devices"),
        ("gpus.device", {"partiton": "t4"}, "gpus.device.partiton: unknown key, expected one of device, devices"),
        ("architectures.mlp", [], "architectures.mlp: is empty"),
        (
            "architectures.mlp",
            [{"layers": 1, "hidden": []}],
            "architectures.mlp.0.hidden: found [], expected a whole number",
        ),
        (
            "architectures.crnn",
            [{"layers": [1, 1], "hidden": [[4, 4]]}],
            "architectures.crnn.0.layers.0: found 1, expected an array",
        ),
        (
            "architectures.mlp",
            [{"layers": 1, "hidden": [4, 8.0]}],
            "architectures.mlp.0.hidden: found [4, 8.0], expected a whole number of 1 or more, or a list of them",
        ),
        ("architectures", {}, "architectures: is empty or too short, expected at least 1 entries"),
        ("architectures.lstm", [], "architectures.lstm: unknown key, expected one of mlp, cnn, rnn, crnn, custom"),
        ("phases", {}, "phases: is empty or too short, expected at least 1 entries"),
        (
            "architectures.custom",
            [{"name": "a", "model": "m:C", "arguments": {"day": date(2020, 1, 1)}}],
            "architectures.custom.0.arguments.day: found datetime.date(2020, 1, 1), expected text, a number, a boolean",
        ),
        (
            "architectures.custom",
            [{"name": "a", "model": "no-class"}],
            "architectures.custom.0.model: found 'no-class', expected text",
        ),
        ("gpus", {}, "gpus: is empty"),
        ("gpus", {"a b": {}}, "gpus: found 'a b', expected text of the form"),
        ("gpus", {1080: {}}, "gpus: found 1080, expected a string, in quotes where it looks like a number, true"),
        (
            "gpus.cpu-1thread.precision",
            "tf32",
            "gpus.cpu-1thread.precision: found tf32 on device cpu, expected fp32 or bf16",
        ),
        ("dataset", {"source": "foldr"}, "dataset.source: found 'foldr', expected one of desed, folder, synthetic"),
        ("dataset", {"source": "folder", "path": "x", "train": "a", "test": "b"}, "dataset.classes: missing"),
        ("dataset", {}, "dataset.source: missing"),
        ("dataset", [], "dataset: found [], expected an object"),
        ("dataset", {"source": "folder", "folder": 1}, "dataset.folder: unknown key, expected one of source, path"),
        ("mel", None, "mel: missing"),
        ("mel.f_max_hz", 9000, "mel.f_max_hz: found 9000, expected more than f_min_hz (0) and at most half"),
        ("mel.win_length", 4096, "mel.win_length: found 4096, expected at most n_fft (2048)"),
        ("phases.validation", {"epochs": 1}, "phases.validation: unknown key"),
        ("energy.country_iso_code", "fr", "energy.country_iso_code: found 'fr', expected text"),
        ("study", "../elsewhere", "study: found '../elsewhere', expected text"),
    ],
)
def test_what_is_wrong_is_refused_by_name(demo, key, value, message):
    with pytest.raises(InputError) as refused:
        changed(demo, {key: value}, "my.yaml")
    assert f"my.yaml: {message}" in str(refused.value) or message in str(refused.value)
    assert str(refused.value).startswith("my.yaml: ")


def test_all_that_is_wrong_is_said_at_once(demo):
    sentences = [
        "my.yaml: batch_size: found '8', expected an integer",
        "my.yaml: dataset.clips: unknown key, expected one of source, train_clips, test_clips, seed, on_bad_file",
        "my.yaml: energy.country_iso_code: missing",
        "my.yaml: energy.min_window_s: found -1, expected more than 0",
        "my.yaml: repeats: found 0, expected 1 or more",
    ]
    energy = {"min_window_s": -1}
    with pytest.raises(InputError) as refused:
        changed(demo, {"repeats": 0, "batch_size": "8", "dataset.clips": 1, "energy": energy}, "my.yaml")
    assert str(refused.value) == "\n       ".join(sentences)


def test_defaults_are_filled_in(demo):
    study = changed(demo, {"dataset": {"source": "synthetic"}, "gpus": {"a40": {}}})
    assert study.plain()["dataset"] == {
        "source": "synthetic", "train_clips": 480, "test_clips": 160, "seed": 0, "on_bad_file": "stop",
    }  # fmt: skip
    assert study.gpus["a40"].plain() == {"device": "cuda", "devices": 1, "threads": 1, "exclusive": False}
    assert study.task == "multi_label"
    assert study.pareto.qualities == ["macro_f1", "mean_average_precision"]
    single = changed(study, {"task": "single_label", "pareto": {}})
    assert single.pareto.qualities == ["accuracy", "macro_f1"]


@pytest.mark.parametrize(
    ("task", "quality", "expected"),
    [
        ("single_label", "mean_average_precision", "accuracy, macro_f1"),
        ("multi_label", "accuracy", "macro_f1, mean_average_precision"),
    ],
)
def test_a_front_of_a_quality_of_the_other_task_is_refused(demo, task, quality, expected):
    with pytest.raises(InputError, match=rf"pareto\.qualities\.0: found '{quality}', expected one of {expected}"):
        changed(demo, {"task": task, "pareto": {"qualities": [quality]}})


def test_the_defaults_of_normalization_are_the_papers(demo):
    assert demo.normalization.plain() == {
        "splits": {"scheme": "shuffle", "number": 5}, "seed": 0, "draws": 20, "error_percent": 10,
    }  # fmt: skip
    given = changed(demo, {"normalization": {"splits": {"scheme": "kfold"}}})
    assert given.normalization.splits.plain() == {"scheme": "kfold", "number": 5}


def test_checking_twice_changes_nothing(published):
    assert changed(published, {}) == published


def test_numbers_with_exponent_are_numbers(tmp_path, demo):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(demo.plain()).replace("learning_rate: 0.003", "learning_rate: 1e-3"))
    assert reading.load(path).optimizer.learning_rate == 0.001


def test_nobody_changes_what_is_checked(demo):
    with pytest.raises(ValidationError, match="frozen"):
        demo.energy.min_window_s = 3


def test_a_key_without_a_value_is_refused(demo):
    """Which null is in YAML; what may be left out is left out."""
    gpus = {"a40": {"partition": None}}
    with pytest.raises(InputError, match=r"gpus\.a40\.partition: found null, expected a string"):
        reading.check({**demo.plain(), "gpus": gpus})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study: [", "is not YAML"),
        ("", "found null, expected keys such as study"),
        ("- study", r"found \['study'\], expected keys such as study"),
        ("study: a\nseed: 1\nstudy: b\n", "line 3: the key study is given twice, first in line 1"),
        ("energy: {idle_s: 1, idle_s: 2}", "line 1: the key idle_s is given twice, first in line 1"),
        ("study: a\n\tseed: 1", "line 2: "),
        ("study: a\n---\nstudy: b", "line 2: expected a single document"),
        ("study: a\0b", r"found the character U\+0000"),
        ("? [a]\n: b", "line 1: found a list or mapping as a key"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        reading.load(path)
    assert str(path) in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: found no such file, expected a YAML file"):
        reading.load(tmp_path / "none.yaml")


def test_a_stored_configuration_is_the_same_study(tmp_path, published):
    path = tmp_path / "results" / "configuration.yaml"
    reading.store(published, path)
    assert reading.load(path) == published
    before = path.stat().st_mtime_ns
    reading.store(published, path)
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["1e3", "12e5", "007", "no", "null", "1_000", "é"])
def test_a_configuration_survives_its_own_store(demo, tmp_path, name):
    """A text that looks like a number is quoted, so that it is read as a text again."""
    study = changed(demo, {"gpus": {"a": {"device": "cpu", "partition": name}}})
    reading.store(study, tmp_path / "study.yaml")
    assert reading.load(tmp_path / "study.yaml") == study


@pytest.mark.parametrize(
    "text", ["study: !!bool foo", 'seed: !!int ""', "study: !!timestamp foo", "[" * 3000, "seed: " + "9" * 5000]
)
def test_yaml_that_no_reader_understands_is_one_sentence(tmp_path, text):
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(InputError, match="is not YAML"):
        reading.load(tmp_path / "study.yaml")


@pytest.fixture
def folder_of_clips(tmp_path, monkeypatch):
    """A folder of the user's own clips, below the one where the study is started, and its `dataset` section."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips" / "audio").mkdir(parents=True)
    for table in ("train.tsv", "test.tsv"):
        (tmp_path / "clips" / table).write_text("filename\tevent_labels\n")
    return {"source": "folder", "path": "clips", "train": "train.tsv", "test": "test.tsv", "classes": ["a", "b"]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"path": "clipz"}, "dataset.path: found no clipz in "),
        ({"train": "trian.tsv"}, "dataset.train: found no clips/trian.tsv in "),
        ({"test": "tset.tsv"}, "dataset.test: found no clips/tset.tsv in "),
        ({"audio": "wav"}, "dataset.audio: found no clips/wav in "),
    ],
)
def test_data_that_is_not_there_is_said_before_any_job_runs(demo, tmp_path, folder_of_clips, values, message):
    reading.check_files(changed(demo, {"dataset": folder_of_clips}), tmp_path)
    with pytest.raises(InputError) as refused:
        reading.check_files(changed(demo, {"dataset": folder_of_clips | values}), tmp_path)
    assert str(refused.value) == f"{message}{tmp_path}, expected the data of the study"


def test_data_whose_manifest_is_made_may_be_gone(demo, tmp_path, folder_of_clips):
    study = changed(demo, {"dataset": folder_of_clips | {"path": "gone"}})
    reading.store(study, tmp_path / "results" / "configuration.yaml")
    (tmp_path / "results" / "dataset").mkdir()
    (tmp_path / "results" / "dataset" / "manifest.tsv").write_text("")
    reading.check_files(study, tmp_path / "results")
    with pytest.raises(InputError, match=r"dataset\.path: found no elsewhere in "):
        reading.check_files(changed(study, {"dataset.path": "elsewhere"}), tmp_path / "results")


def test_a_country_that_nobody_knows_is_said_before_any_job_runs(demo, tmp_path):
    with pytest.raises(InputError, match=r"energy\.country_iso_code: found XYZ, expected a country that CodeCarbon kn"):
        reading.check_files(changed(demo, {"energy.country_iso_code": "XYZ"}), tmp_path)


def test_emission_factors_are_those_of_codecarbon():
    of_codecarbon = DataSource().get_global_energy_mix_data()
    assert len(of_codecarbon) > 200
    for country, mix in of_codecarbon.items():
        assert kg_per_kwh(country) == mix["carbon_intensity"] / 1000
