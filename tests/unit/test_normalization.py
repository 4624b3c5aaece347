"""The published methods: by hand, against scikit-learn, and what must hold in any world."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVR

from isojoule.errors import InputError
from isojoule.normalization.errors import errors
from isojoule.normalization.experiment import experiment, splits
from isojoule.normalization.methods import PUBLISHED
from isojoule.normalization.pairs import pair, pairs
from isojoule.normalization.references import at_random, min_max, published_count, quantiles

TABLE = pd.DataFrame(
    {
        "energy_kwh": [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 7e-3, 8e-3, 1e-2, 1.5e-2, 2e-2],
        "flops": [1e6, 4e6, 3e6, 9e6, 8e6, 5e7, 2e7, 3e8, 1e8, 7e8, 2e9, 1e9],
        "params": [3e4, 1e4, 9e4, 5e5, 2e5, 1e6, 8e5, 6e6, 2e6, 9e6, 7e7, 3e7],
    }
)
TARGET = np.array([2e-4, 3e-4, 7e-4, 1.8e-3, 3.3e-3, 4e-3, 9e-3, 1e-2, 1.3e-2, 1.9e-2, 2.2e-2, 4.1e-2])
energies = arrays.arrays(np.float64, st.integers(4, 12), elements=st.floats(1e-6, 10), unique=True)


def predicted(name, X=TABLE, y=TARGET, systems=TABLE):  # noqa: N803
    return PUBLISHED[name]().fit(X, y).predict(systems)


def test_single_and_dual_references_by_hand():
    np.testing.assert_allclose(predicted("single-low"), TABLE["energy_kwh"] * 2)
    np.testing.assert_allclose(predicted("single-high"), TABLE["energy_kwh"] * 2.05)
    slope = (4.1e-2 - 2e-4) / (2e-2 - 1e-4)
    np.testing.assert_allclose(predicted("dual"), 2e-4 + slope * (TABLE["energy_kwh"] - 1e-4))


@pytest.mark.parametrize("columns", [["energy_kwh"], ["energy_kwh", "flops"], ["energy_kwh", "flops", "params"]])
def test_lines_are_those_of_least_squares(columns):
    """Against the normal equations in long double, which need no scaling."""
    name = "line" + "".join(f"+{column}" for column in columns[1:])
    scales = TABLE[columns].max().to_numpy()
    design = np.column_stack([np.ones(len(TABLE)), TABLE[columns] / scales]).astype(np.longdouble)
    expected = design @ np.linalg.lstsq(design.astype(float), TARGET, rcond=None)[0]
    np.testing.assert_allclose(predicted(name), expected.astype(float), rtol=1e-8)


def test_polynomial_and_support_vectors_are_scikit_learns():
    energy = TABLE[["energy_kwh"]].to_numpy()
    products = PolynomialFeatures(2).fit_transform(1e3 * energy)
    expected = LinearRegression().fit(products, TARGET).predict(products)
    np.testing.assert_allclose(predicted("poly2"), expected, rtol=1e-8)
    raw = SVR(C=0.1, epsilon=1e-4, tol=1e-8).fit(energy, TARGET).predict(energy)
    np.testing.assert_allclose(predicted("svr"), raw, rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "minimum"),
    [("single-low", 1), ("dual", 2), ("line", 2), ("line+flops", 3), ("line+flops+params", 4), ("poly2", 3),
     ("poly2+flops", 6), ("poly2+flops+params", 10), ("svr", 2)],
)  # fmt: skip
def test_too_few_references_are_refused(name, minimum):
    if minimum > 1:
        with pytest.raises(InputError, match=f"found {minimum - 1} different references, expected at least {minimum}"):
            predicted(name, TABLE[: minimum - 1], TARGET[: minimum - 1])
    assert np.isfinite(predicted(name, TABLE[:minimum], TARGET[:minimum])).all()


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
def test_impossible_energies_are_refused(value):
    broken = TARGET.copy()
    broken[3] = value
    with pytest.raises(InputError, match="energy on the target: found"):
        predicted("line", y=broken)
    with pytest.raises(InputError, match="energy_kwh: found"):
        predicted("line", systems=TABLE.assign(energy_kwh=broken))


def test_a_column_that_is_missing_is_named():
    with pytest.raises(InputError, match="found no column flops, params"):
        predicted("line+flops+params", TABLE[["energy_kwh"]])


def test_identical_energies_are_refused():
    with pytest.raises(InputError, match="found 1 different references, expected at least 2"):
        predicted("dual", TABLE.assign(energy_kwh=1.0))


@pytest.mark.parametrize("name", [name for name in PUBLISHED if "svr" not in name])
@settings(max_examples=20, deadline=None)
@given(factor=st.floats(1e-3, 1e3))
def test_scaling_the_target_scales_the_predictions(name, factor):
    np.testing.assert_allclose(predicted(name, y=TARGET * factor), factor * predicted(name), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_the_order_of_rows_is_irrelevant(name):
    order = np.random.default_rng(0).permutation(len(TABLE))
    np.testing.assert_allclose(predicted(name, TABLE.iloc[order], TARGET[order]), predicted(name), rtol=1e-5)


@pytest.mark.parametrize("name", ["single-low", "single-high", "dual", "line"])
@settings(max_examples=50, deadline=None)
@given(energy=energies, factor=st.floats(0.01, 100))
def test_a_proportional_world_has_no_error(name, energy, factor):
    assume(np.ptp(energy) > 1e-3 * energy.max())
    table = pd.DataFrame({"energy_kwh": energy})
    np.testing.assert_allclose(predicted(name, table, factor * energy, table), factor * energy, rtol=1e-6)


def test_the_published_counts_of_references():
    """The largest even number below the fraction of 34 models, as the paper prints them."""
    assert [published_count(percent, 34) for percent in (10, 15, 20, 50, 100)] == [2, 4, 6, 16, 32]


@given(energy=energies, data=st.data())
def test_references_are_as_many_different_systems_as_asked_for(energy, data):
    count = data.draw(st.integers(2, len(energy)))
    low, high = np.argmin(energy), np.argmax(energy)
    for chosen in (
        min_max(energy, count),
        quantiles(energy, count),
        at_random(energy, count, np.random.default_rng(0)),
    ):
        assert len(set(chosen)) == count
    assert {low, high} <= set(min_max(energy, count))
    assert {low, high} <= set(quantiles(energy, count))
    rest = np.delete(energy, min_max(energy, count))
    inside = np.sort(energy)[count // 2 : len(energy) - (count - count // 2)]
    np.testing.assert_array_equal(np.sort(rest), inside)


@pytest.mark.parametrize("count", [0, 13])
def test_more_references_than_systems_are_refused(count):
    with pytest.raises(InputError, match=f"references: found {count} of 12 systems, expected 1 to 12"):
        min_max(TARGET, count)


def test_errors_by_hand_and_by_scikit_learn():
    predictions = TARGET * np.linspace(0.9, 1.2, len(TARGET))
    found = errors(TARGET, predictions)
    assert found["r2"] == pytest.approx(r2_score(TARGET, predictions))
    assert found["mse_kwh2"] == pytest.approx(mean_squared_error(TARGET, predictions))
    assert found["kendall_tau"] == pytest.approx(1)
    simple = errors(np.array([1.0, 2.0, 4.0]), np.array([1.1, 1.0, 4.0]))
    assert simple["mdape_percent"] == pytest.approx(10)
    assert simple["ape90_percent"] == pytest.approx(10 + 0.8 * 40)
    assert simple["log_rmse"] == pytest.approx(np.sqrt((np.log(1.1) ** 2 + np.log(2) ** 2) / 3))
    assert simple["kendall_tau"] == pytest.approx(1 / 3)


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
    found = pair(table, "train", "t4", "a40")
    assert list(found.systems.index) == ["small", "medium"]
    np.testing.assert_allclose(found.systems["energy_kwh"], [1.1, 2.1])
    np.testing.assert_allclose(found.target_kwh, [3.3, 6.3])
    assert found.left_out == {"large": "no energy on a40 (oom)", "lost": "no energy on a40 (not measured)"}
    assert found.kinds == ("measured",)
    assert [str(directed) for directed in pairs(table, "train")] == ["t4 -> a40, train", "a40 -> t4, train"]


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


def test_every_row_of_the_experiment_can_be_computed_again(world):
    divided = splits(list(world["architecture"].unique()), number=2)
    methods = {name: PUBLISHED[name] for name in ("single-low", "dual", "line", "line+flops")}
    found = experiment(world, "train", methods, {"2": 2, "6": 6}, divided, draws=3)
    per_split = 2 * (2 * 4 + 3 * 4) - (2 + 3) + 4
    assert len(found) == 6 * 2 * per_split, "line+flops needs three references"
    for _, row in found.sample(10, random_state=0).iterrows():
        directed = pair(world, "train", row.source, row.target)
        chosen = directed.systems.index.isin(row.reference_names.split())
        tested = directed.systems.index.isin(row.test_names.split())
        assert not (chosen & tested).any()
        fitted = PUBLISHED[row.method]().fit(directed.systems[chosen], directed.target_kwh[chosen])
        again = errors(directed.target_kwh[tested], fitted.predict(directed.systems[tested]))
        assert row[list(again)].astype(float).to_dict() == pytest.approx(again, abs=1e-12)
    proportional = found[(found["source"] == "a") & (found["target"] == "b")]
    assert (proportional["mdape_percent"] < 1e-6).all()
    with_constant = found[(found["source"] == "a") & (found["target"] == "c")].groupby("method")["mdape_percent"].mean()
    assert with_constant["single-low"] > 10
    assert with_constant["dual"] < 1e-6
    assert set(found["kinds"]) == {"simulated"}


def test_the_experiment_does_not_depend_on_the_order_of_rows(world):
    divided = splits(list(world["architecture"].unique()), number=1)
    methods = {"line": PUBLISHED["line"]}
    keys = ["source", "target", "sampling", "share", "draw"]
    found = [
        experiment(frame, "train", methods, {"4": 4}, divided, draws=0).set_index(keys).sort_index()
        for frame in (world, world.sample(frac=1, random_state=0))
    ]
    pd.testing.assert_series_equal(found[0]["mdape_percent"], found[1]["mdape_percent"], atol=1e-9)
