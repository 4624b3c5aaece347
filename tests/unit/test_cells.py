import csv
import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies import changed

from isojoule.errors import InputError
from isojoule.study import cells, reading, reruns
from isojoule.study.cost import length_of_window_s, roofline

sizes = st.lists(st.integers(1, 5000), min_size=1, max_size=4, unique=True)


def test_the_published_study_has_exactly_the_43_architectures(published):
    with (Path(__file__).parent / "compute43.csv").open() as file:
        expected = [
            f"{row['family']}-{row['layers']}x{row['hidden']}"
            if row["family"] != "crnn"
            else f"crnn-{row['layers'].replace('-', '+')}-{row['hidden'].replace('-', '+')}"
            for row in csv.DictReader(file)
        ]
    assert len(expected) == 43
    assert sorted(cells.architectures(published)) == sorted(expected)


def test_the_published_study_has_1032_cells(published):
    assert len(set(cells.cells(published))) == 43 * 4 * 2 * 3


def test_one_board_in_three_precisions_is_three_platforms_of_the_published_architectures(published):
    study = reading.load(Path(__file__).parents[2] / "config" / "h200.yaml")
    assert list(cells.architectures(study)) == list(cells.architectures(published))
    assert [entry.precision for entry in study.gpus.values()] == ["fp32", "tf32", "bf16"]


@pytest.mark.parametrize(
    ("phase_s", "expected_s"), [(0.3, 10.2), (9.9, 19.8), (10, 10), (25, 25)], ids=["short", "nearly", "just", "long"]
)
def test_a_plan_has_windows_of_whole_repetitions(published, phase_s, expected_s):
    assert length_of_window_s(published, phase_s) == pytest.approx(expected_s)


@pytest.mark.parametrize(("device", "faster", "stronger"), [("cuda", 4, 4), ("cpu", 1, 1)])
def test_gpus_that_train_together_share_a_batch_and_processes_a_cpu(device, faster, stronger):
    study = reading.load(Path(__file__).parents[2] / "config" / "waveflow.yaml")
    counts = {"batch_size": 8, "forward_flops": 1e12, "training_flops_exact": 3e12}
    sizes_bytes = {"weights_bytes": 1e6, "activations_bytes": 1e9, "optimizer_state_bytes": 2e6}
    found = {}
    for devices in (1, 4):
        together = changed(study, {"gpus.titanv.device": device, "gpus.titanv.devices": devices})
        for phase in ("train", "test"):
            cell = cells.Cell("titanv", "waveflow-h8-r64", phase, 0)
            count = SimpleNamespace(**counts, **sizes_bytes)
            found[phase, devices] = roofline(together, cell, count, {"train": 800, "test": 10})
    assert found["train", 1].duration_s == pytest.approx(faster * found["train", 4].duration_s)
    assert found["train", 4].power_w == pytest.approx(stronger * found["train", 1].power_w)
    assert found["test", 1] == found["test", 4], "one of them generates"


@given(layers=sizes, hidden=sizes)
def test_a_grid_is_every_combination_once_in_order(demo, layers, hidden):
    study = changed(demo, {"architectures": {"cnn": [{"layers": layers, "hidden": hidden}]}})
    named = cells.architectures(study)
    assert list(named) == [f"cnn-{a}x{b}" for a, b in product(layers, hidden)]
    for (a, b), architecture in zip(product(layers, hidden), named.values(), strict=True):
        assert architecture.arguments["layers"] == a
        assert architecture.arguments["hidden"] == b


@given(a=sizes, b=sizes)
def test_names_do_not_depend_on_how_a_grid_is_written(demo, a, b):
    whole = changed(demo, {"architectures": {"mlp": [{"layers": a, "hidden": b}]}})
    grids = [{"layers": layers, "hidden": hidden} for layers in a for hidden in b]
    split = changed(demo, {"architectures": {"mlp": grids}})
    assert cells.architectures(whole) == cells.architectures(split)


def test_names_tell_the_layout(demo):
    architectures = {
        "rnn": [{"layers": 2, "hidden": 8, "layout": "flattened"}, {"layers": 2, "hidden": 8, "layout": "frames"}],
        "crnn": [{"layers": [[2, 1]], "hidden": [[512, 256]]}],
        "custom": [{"name": "mine", "model": "my_module:MyNet", "arguments": {"width": 3}, "family": "conformer"}],
    }
    named = cells.architectures(changed(demo, {"architectures": architectures}))
    assert list(named) == ["rnn-2x8", "rnn-2x8-frames", "crnn-2+1-512+256", "mine"]
    assert named["mine"].arguments == {"width": 3}
    assert named["mine"].family == "conformer"


def test_architectures_are_in_the_order_of_the_file(demo):
    custom = [{"name": "mine", "model": "my_module:MyNet"}]
    architectures = {"custom": custom, "rnn": [{"layers": 1, "hidden": 8}], "mlp": [{"layers": 1, "hidden": 8}]}
    study = changed(demo, {"architectures": architectures})
    assert list(cells.architectures(study)) == ["mine", "rnn-1x8", "mlp-1x8"]
    assert list(study.plain()["architectures"]) == ["custom", "rnn", "mlp"]


def test_an_architecture_twice_is_refused(demo):
    with pytest.raises(InputError, match=r"my\.yaml: architectures: mlp-1x8 is named twice"):
        changed(demo, {"architectures.mlp": [{"layers": 1, "hidden": 8}, {"layers": [1, 2], "hidden": 8}]}, "my.yaml")


@pytest.mark.parametrize(
    ("values", "is_measured_again"),
    [
        ({"optimizer.learning_rate": 0.5}, True),
        ({"batch_size": 16}, True),
        ({"phases.train.epochs": 9}, True),
        ({"gpus.a40.device_name": "another"}, True),
        ({"gpus.a40.partition": "another", "gpus.a40.gres": "gpu:1"}, False),
        ({"gpus.h100": {"device": "cuda", "threads": 1}}, False),
        ({"architectures.cnn": [{"layers": 1, "hidden": 4}]}, False),
        ({"repeats": 30}, False),
        ({"study": "renamed"}, False),
        ({"energy.min_window_s": 7}, True),
        ({"energy.allow_shared": True}, False),
        ({"task": "single_label", "pareto": {}}, True),
        ({"task": "multi_label"}, False),
        ({"analysis.exclude_flags": ["spread"]}, False),
    ],
)
def test_a_cell_changes_with_what_decides_it_and_with_nothing_else(demo, values, is_measured_again):
    study = changed(demo, {"gpus.a40": {"device": "cuda", "threads": 1, "partition": "a40"}})
    cell = cells.Cell("a40", "mlp-1x64", "train", 1)
    before, after = (reruns.fingerprint(reruns.cell_slice(one, cell)) for one in (study, changed(study, values)))
    assert (after != before) is is_measured_again


def test_what_was_measured_before_there_were_two_tasks_is_not_measured_again(demo):
    slices = [demo.dataset_settings(), demo.features_settings(), demo.session_settings(), demo.compute_settings()]
    assert [list(content) for content in slices] == [
        ["dataset"],
        ["dataset", "mel"],
        ["dataset", "mel", "batch_size", "optimizer", "features"],
        ["n_mels", "n_frames", "n_classes", "batch_size", "optimizer"],
    ]
    single = changed(demo, {"task": "single_label", "pareto": {}})
    assert {single.dataset_settings()["task"], single.features_settings()["task"]} == {"single_label"}
    assert {single.session_settings()["task"], single.compute_settings()["task"]} == {"single_label"}


def test_a_slice_is_made_of_plain_values(demo):
    content = reruns.cell_slice(demo, cells.cells(demo)[0])
    assert json.loads(json.dumps(content)) == content


def test_a_test_depends_on_its_training(demo):
    cell = cells.Cell("cpu-1thread", "mlp-1x64", "test", 0)
    longer = changed(demo, {"phases.train.epochs": demo.phases.train.epochs + 1})
    assert reruns.cell_slice(longer, cell) != reruns.cell_slice(demo, cell)


def test_a_slice_has_numbers_as_they_were_written(demo):
    """Or else another way to check them would measure everything again."""
    study = changed(demo, {"mel.f_max_hz": 8000, "energy.min_window_s": 1.0})
    content = reruns.cell_slice(study, cells.cells(study)[0])
    assert json.dumps([content["settings"]["mel"]["f_max_hz"], content["energy"]["min_window_s"]]) == "[8000, 1.0]"
