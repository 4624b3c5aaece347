"""From a table of measurements to errors on held-out systems: pairs, splits, and the experiment on them."""

import numpy as np
import pandas as pd
import pytest

from isojoule.errors import InputError
from isojoule.normalization.accuracy import errors
from isojoule.normalization.experiment import experiment
from isojoule.normalization.experiment_plan import Plan
from isojoule.normalization.methods import METHODS
from isojoule.normalization.pairs import SEPARATOR, left_out_in_words, pair, pairs
from isojoule.normalization.published import PUBLISHED
from isojoule.normalization.splits import leaving_families_out, splits


@pytest.fixture
def table():
    """Two repeats of three systems on two GPUs; one is out of memory on the second, one was never run there."""
    rows = []
    for gpu, factor in (("t4", 1), ("a40", 3)):
        for name, energy in (("small", 1.0), ("medium", 2.0), ("large", 9.0), ("lost", 5.0)):
            for repeat in (0, 1):
                oom = gpu == "a40" and name == "large"
                rows.append((gpu, name, "train", repeat, "oom" if oom else "ok", factor * (energy + 0.2 * repeat)))
    frame = pd.DataFrame(rows, columns=["gpu", "architecture", "phase", "repeat", "outcome", "energy_kwh"])
    frame.loc[frame["outcome"] == "oom", "energy_kwh"] = np.nan
    frame = frame[~((frame["gpu"] == "a40") & (frame["architecture"] == "lost"))]
    return frame.assign(family="mlp", duration_s=1.0, flops=10, energy_kind="measured")


def test_a_pair_is_the_systems_measured_on_both_by_their_means(table):
    both = pair(table, "train", "t4", "a40")
    assert list(both.systems.index) == ["small", "medium"]
    np.testing.assert_allclose(both.systems["energy_kwh"], [1.1, 2.1])
    np.testing.assert_allclose(both.target_kwh, [3.3, 6.3])
    assert both.left_out == {"large": "no energy on a40 (oom)", "lost": "no energy on a40 (not measured)"}
    assert both.kinds == ("measured",)
    assert [str(gpu_pair) for gpu_pair in pairs(table, "train")] == ["t4 -> a40, train", "a40 -> t4, train"]


def test_pairs_that_cannot_be_are_refused(table):
    with pytest.raises(InputError, match=r"normalization of test: found 0 GPUs \(\), expected at least 2"):
        pairs(table, "test")
    with pytest.raises(InputError, match="normalization of train: found no GPU h100, expected one of t4, a40"):
        pair(table, "train", "t4", "h100")
    with pytest.raises(InputError, match="found no system with an energy on both t4 and a40"):
        pair(table[~((table["gpu"] == "a40") & (table["outcome"] == "ok"))], "train", "t4", "a40")


def test_splits_are_four_fifths_shared_by_name_and_follow_the_seed():
    names = [f"net-{number}" for number in range(43)]
    divided = splits(names)
    assert [(len(split.train), len(split.test)) for split in divided] == [(34, 9)] * 5
    assert all(sorted(split.train + split.test) == sorted(names) for split in divided)
    assert splits(names[::-1]) == divided
    assert splits(names, seed=1) != divided
    folds = splits(names, number=4, scheme="kfold")
    assert sorted(name for fold in folds for name in fold.test) == sorted(names)
    with pytest.raises(InputError, match="splits: found 4 architectures, expected at least 5"):
        splits(names[:4])
    with pytest.raises(InputError, match="splits: found random, expected one of shuffle, kfold"):
        splits(names, scheme="random")
    with pytest.raises(InputError, match="splits: found 44 folds of 43 architectures, expected 2 to 43"):
        splits(names, number=44, scheme="kfold")


def test_each_family_is_left_out_once():
    families = {"a": "mlp", "b": "mlp", "c": "cnn", "d": "rnn"}
    assert [(split.name, split.test) for split in leaving_families_out(families)] == [
        ("cnn", ("c",)), ("mlp", ("a", "b")), ("rnn", ("d",)),
    ]  # fmt: skip
    assert leaving_families_out({"a": "mlp", "b": "mlp"}) == []
    assert leaving_families_out({"a": "a", "b": "b"}) == [], "a family each is none"


@pytest.fixture
def world():
    """Twenty systems on three GPUs whose energies are proportional, but for the third one's constant."""
    rows = [
        (gpu, f"net-{number}", "train", slope * number + constant, 1e6 * number**2, 1e3 * number)
        for gpu, slope, constant in (("a", 1e-3, 0), ("b", 2e-3, 0), ("c", 5e-4, 3e-3))
        for number in range(1, 21)
    ]
    columns = ["gpu", "architecture", "phase", "energy_kwh", "flops", "params"]
    return pd.DataFrame(rows, columns=columns).assign(
        repeat=0, outcome="ok", family="mlp", duration_s=1.0, energy_kind="simulated"
    )


def tried(world, plan, workers=1):
    return pd.concat(experiment(world, "train", plan, workers), ignore_index=True)


def test_every_row_of_the_experiment_can_be_computed_again(world):
    divided = splits(list(world["architecture"].unique()), number=2)
    methods = {name: METHODS[name] for name in ("single-low", "dual", "line", "line+flops", "svr", "corrected")}
    results = tried(world, Plan(methods, divided, {"10 %": 2, "20 %": 6}, (4,), draws=3))
    left_out = results["scheme"] == "gpu"
    assert len(results[left_out]) == 6 * (6 * 3 * 4 - 4), "line+flops needs three references"
    assert (results.loc[left_out, "split"].astype(str) == results.loc[left_out, "source"].astype(str)).all()
    assert (results.loc[left_out, "references"] + results.loc[left_out, "tested"] == 20).all()
    sampled = pd.concat([results[left_out].sample(10, random_state=0), results[~left_out].sample(20, random_state=0)])
    closed = 2 * (4 + 3) * 4 + 4 * 4 + 4 - (4 + 3)
    others = 3 * 4 * 2 + 2
    assert len(results[~left_out]) == 6 * 2 * (closed + others), "draws are for closed forms alone"
    for _, row in sampled.iterrows():
        both = pair(world, "train", row.source, row.target)
        is_reference = both.systems.index.isin(row.reference_names.split(SEPARATOR))
        is_tested = both.systems.index.isin(row.test_names.split(SEPARATOR))
        assert not (is_reference & is_tested).any()
        assert (is_reference.sum(), is_tested.sum()) == (row.references, row.tested)
        fitted = METHODS[row.method]().suited(both.systems)
        fitted = fitted.fit(both.systems[is_reference], both.target_kwh[is_reference])
        again = errors(both.target_kwh[is_tested], fitted.predict(both.systems[is_tested]))
        for name, value in again.items():
            assert row[name] == pytest.approx(float(value), abs=1e-9, nan_ok=True), name
    proportional = results[(results["source"] == "a") & (results["target"] == "b") & (results["method"] != "svr")]
    assert (proportional["mdape_percent"] < 1e-6).all()
    with_constant = results[(results["source"] == "a") & (results["target"] == "c")]
    with_constant = with_constant.groupby("method", observed=True)["mdape_percent"].mean()
    assert with_constant["single-low"] > 10
    assert with_constant["dual"] < 1e-6
    assert set(results["kinds"]) == {"simulated"}


def test_the_experiment_does_not_depend_on_the_order_of_rows_or_on_workers(world):
    plan = Plan({"line": PUBLISHED["line"]}, splits(list(world["architecture"].unique()), number=2), {"4": 4}, draws=2)
    keys = ["source", "target", "scheme", "split", "sampling", "share", "draw"]
    first, *repeated = (
        tried(frame, plan, workers).astype(dict.fromkeys(keys, "str")).set_index(keys).sort_index()
        for frame, workers in ((world, 1), (world.sample(frac=1, random_state=0), 1), (world, 2))
    )
    is_not_drawn = first.index.get_level_values("sampling") != "random"
    for again, same in zip(repeated, (is_not_drawn, slice(None)), strict=True):
        pd.testing.assert_series_equal(first["mdape_percent"][same], again["mdape_percent"][same], atol=1e-9)


def test_missing_systems_are_left_out_pair_by_pair(world):
    """An architecture that is out of memory on one GPU still counts between the others."""
    gone = (world["gpu"] == "c") & (world["architecture"] == "net-3")
    world.loc[gone, ["outcome", "energy_kwh"]] = "oom", np.nan
    plan = Plan({"dual": PUBLISHED["dual"]}, splits(list(world["architecture"].unique()), number=2, seed=1), {"4": 4})
    results = tried(world, plan).assign(
        there=lambda rows: (rows["test_names"].astype(str) + rows["reference_names"].astype(str)).str.contains(
            "net-3\\b"
        )
    )
    with_c = (results["source"] == "c") | (results["target"] == "c")
    assert not results["there"][with_c].any()
    assert results["there"][~with_c].any()
    assert set(results["left_out_names"][with_c]) == {"net-3"}
    assert set(results["left_out_names"][~with_c]) == {""}
    all_pairs = pairs(world, "train")
    assert left_out_in_words(all_pairs) == ["train: 1 left out, no energy on c (oom): net-3"]
    world.loc[world["gpu"] == "b", ["outcome", "energy_kwh"]] = "oom", np.nan
    assert [str(gpu_pair) for gpu_pair in pairs(world, "train")] == ["a -> c, train", "c -> a, train"]
