"""The published methods: by hand, against scikit-learn, and what must hold in any world."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVR

from isojoule.errors import InputError
from isojoule.normalization.methods import PUBLISHED

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
