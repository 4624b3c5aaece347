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
from isojoule.normalization.methods import METHODS, OURS
from isojoule.normalization.published import PUBLISHED, LeastSquares
from isojoule.normalization.references import DETERMINISTIC, at_random, min_max, published_count, quantiles
from isojoule.normalization.relative import RelativeRidge
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
