"""The published methods, and variants of their regressions that were not published.

Douwes and Serizel, "Normalizing energy consumption for hardware-independent evaluation": single and dual references and
the line in section 3.1, types of regression in section 3.2, FLOPs and parameters in section 3.3.

Axes of the arrays: s sets of references, r references of a set, m systems, c columns, p terms of a polynomial.
"""

from collections.abc import Callable
from functools import partial
from math import comb

import numpy as np
from sklearn import config_context
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import SVR

from isojoule.normalization.base import ENERGY, Normalization, Values

COLUMNS_BY_SUFFIX = {
    "": (ENERGY,),
    "+flops": (ENERGY, "flops"),
    "+params": (ENERGY, "params"),
    "+flops+params": (ENERGY, "flops", "params"),
}
# scikit-learn's: directions that the references do not tell apart, such as FLOPs and parameters of MLPs, count for 0
RELATIVE_TOLERANCE = 1e-6


class Ratio(Normalization):
    """Single reference (section 3.1): every energy is multiplied by the ratio of one reference's energies.

    Args:
        reference: `low` or `high`, for the reference of the lowest or the highest energy on the source.
    """

    def __init__(self, reference: str = "low") -> None:
        super().__init__()
        self.reference = reference

    @property
    def minimum_references(self) -> int:
        """One reference."""
        return 1

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Predict e t_r / e_r, with r the chosen reference; shapes as in the base class."""
        source_kwh = references[:, :, 0]
        chosen = (np.argmin if self.reference == "low" else np.argmax)(source_kwh, axis=1)[:, None]
        ratio = np.take_along_axis(target_kwh, chosen, 1) / np.take_along_axis(source_kwh, chosen, 1)
        return np.asarray(ratio * systems[:, 0])


class TwoPoints(Normalization):
    """Dual reference (section 3.1): the line through the references of lowest and highest energy on the source."""

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Predict t_low + (e - e_low) (t_high - t_low) / (e_high - e_low); shapes as in the base class."""
        source_kwh = references[:, :, 0]
        ends = np.stack([source_kwh.argmin(axis=1), source_kwh.argmax(axis=1)], axis=1)
        low_source, high_source = np.take_along_axis(source_kwh, ends, 1).T
        low_target, high_target = np.take_along_axis(target_kwh, ends, 1).T
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = (high_target - low_target) / (high_source - low_source)
        return np.asarray(low_target[:, None] + slope[:, None] * (systems[:, 0] - low_source[:, None]))


class LeastSquares(Normalization):
    """Least squares in kWh: a line or a plane (degree 1), or all products of two columns as well (degree 2).

    With D the terms of the references, centred on their mean d, t their energies on the target, and x the terms of a
    system, the prediction is mean(t) + (x - d) D^+ (t - mean(t)), where D^+ is the pseudoinverse of D. This is what
    scikit-learn's `LinearRegression` computes for one set of standardized references.

    Args:
        columns: columns of `X`, the energy first.
        degree: 1 or 2.
    """

    def __init__(self, columns: tuple[str, ...] = (ENERGY,), degree: int = 1) -> None:
        super().__init__(columns)
        self.degree = degree

    @property
    def minimum_references(self) -> int:
        """As many references as there are coefficients."""
        return comb(len(self.columns) + self.degree, self.degree)

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Predict by the pseudoinverses of all sets at once; shapes as in the base class."""
        center, scale = _standardization(references)
        terms = self._terms((references - center) / scale)
        mean_terms, mean_target = terms.mean(axis=1, keepdims=True), target_kwh.mean(axis=1, keepdims=True)
        pseudoinverse = np.linalg.pinv(terms - mean_terms, rcond=RELATIVE_TOLERANCE)
        coefficients = pseudoinverse @ (target_kwh - mean_target)[:, :, None]
        terms_of_systems = self._terms((systems - center) / scale)
        return np.asarray(mean_target + ((terms_of_systems - mean_terms) @ coefficients)[:, :, 0])

    def _terms(self, columns: Values) -> Values:
        """Return the columns, (s, ..., c), or all their products up to the degree, (s, ..., p)."""
        if self.degree == 1:
            return columns
        flat = columns.reshape(-1, columns.shape[-1])
        terms = PolynomialFeatures(self.degree, include_bias=False).fit_transform(flat)
        return np.asarray(terms.reshape(*columns.shape[:2], -1))


class SupportVectors(Normalization):
    """Support vector regression with a radial kernel (section 3.2), with C = 0.1 and epsilon = 1e-4 on energies in kWh.

    Args:
        columns: columns of `X`, the energy first; several columns are standardized, since their units differ.
        standardize: whether to standardize the energies on source and target in any case, with C = 100 and epsilon =
            0.01, which the paper does not.
    """

    closed_form = False

    def __init__(self, columns: tuple[str, ...] = (ENERGY,), standardize: bool = False) -> None:
        super().__init__(columns)
        self.standardize = standardize

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Fit by scikit-learn, one set after the other, and predict for all at once; shapes as in the base class.

        The prediction is sum_r k(m, r) a_r + b, with a the dual coefficients of the references and b the intercept.
        """
        if self.standardize or len(self.columns) > 1:
            center, scale = _standardization(references)
            references, systems = (references - center) / scale, (systems - center) / scale
        else:
            systems = np.broadcast_to(systems, (len(references), *systems.shape))
        mean_target, target_unit = np.zeros((len(references), 1)), np.ones((len(references), 1))
        if self.standardize:
            mean_target, target_unit = target_kwh.mean(axis=1, keepdims=True), target_kwh.std(axis=1, keepdims=True)
            target_unit[target_unit == 0] = 1
        scaled_target = (target_kwh - mean_target) / target_unit
        # scikit-learn's tolerance is in kWh here: with its default the solver would stop before it began
        cost, epsilon = (100.0, 0.01) if self.standardize else (0.1, 1e-4)
        variance = references.var(axis=(1, 2), keepdims=True)
        gamma = 1 / (references.shape[2] * np.where(variance > 0, variance, 1 / references.shape[2]))
        coefficients, intercepts = np.zeros_like(scaled_target), np.empty((len(references), 1))
        with config_context(assume_finite=True, skip_parameter_validation=True):
            for number, (references_of_set, target_of_set) in enumerate(zip(references, scaled_target, strict=True)):
                regression = SVR(C=cost, epsilon=epsilon, tol=1e-8, gamma=gamma[number].item())
                regression.fit(references_of_set, target_of_set)
                coefficients[number, regression.support_] = regression.dual_coef_[0]
                intercepts[number] = regression.intercept_
        squared_distances = np.zeros((*systems.shape[:2], references.shape[1]))
        for column in range(references.shape[2]):
            squared_distances += (systems[:, :, column, None] - references[:, None, :, column]) ** 2
        kernel = np.exp(-gamma * squared_distances)
        return np.asarray(mean_target + target_unit * ((kernel @ coefficients[:, :, None])[:, :, 0] + intercepts))


def _standardization(references: Values) -> tuple[Values, Values]:
    """Return mean and standard deviation of the references of each set, both (s, 1, c)."""
    scale = references.std(axis=1, keepdims=True)
    return references.mean(axis=1, keepdims=True), np.where(scale > 0, scale, 1.0)


# the methods that the papers tried: FLOPs and parameters with the line alone
PUBLISHED: dict[str, Callable[[], Normalization]] = {
    "single-low": partial(Ratio, "low"),
    "single-high": partial(Ratio, "high"),
    "dual": TwoPoints,
    **{f"line{suffix}": partial(LeastSquares, columns) for suffix, columns in COLUMNS_BY_SUFFIX.items()},
    "poly2": partial(LeastSquares, degree=2),
    "svr": SupportVectors,
}
# the same regressions as the papers did not try them
VARIANTS: dict[str, Callable[[], Normalization]] = {
    **{
        f"{name}{suffix}": partial(regression, columns)
        for suffix, columns in COLUMNS_BY_SUFFIX.items()
        if suffix
        for name, regression in (("poly2", partial(LeastSquares, degree=2)), ("svr", SupportVectors))
    },
    **{
        f"svr-standardized{suffix}": partial(SupportVectors, columns, standardize=True)
        for suffix, columns in COLUMNS_BY_SUFFIX.items()
    },
}
