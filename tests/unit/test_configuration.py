import pytest
import yaml

from isojoule.errors import InputError
from isojoule.study import configuration


def change(content, key, value):
    """Set `a.b.c` in nested mappings; None removes the key."""
    *parents, last = key.split(".")
    for parent in parents:
        content = content[parent]
    if value is None:
        del content[last]
    else:
        content[last] = value


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("repeat", 3, "repeat: unknown key, expected one of study, workload"),
        ("gpus.t4", {"partiton": "t4"}, "gpus.t4.partiton: unknown key, expected one of device, devices, device_name"),
        ("dataset.clips", 5, "dataset.clips: unknown key, expected one of source, train_clips"),
        ("energy.min_window_s", 0, "energy.min_window_s: found 0, expected more than 0"),
        ("energy.allow_shared", "yes", "energy.allow_shared: found 'yes', expected a boolean"),
        ("analysis", {"exclude_flags": ["spred"]}, "found 'spred', expected one of estimated, short-window"),
        ("normalization", {"split": 5}, "normalization.split: unknown key, expected one of splits, seed, draws"),
        ("normalization", {"error_percent": 0}, "normalization.error_percent: found 0, expected more than 0"),
        ("normalization", {"kinds": ["guessed"]}, "normalization.kinds.0: found 'guessed', expected one of measured"),
        ("pareto", {"normalize_to": "t5"}, "pareto.normalize_to: found t5, expected one of gpus: cpu-1thread"),
        ("pareto", {"qualities": ["macro_f2"]}, "pareto.qualities.0: found 'macro_f2', expected one of macro_f1"),
        ("pareto", {"qualities": []}, "pareto.qualities: is empty"),
        ("figures", {"order": "energy"}, "figures.order: found 'energy', expected an array"),
        ("figures", {"text_mm": 20}, "figures.text_mm: found 20, expected more than 50"),
        ("repeats", "3", "repeats: found '3', expected an integer"),
        ("repeats", 0, "repeats: found 0, expected 1 or more"),
        ("repeats", True, "repeats: found True, expected an integer"),
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
            "architectures.custom",
            [{"name": "a", "model": "no-class"}],
            "architectures.custom.0.model: found 'no-class', expected text",
        ),
        ("gpus", {}, "gpus: is empty"),
        ("gpus", {"a b": {}}, "expected text of the form"),
        (
            "gpus.cpu-1thread.precision",
            "tf32",
            "gpus.cpu-1thread.precision: found tf32 on device cpu, expected fp32 or bf16",
        ),
        ("dataset", {"source": "foldr"}, "dataset.source: found 'foldr', expected one of desed, folder, synthetic"),
        ("dataset", {"source": "folder", "path": "x", "train": "a", "test": "b"}, "dataset.classes: missing"),
        ("dataset", {}, "dataset.source: missing"),
        ("mel", None, "mel: missing"),
        ("mel.f_max_hz", 9000, "mel.f_max_hz: found 9000, expected more than f_min_hz (0) and at most half"),
        ("mel.win_length", 4096, "mel.win_length: found 4096, expected at most n_fft (2048)"),
        ("phases.validation", {"epochs": 1}, "phases.validation: unknown key"),
        ("energy.country_iso_code", "fr", "energy.country_iso_code: found 'fr', expected text"),
        ("study", "../elsewhere", "study: found '../elsewhere', expected text"),
    ],
)
def test_what_is_wrong_is_refused_by_name(demo, key, value, message):
    change(demo, key, value)
    with pytest.raises(InputError) as refused:
        configuration.check(demo, "my.yaml")
    assert f"my.yaml: {message}" in str(refused.value) or message in str(refused.value)
    assert str(refused.value).startswith("my.yaml: ")


def test_all_that_is_wrong_is_said_at_once(demo):
    demo["repeats"] = 0
    demo["batch_size"] = "8"
    with pytest.raises(InputError, match=r"batch_size(.|\n)*repeats"):
        configuration.check(demo)


def test_defaults_are_filled_in(demo):
    demo["dataset"] = {"source": "synthetic"}
    demo["gpus"] = {"a40": {}}
    checked = configuration.check(demo)
    assert checked["dataset"] == {
        "source": "synthetic", "train_clips": 480, "test_clips": 160, "seed": 0, "on_bad_file": "stop",
    }  # fmt: skip
    assert checked["gpus"]["a40"] == {"device": "cuda", "devices": 1, "threads": 1, "exclusive": False}
    assert demo["gpus"] == {"a40": {}}


def test_the_defaults_of_normalization_are_the_papers(demo):
    assert demo["normalization"] == {
        "splits": {"scheme": "shuffle", "number": 5}, "seed": 0, "draws": 20, "error_percent": 10,
    }  # fmt: skip
    given = configuration.check({**demo, "normalization": {"splits": {"scheme": "kfold"}}})
    assert given["normalization"]["splits"] == {"scheme": "kfold", "number": 5}


def test_checking_twice_changes_nothing(published):
    assert configuration.check(published) == published


def test_numbers_with_exponent_are_numbers(tmp_path, demo):
    demo["optimizer"]["learning_rate"] = "LR"
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(demo).replace("LR", "1e-3"))
    assert configuration.load(path)["optimizer"]["learning_rate"] == 0.001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study: [", "is not YAML"),
        ("", "found None, expected keys such as study"),
        ("study: a\nstudy: b\n", "the key study is given twice"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        configuration.load(path)
    assert str(path) in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read: No such file"):
        configuration.load(tmp_path / "none.yaml")


def test_a_stored_configuration_is_the_same_study(tmp_path, published):
    path = tmp_path / "results" / "configuration.yaml"
    configuration.store(published, path)
    assert configuration.load(path) == published
    before = path.stat().st_mtime_ns
    configuration.store(published, path)
    assert path.stat().st_mtime_ns == before
