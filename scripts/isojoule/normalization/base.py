"""What a method of normalization is: references in, predictions out, with scikit-learn's habits.

`X` is a table with one row per system and at least the columns that a method names: `energy_kwh` on the source, and for
some `flops`, `params` or `duration_s`. `y` is the energy on the target in kWh, (n,). Predictions are in kWh, (n,).
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
    """What all methods share: their columns, the refusal of too few references, and many sets of references at once.

    Args:
        columns: of `X`, the energy on the source first.
    """

    def __init__(self, columns: tuple[str, ...] = (ENERGY,)) -> None:
        self.columns = columns

    # random references are drawn many times over, which only a method of one matrix product can afford
    closed_form = True

    @property
    def minimum_references(self) -> int:
        """The fewest references that determine the method."""
        return len(self.columns) + 1

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Energies on the target, for many sets of references at once.

        Args:
            references: (sets, references, columns).
            target_kwh: their energies on the target, (sets, references).
            systems: what to predict, the same for all sets, (systems, columns).

        Returns:
            (sets, systems) in kWh.
        """
        raise NotImplementedError

    def determined(self, references: Values) -> NDArray[np.bool_]:
        """Which sets of references, (sets, references, columns), determine the method: (sets,)."""
        enough = np.full(len(references), references.shape[1] >= self.minimum_references)
        alike = ~(np.diff(np.sort(references[:, :, 0], axis=1), axis=1) > 0).all(axis=1)
        for number in np.flatnonzero(enough & alike):
            enough[number] = _distinct(references[number]) >= self.minimum_references
        return np.asarray(enough)

    def fit(self, X: pd.DataFrame, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Take the references.

        Args:
            X: one row per reference.
            y: their energies on the target in kWh, (n,).

        Raises:
            InputError: fewer references than the method needs, or values that are missing, zero or negative.
        """
        values, target = self.matrix(X), _checked(np.asarray(y, dtype=np.float64), "energy on the target")
        if not self.determined(values[None])[0]:
            raise InputError(
                f"{type(self).__name__} on {', '.join(self.columns)}: found {_distinct(values)} different references, "
                f"expected at least {self.minimum_references}, with different energies"
            )
        self.references_, self.target_kwh_ = values, target
        return self

    def predict(self, X: pd.DataFrame) -> Values:  # noqa: N803 - scikit-learn's name
        """Energies on the target in kWh, (n,), of the systems in `X`.

        Raises:
            InputError: values that are missing, zero or negative.
        """
        return np.asarray(self.predictions(self.references_[None], self.target_kwh_[None], self.matrix(X))[0])

    def suited(self, systems: pd.DataFrame) -> Self | None:
        """The method for systems that may lack a column; None where it cannot do without."""
        return self if complete(systems, self.columns) else None

    def matrix(self, X: pd.DataFrame) -> Values:  # noqa: N803 - scikit-learn's name
        """The method's columns of `X`, (n, columns).

        Raises:
            InputError: a column is absent, or a value missing, zero or negative.
        """
        missing = [name for name in self.columns if name not in X]
        if missing:
            raise InputError(f"{type(self).__name__}: found no column {', '.join(missing)}")
        columns = [_checked(X[name].to_numpy(dtype=np.float64, na_value=np.nan), name) for name in self.columns]
        return np.column_stack(columns)


def complete(systems: pd.DataFrame, columns: tuple[str, ...]) -> bool:
    """Whether every system has a number above 0 in all of these columns."""
    if not set(columns) <= set(systems):
        return False
    values = systems[list(columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    return bool((np.isfinite(values) & (values > 0)).all())


def _distinct(rows: Values) -> int:
    return 1 if np.ptp(rows[:, 0]) == 0 else len(np.unique(rows, axis=0))


def _checked(values: Values, name: str) -> Values:
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        raise InputError(f"{name}: found {values[wrong][0]} among {len(values)} values, expected numbers above 0")
    return values
