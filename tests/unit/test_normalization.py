"""Methods of normalization: by hand, against scikit-learn, and what must hold in any world."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import kendalltau
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR

from isojoule.errors import InputError
from isojoule.normalization import corrected, references
from isojoule.normalization.accuracy import errors
from isojoule.normalization.corrected import Corrected
from isojoule.normalization.experiment import experiment
from isojoule.normalization.experiment_plan import Plan
from isojoule.normalization.methods import METHODS, OURS
from isojoule.normalization.pairs import SEPARATOR, left_out_in_words, pair, pairs
from isojoule.normalization.published import PUBLISHED, LeastSquares
from isojoule.normalization.references import DETERMINISTIC, at_random, min_max, published_count, quantiles
from isojoule.normalization.relative import RelativeRidge
from isojoule.normalization.splits import leaving_families_out, splits
from isojoule.pareto.dominance import optimal

TABLE = pd.DataFrame(
    {
        "energy_kwh": [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 7e-3, 8e-3, 1e-2, 1.5e-2, 2e-2],
        "flops": [1e6, 4e6, 3e6, 9e6, 8e6, 5e7, 2e7, 3e8, 1e8, 7e8, 2e9, 1e9],
        "params": [3e4, 1e4, 9e4, 5e5, 2e5, 1e6, 8e5, 6e6, 2e6, 9e6, 7e7, 3e7],
        "duration_s": [1.0, 1.1, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 12.0, 20.0, 31.0],
        "weights_bytes": [9e4, 5e4, 4e5, 2e6, 9e5, 4e6, 3e6, 2e7, 9e6, 4e7, 3e8, 1e8],
        "activations_bytes": [1e5, 3e5, 2e5, 8e5, 9e5, 2e6, 5e6, 1e7, 6e6, 5e7, 4e7, 9e7],
    }
)
TARGET = np.array([2e-4, 3e-4, 7e-4, 1.8e-3, 3.3e-3, 4e-3, 9e-3, 1e-2, 1.3e-2, 1.9e-2, 2.2e-2, 4.1e-2])
# the published C and epsilon of SVR are in kWh
SCALE_FREE = [name for name in METHODS if not name.startswith("svr") or name.startswith("svr-standardized")]
energies = arrays.arrays(np.float64, st.integers(4, 12), elements=st.floats(1e-6, 10), unique=True)


def predicted(name, X=TABLE, y=TARGET, systems=TABLE):  # noqa: N803
    return METHODS[name]().suited(systems).fit(X, y).predict(systems)


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
        PUBLISHED["line"]().fit(TABLE, TARGET).predict(TABLE.assign(energy_kwh=broken))


def test_a_column_that_is_missing_is_named():
    with pytest.raises(InputError, match="found no column flops, params"):
        PUBLISHED["line+flops+params"]().fit(TABLE[["energy_kwh"]], TARGET)
    assert PUBLISHED["line+flops+params"]().suited(TABLE[["energy_kwh"]]) is None
    assert Corrected().suited(TABLE[["energy_kwh", "flops"]]).columns == ("energy_kwh", "flops")
    assert METHODS["relative-ridge+bytes"]().suited(TABLE[["energy_kwh"]]) is None
    assert Corrected().suited(TABLE.assign(flops=0.0)).columns == ("energy_kwh", "duration_s", "params")


@pytest.mark.parametrize("name", ["dual", "line", "line+flops", "corrected", "relative-ridge", "log-line"])
def test_identical_energies_are_refused(name):
    with pytest.raises(
        InputError, match=r"found 1 different references, expected at least \d, with different energies"
    ):
        predicted(name, TABLE.assign(energy_kwh=1.0))


@pytest.mark.parametrize("name", SCALE_FREE)
@settings(max_examples=20)
@given(factor=st.floats(1e-3, 1e3))
def test_scaling_the_target_scales_the_predictions(name, factor):
    np.testing.assert_allclose(predicted(name, y=TARGET * factor), factor * predicted(name), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", SCALE_FREE)
@settings(max_examples=20)
@given(factor=st.floats(1e-3, 1e3))
def test_scaling_the_source_changes_nothing(name, factor):
    scaled = TABLE.assign(energy_kwh=TABLE["energy_kwh"] * factor)
    np.testing.assert_allclose(predicted(name, scaled, systems=scaled), predicted(name), rtol=1e-6)


@pytest.mark.parametrize("name", list(METHODS))
def test_the_order_of_rows_is_irrelevant(name):
    order = np.random.default_rng(0).permutation(len(TABLE))
    np.testing.assert_allclose(predicted(name, TABLE.iloc[order], TARGET[order]), predicted(name), rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["single-low", "single-high", "dual", "line", *(name for name in OURS if "bytes" not in name)]
)
@settings(max_examples=50)
@given(energy=energies, factor=st.floats(0.01, 100))
def test_a_proportional_world_has_no_error(name, energy, factor):
    assume(np.ptp(energy) > 1e-3 * energy.max())
    table = pd.DataFrame({"energy_kwh": energy})
    np.testing.assert_allclose(predicted(name, table, factor * energy, table), factor * energy, rtol=1e-6)


@pytest.mark.parametrize("name", list(METHODS))
def test_many_sets_at_once_are_each_set_alone(name):
    """The closed forms of a whole experiment, against one fit after the other."""
    method = METHODS[name]()
    values = method.matrix(TABLE)
    generator = np.random.default_rng(0)
    sets = np.array([np.sort(generator.choice(12, 11, replace=False)) for _ in range(5)])
    together = method.predictions(values[sets], TARGET[sets], values)
    for rows, of_set in zip(sets, together, strict=True):
        alone = method.fit(TABLE.iloc[rows], TARGET[rows]).predict(TABLE)
        np.testing.assert_allclose(of_set, alone, rtol=1e-8)


@pytest.mark.parametrize("name", list(METHODS))
def test_scikit_learn_knows_the_methods(name):
    method = clone(METHODS[name]())
    assert method.get_params() == METHODS[name]().get_params()


def test_ours_is_the_two_point_line_with_two_or_three_references():
    for count in (2, 3):
        np.testing.assert_allclose(
            predicted("corrected", TABLE[:count], TARGET[:count]), predicted("dual", TABLE[:count], TARGET[:count])
        )


def test_left_out_errors_are_those_of_solving_again_without_each_reference(monkeypatch):
    """With one kernel, noise and baseline: the closed form against as many systems of equations."""
    kernel, noise = corrected.Kernel(1.0, 1.0), 0.1
    monkeypatch.setattr(corrected, "KERNELS", (kernel,))
    monkeypatch.setattr(corrected, "NOISES", np.array([noise]))
    method = Corrected(baselines=(corrected.Baseline(0, 0, 1, 1.0),))
    values = method.matrix(TABLE)
    features = corrected.features(values, values[:0])
    squared_distance = ((features[:, None] - features[None]) ** 2).mean(axis=2)
    covariance = 1 + features @ features.T / features.shape[1] + np.exp(-squared_distance / 2)
    inner = np.argsort(values[:, 0])[1:-1]
    baseline_errors, corrected_errors = [], []
    for left_out in inner:
        others = np.delete(np.arange(12), left_out)
        ridge = RelativeRidge().fit(TABLE.iloc[others], TARGET[others])
        residuals = np.log(TARGET / ridge.predict(TABLE))
        weights = np.linalg.solve(covariance[np.ix_(others, others)] + noise * np.eye(11), residuals[others])
        baseline_errors.append(residuals[left_out])
        corrected_errors.append(residuals[left_out] - covariance[left_out, others] @ weights)
    errors_of_choices = np.array([baseline_errors, corrected_errors])
    likelihoods = np.sqrt((errors_of_choices**2).mean(axis=1) + 0.02**2) ** (-0.5 * len(inner))
    expected = likelihoods / likelihoods.sum() @ errors_of_choices
    np.testing.assert_allclose(method.left_out(values, TARGET), expected, rtol=1e-8)


def test_processes_by_eigenvectors_are_those_of_the_naive_loop(monkeypatch):
    """The loop of the benchmark solves for every kernel, noise level and reference that is left out."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    loop = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "normalization.py"))
    values = Corrected().matrix(TABLE)
    residuals = np.log(TARGET / values[:, 0])[:9]
    ours = loop["by_eigenvectors"](values[:9], values[9:], residuals)
    for mine, naive in zip(ours, loop["by_solving"](values[:9], values[9:], residuals), strict=True):
        assert mine.shape == naive.shape
        np.testing.assert_allclose(mine, naive, rtol=1e-8, atol=1e-10)


def test_the_relative_ridge_minimizes_relative_errors():
    """Against scikit-learn's ridge on the rows divided by their energies."""
    values = TABLE[["energy_kwh", "flops"]].to_numpy()
    ratio = (values[:, 0] / TARGET).sum() / ((values[:, 0] / TARGET) ** 2).sum()
    design = np.column_stack([np.ones(12), values]) / TARGET[:, None]
    scale = np.sqrt((design**2).mean(axis=0))
    ridge = Ridge(alpha=0.02 * 12, fit_intercept=False).fit(design / scale, 1 - ratio * values[:, 0] / TARGET)
    expected = ratio * values[:, 0] + np.column_stack([np.ones(12), values]) / scale @ ridge.coef_
    predictions = RelativeRidge(("energy_kwh", "flops")).fit(TABLE, TARGET).predict(TABLE)
    np.testing.assert_allclose(predictions, expected, rtol=1e-8)


def test_a_slowed_run_moves_the_robust_ridge_less():
    slowed = TARGET.copy()
    slowed[5] *= 3
    rest = np.arange(12) != 5
    off = {
        robust: np.abs(np.log(RelativeRidge(robust=robust).fit(TABLE, slowed).predict(TABLE) / TARGET))[rest].mean()
        for robust in (False, True)
    }
    assert off[True] < off[False]


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
    systems = pd.DataFrame({"energy_kwh": energy})
    for sampling in DETERMINISTIC:
        chosen = references.choose(sampling, systems, count)
        assert len(set(chosen)) == count
        order = np.random.default_rng(1).permutation(len(energy))
        reordered = references.choose(sampling, systems.iloc[order], count)
        np.testing.assert_allclose(np.sort(energy[order][reordered]), np.sort(energy[chosen]))
    assert {low, high} <= set(references.choose("i-optimal", systems, count))
    rest = np.delete(energy, min_max(energy, count))
    inside = np.sort(energy)[count // 2 : len(energy) - (count - count // 2)]
    np.testing.assert_array_equal(np.sort(rest), inside)


@pytest.mark.parametrize("count", [0, 13])
def test_more_references_than_systems_are_refused(count):
    with pytest.raises(InputError, match=f"references: found {count} of 12 systems, expected 1 to 12"):
        min_max(TARGET, count)


def test_errors_by_hand_and_by_scikit_learn():
    predictions = TARGET * np.linspace(0.9, 1.2, len(TARGET))
    computed = errors(TARGET, predictions)
    assert computed["r2"] == pytest.approx(r2_score(TARGET, predictions))
    assert computed["mse_kwh2"] == pytest.approx(mean_squared_error(TARGET, predictions))
    assert computed["kendall_tau"] == pytest.approx(1)
    simple = errors(np.array([1.0, 2.0, 4.0]), np.array([1.1, 1.0, 4.0]))
    assert simple["mdape_percent"] == pytest.approx(10)
    assert simple["ape90_percent"] == pytest.approx(10 + 0.8 * 40)
    assert simple["log_rmse"] == pytest.approx(np.sqrt((np.log(1.1) ** 2 + np.log(2) ** 2) / 3))
    assert simple["kendall_tau"] == pytest.approx(1 / 3)


@settings(max_examples=50)
@given(data=st.data(), count=st.integers(2, 10))
def test_rankings_and_fronts_are_those_of_others(data, count):
    """Kendall's tau-b against scipy, with ties; the front against its definition, system by system."""
    values = st.lists(st.integers(1, 6), min_size=count, max_size=count)
    truth, predictions, quality = (np.array(data.draw(values), dtype=float) for _ in range(3))
    computed = errors(truth, np.stack([predictions, truth]), quality)
    np.testing.assert_allclose(computed["kendall_tau"][0], kendalltau(truth, predictions).statistic, equal_nan=True)
    fronts = [
        {
            system
            for system in range(count)
            if not any(
                energy[other] <= energy[system] and quality[other] >= quality[system]
                and (energy[other] < energy[system] or quality[other] > quality[system])
                for other in range(count)
            )
        }
        for energy in (truth, predictions)
    ]  # fmt: skip
    assert set(np.flatnonzero(optimal(np.column_stack([truth, -quality])))) == fronts[0]
    assert computed["front_jaccard"][0] == len(fronts[0] & fronts[1]) / len(fronts[0] | fronts[1])
    assert computed["front_jaccard"][1] == 1


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


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if isinstance(method(), LeastSquares)])
def test_closed_forms_are_scikit_learns_also_where_columns_say_the_same(name):
    """FLOPs that are twice the parameters, as those of MLPs, and references that barely determine the fit."""
    systems = TABLE.assign(flops=2 * TABLE["params"] + np.where(np.arange(12) < 6, 10.0, 1e6))
    method = METHODS[name]()
    values = method.matrix(systems)
    generator = np.random.default_rng(0)
    count = method.minimum_references
    sets = np.array([generator.choice(12, count, replace=False) for _ in range(50)])
    terms = PolynomialFeatures(method.degree, include_bias=False)
    for rows, predictions in zip(sets, method.predictions(values[sets], TARGET[sets], values), strict=True):
        pipeline = make_pipeline(StandardScaler(), terms, LinearRegression()).fit(values[rows], TARGET[rows])
        expected = pipeline.predict(values)
        np.testing.assert_allclose(predictions, expected, atol=1e-8 * np.abs(expected).max())
