"""The published methods.

Douwes and Serizel, "Normalizing energy consumption for hardware-independent evaluation", sections 3.1 to 3.3.
"""

from collections.abc import Callable
from functools import partial
from math import comb

import numpy as np
from sklearn import config_context
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVR

from isojoule.normalization.base import ENERGY, Normalization, Values

FEATURES = {
    "": (ENERGY,),
    "+flops": (ENERGY, "flops"),
    "+params": (ENERGY, "params"),
    "+flops+params": (ENERGY, "flops", "params"),
}


# scikit-learn's: directions that the references do not tell apart, such as the FLOPs and parameters of MLPs, stay 0
RELATIVE_TOLERANCE = 1e-6


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

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """By the ratio."""
        source = references[:, :, 0]
        chosen = (np.argmin if self.reference == "low" else np.argmax)(source, axis=1)[:, None]
        ratio = np.take_along_axis(target_kwh, chosen, 1) / np.take_along_axis(source, chosen, 1)
        return np.asarray(ratio * systems[:, 0])


class TwoPoints(Normalization):
    """Dual reference: the line through those with the lowest and the highest energy on the source."""

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """On the line."""
        source = references[:, :, 0]
        ends = np.stack([source.argmin(axis=1), source.argmax(axis=1)], axis=1)
        (low, high), (low_kwh, high_kwh) = (np.take_along_axis(v, ends, 1).T for v in (source, target_kwh))
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = (high_kwh - low_kwh) / (high - low)
        return np.asarray(low_kwh[:, None] + slope[:, None] * (systems[:, 0] - low[:, None]))


class LeastSquares(Normalization):
    """Least squares in kWh: a line, or a plane with further columns; of degree 2, over all products of two columns.

    Args:
        columns: of `X`.
        degree: 1 or 2.
    """

    def __init__(self, columns: tuple[str, ...] = (ENERGY,), degree: int = 1) -> None:
        super().__init__(columns)
        self.degree = degree

    @property
    def minimum_references(self) -> int:
        """As many as there are coefficients."""
        return comb(len(self.columns) + self.degree, self.degree)

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """By the singular values of all sets at once, as scikit-learn does it for one: center, then least squares."""
        center, scale = _standardization(references)
        design = self._terms((references - center) / scale)
        middle, level = design.mean(axis=1, keepdims=True), target_kwh.mean(axis=1, keepdims=True)
        inverse = np.linalg.pinv(design - middle, rcond=RELATIVE_TOLERANCE)
        coefficients = inverse @ (target_kwh - level)[:, :, None]
        return np.asarray(level + ((self._terms((systems - center) / scale) - middle) @ coefficients)[:, :, 0])

    def _terms(self, columns: Values) -> Values:
        if self.degree == 1:
            return columns
        flat = columns.reshape(-1, columns.shape[-1])
        terms = PolynomialFeatures(self.degree, include_bias=False).fit_transform(flat)
        return np.asarray(terms.reshape(*columns.shape[:2], -1))


class SupportVectors(Normalization):
    """Support vector regression with a radial basis: C 0.1 and epsilon 1e-4 on raw kWh as published.

    Args:
        columns: of `X`; where there are several they are standardized, since their units differ.
        standardize: ours: the energies on source and target are standardized in any case.
    """

    closed_form = False

    def __init__(self, columns: tuple[str, ...] = (ENERGY,), standardize: bool = False) -> None:
        super().__init__(columns)
        self.standardize = standardize

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """By scikit-learn, one set after the other: the solver has no closed form."""
        if self.standardize or len(self.columns) > 1:
            center, scale = _standardization(references)
            references, systems = (references - center) / scale, (systems - center) / scale
        else:
            systems = np.broadcast_to(systems, (len(references), *systems.shape))
        level, unit = np.zeros((len(references), 1)), np.ones((len(references), 1))
        if self.standardize:
            level, unit = target_kwh.mean(axis=1, keepdims=True), target_kwh.std(axis=1, keepdims=True)
            unit[unit == 0] = 1
        scaled = (target_kwh - level) / unit
        # scikit-learn's tolerance is in kWh here: its default would stop before it began
        cost, epsilon = (100.0, 0.01) if self.standardize else (0.1, 1e-4)
        regression = SVR(C=cost, epsilon=epsilon, tol=1e-8)
        with config_context(assume_finite=True, skip_parameter_validation=True):
            predicted = [
                regression.fit(known, kwh).predict(asked)
                for known, kwh, asked in zip(references, scaled, systems, strict=True)
            ]
        return np.asarray(level + unit * np.array(predicted))


def _standardization(references: Values) -> tuple[Values, Values]:
    scale = references.std(axis=1, keepdims=True)
    return references.mean(axis=1, keepdims=True), np.where(scale > 0, scale, 1.0)


def _published() -> dict[str, Callable[[], Normalization]]:
    methods: dict[str, Callable[[], Normalization]] = {
        "single-low": partial(Ratio, "low"),
        "single-high": partial(Ratio, "high"),
        "dual": TwoPoints,
    }
    for suffix, columns in FEATURES.items():
        methods[f"line{suffix}"] = partial(LeastSquares, columns)
        methods[f"poly2{suffix}"] = partial(LeastSquares, columns, degree=2)
        methods[f"svr{suffix}"] = partial(SupportVectors, columns)
        methods[f"svr-standardized{suffix}"] = partial(SupportVectors, columns, standardize=True)
    return methods


PUBLISHED = _published()
