"""The published methods, with scikit-learn's habits: `fit(X, y)` on references, `predict(X)` of other systems.

`X` is a table with one row per system and at least the columns that a method names: `energy_kwh` on the source, and for
some `flops` and `params`. `y` is the energy on the target in kWh, (n,). Predictions are in kWh, (n,).

Douwes and Serizel, "Normalizing energy consumption for hardware-independent evaluation", sections 3.1 to 3.3.
"""

from collections.abc import Callable
from functools import partial
from math import comb
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR

from isojoule.errors import InputError

Values = NDArray[np.float64]

ENERGY = "energy_kwh"
FEATURES = {
    "": (ENERGY,),
    "+flops": (ENERGY, "flops"),
    "+params": (ENERGY, "params"),
    "+flops+params": (ENERGY, "flops", "params"),
}


class Normalization(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """What all methods share: their columns, and the refusal of too few references.

    Args:
        columns: of `X`, the energy on the source first.
    """

    def __init__(self, columns: tuple[str, ...] = (ENERGY,)) -> None:
        self.columns = columns

    @property
    def minimum_references(self) -> int:
        """The fewest references that determine the method."""
        return len(self.columns) + 1

    def fit(self, X: pd.DataFrame, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Fit on the references.

        Args:
            X: one row per reference.
            y: their energies on the target in kWh, (n,).

        Raises:
            InputError: fewer references than the method needs, or values that are missing, zero or negative.
        """
        values, target = self._matrix(X), _checked(np.asarray(y, dtype=np.float64), "energy on the target")
        distinct = len(np.unique(values, axis=0))
        if distinct < self.minimum_references:
            raise InputError(
                f"{type(self).__name__} on {', '.join(self.columns)}: found {distinct} different references, "
                f"expected at least {self.minimum_references}"
            )
        self._fit(values, target)
        return self

    def predict(self, X: pd.DataFrame) -> Values:  # noqa: N803 - scikit-learn's name
        """Energies on the target in kWh, (n,), of the systems in `X`.

        Raises:
            InputError: values that are missing, zero or negative.
        """
        return self._predict(self._matrix(X))

    def _matrix(self, X: pd.DataFrame) -> Values:  # noqa: N803 - scikit-learn's name
        missing = [name for name in self.columns if name not in X]
        if missing:
            raise InputError(f"{type(self).__name__}: found no column {', '.join(missing)}")
        columns = [_checked(X[name].to_numpy(dtype=np.float64, na_value=np.nan), name) for name in self.columns]
        return np.column_stack(columns)

    def _fit(self, values: Values, target: Values) -> None:
        raise NotImplementedError

    def _predict(self, values: Values) -> Values:
        raise NotImplementedError


class Ratio(Normalization):
    """Single reference: every energy by the ratio of the one with the lowest or highest energy on the source.

    Args:
        reference: `low` or `high`.
    """

    def __init__(self, reference: str = "low") -> None:
        super().__init__()
        self.reference = reference

    @property
    def minimum_references(self) -> int:
        """One."""
        return 1

    def _fit(self, values: Values, target: Values) -> None:
        chosen = (np.argmin if self.reference == "low" else np.argmax)(values[:, 0])
        self.ratio_ = target[chosen] / values[chosen, 0]

    def _predict(self, values: Values) -> Values:
        return np.asarray(self.ratio_ * values[:, 0])


class TwoPoints(Normalization):
    """Dual reference: the line through those with the lowest and the highest energy on the source."""

    def _fit(self, values: Values, target: Values) -> None:
        low, high = np.argmin(values[:, 0]), np.argmax(values[:, 0])
        self.slope_ = (target[high] - target[low]) / (values[high, 0] - values[low, 0])
        self.intercept_ = target[low] - self.slope_ * values[low, 0]

    def _predict(self, values: Values) -> Values:
        return np.asarray(self.intercept_ + self.slope_ * values[:, 0])


class _Regression(Normalization):
    """A pipeline of scikit-learn; columns are scaled first where that changes nothing but the rounding."""

    def _pipeline(self) -> Pipeline:
        raise NotImplementedError

    def _fit(self, values: Values, target: Values) -> None:
        self.pipeline_ = self._pipeline().fit(values, target)

    def _predict(self, values: Values) -> Values:
        return np.asarray(self.pipeline_.predict(values))


class LeastSquares(_Regression):
    """Least squares in kWh: a line, or a plane with further columns."""

    def _pipeline(self) -> Pipeline:
        return make_pipeline(StandardScaler(), LinearRegression())


class Polynomial(_Regression):
    """Least squares in kWh over all products of up to two columns."""

    @property
    def minimum_references(self) -> int:
        """As many as there are products."""
        return comb(len(self.columns) + 2, 2)

    def _pipeline(self) -> Pipeline:
        return make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False), LinearRegression())


class SupportVectors(_Regression):
    """Support vector regression with a radial basis: C 0.1 and epsilon 1e-4 on raw kWh as published.

    Args:
        columns: of `X`; those beside the energy are standardized, since their units are not kWh.
        standardize: ours: energies are standardized as well.
    """

    def __init__(self, columns: tuple[str, ...] = (ENERGY,), standardize: bool = False) -> None:
        super().__init__(columns)
        self.standardize = standardize

    def _fit(self, values: Values, target: Values) -> None:
        self.center_ = float(target.mean()) if self.standardize else 0.0
        self.scale_ = float(target.std()) or 1.0 if self.standardize else 1.0
        scaled = self.standardize or len(self.columns) > 1
        # scikit-learn's tolerance is in kWh here: its default would stop before it began
        regression = SVR(C=100.0 if self.standardize else 0.1, epsilon=0.01 if self.standardize else 1e-4, tol=1e-8)
        self.pipeline_ = make_pipeline(*([StandardScaler()] if scaled else []), regression)
        self.pipeline_.fit(values, (target - self.center_) / self.scale_)

    def _predict(self, values: Values) -> Values:
        return np.asarray(self.center_ + self.scale_ * self.pipeline_.predict(values))


def _published() -> dict[str, Callable[[], Normalization]]:
    methods: dict[str, Callable[[], Normalization]] = {
        "single-low": partial(Ratio, "low"),
        "single-high": partial(Ratio, "high"),
        "dual": TwoPoints,
    }
    for suffix, columns in FEATURES.items():
        methods[f"line{suffix}"] = partial(LeastSquares, columns)
        methods[f"poly2{suffix}"] = partial(Polynomial, columns)
        methods[f"svr{suffix}"] = partial(SupportVectors, columns)
        methods[f"svr-standardized{suffix}"] = partial(SupportVectors, columns, standardize=True)
    return methods


PUBLISHED = _published()


def _checked(values: Values, name: str) -> Values:
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        raise InputError(f"{name}: found {values[wrong][0]} among {len(values)} values, expected numbers above 0")
    return values
