"""What a method of normalization is: an estimator as in scikit-learn, fitted on references.

`X` is a table with one row per system and at least the columns that a method names: `energy_kwh` on the source GPU, and
for some methods `flops`, `params` or `duration_s`. `y` holds the energies on the target GPU in kWh, (m,).

Axes of the arrays: s sets of references, r references of a set, m systems, c columns of `X`.
"""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from isojoule.errors import InputError

Values = NDArray[np.float64]

ENERGY = "energy_kwh"


class Normalization(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """What all methods share: they name their columns, refuse too few references, and predict for many sets at once.

    Args:
        columns: columns of `X` that the method uses, the energy on the source first.
    """

    def __init__(self, columns: tuple[str, ...] = (ENERGY,)) -> None:
        self.columns = columns

    # whether many sets of references cost little more than one; only such methods are tried on random references
    closed_form = True

    @property
    def minimum_references(self) -> int:
        """The fewest references that determine the method."""
        return len(self.columns) + 1

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Predict the energies on the target, for many sets of references at once.

        Args:
            references: columns of the references, (s, r, c).
            target_kwh: energies of the references on the target in kWh, (s, r).
            systems: columns of the systems to predict, the same for all sets, (m, c).

        Returns:
            energies of the systems on the target in kWh, (s, m).
        """
        raise NotImplementedError

    def determined(self, references: Values) -> NDArray[np.bool_]:
        """Tell which sets of references, (s, r, c), determine the method: (s,)."""
        is_determined = np.full(len(references), references.shape[1] >= self.minimum_references)
        has_equal_energies = ~(np.diff(np.sort(references[:, :, 0], axis=1), axis=1) > 0).all(axis=1)
        for number in np.flatnonzero(is_determined & has_equal_energies):
            is_determined[number] = _count_different(references[number]) >= self.minimum_references
        return np.asarray(is_determined)

    def fit(self, X: pd.DataFrame, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Take the references.

        Args:
            X: one row per reference.
            y: energies of the references on the target in kWh, (r,).

        Raises:
            InputError: there are fewer references than the method needs, or values are missing, zero or negative.
        """
        values, target_kwh = self.matrix(X), _checked(np.asarray(y, dtype=np.float64), "energy on the target")
        if not self.determined(values[None])[0]:
            raise InputError(
                f"{type(self).__name__} on {', '.join(self.columns)}: found {_count_different(values)} different "
                f"references, expected at least {self.minimum_references}, with different energies"
            )
        self.references_, self.target_kwh_ = values, target_kwh
        return self

    def predict(self, X: pd.DataFrame) -> Values:  # noqa: N803 - scikit-learn's name
        """Predict the energies on the target in kWh, (m,), of the systems in `X`.

        Raises:
            InputError: values are missing, zero or negative.
        """
        return np.asarray(self.predictions(self.references_[None], self.target_kwh_[None], self.matrix(X))[0])

    def suited(self, systems: pd.DataFrame) -> Self | None:
        """Return the method for systems that may lack a column, or None where it cannot do without that column."""
        return self if complete(systems, self.columns) else None

    def matrix(self, X: pd.DataFrame) -> Values:  # noqa: N803 - scikit-learn's name
        """Return the method's columns of `X`, (m, c).

        Raises:
            InputError: a column is absent, or a value is missing, zero or negative.
        """
        missing = [name for name in self.columns if name not in X]
        if missing:
            raise InputError(f"{type(self).__name__}: found no column {', '.join(missing)}")
        columns = [_checked(X[name].to_numpy(dtype=np.float64, na_value=np.nan), name) for name in self.columns]
        return np.column_stack(columns)


def complete(systems: pd.DataFrame, columns: tuple[str, ...]) -> bool:
    """Tell whether every system has a number above 0 in all of these columns."""
    if not set(columns) <= set(systems):
        return False
    values = systems[list(columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    return bool((np.isfinite(values) & (values > 0)).all())


def _count_different(references: Values) -> int:
    """Count the different references of a set, (r, c); if all have the same energy they count as one."""
    return 1 if np.ptp(references[:, 0]) == 0 else len(np.unique(references, axis=0))


def _checked(values: Values, name: str) -> Values:
    is_wrong = ~(np.isfinite(values) & (values > 0))
    if is_wrong.any():
        raise InputError(f"{name}: found {values[is_wrong][0]} among {len(values)} values, expected numbers above 0")
    return values
