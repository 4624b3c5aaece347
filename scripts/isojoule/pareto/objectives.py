"""What models are compared by: columns of a table that are minimized or maximized, and their checked numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.values import numbers


@dataclass(frozen=True)
class Objective:
    """A column by which models are compared.

    Attributes:
        column: name of the column.
        maximize: whether more is better; otherwise less is.
        logarithmic: whether the hypervolume counts decades of this cost, which must be above 0.
    """

    column: str
    maximize: bool = False
    logarithmic: bool = False

    @property
    def sign(self) -> float:
        """The factor that turns a value into a cost, of which less is better."""
        return -1.0 if self.maximize else 1.0


def objective_values(rows: pd.DataFrame, name: str, columns: list[str]) -> pd.DataFrame:
    """Read these columns as numbers; a value that is absent becomes NaN.

    Args:
        rows: one row per model and repeat.
        name: column with the names of the models.
        columns: columns of the objectives.

    Raises:
        InputError: there is no column, one is absent or has no number at all, or a value is no finite number.
    """
    if not columns:
        raise InputError("objectives: found none, expected columns to minimize or maximize")
    absent = [column for column in (name, *columns) if column not in rows]
    if absent:
        raise InputError(f"{absent[0]}: found no such column, expected one of {', '.join(map(str, rows.columns))}")
    if len(set(columns)) < len(columns):
        raise InputError(f"objectives: found {', '.join(columns)}, expected each once")
    values = pd.DataFrame({column: numbers(rows, column) for column in columns}, index=rows.index)
    for column in columns:
        if values[column].isna().all():
            raise InputError(f"{column}: found no value for any of {rows[name].nunique()} models, expected numbers")
    return values


def check_logarithmic(means: pd.DataFrame, objectives: Sequence[Objective]) -> None:
    """Check that every logarithmic objective is a cost above 0.

    Args:
        means: one row per model, one column per objective.
        objectives: the objectives.

    Raises:
        InputError: one is not.
    """
    for objective in objectives:
        column = objective.column
        if objective.logarithmic and (means[column] <= 0).any():
            raise InputError(
                f"{column}: found {means[column].min():g} for {means[column].idxmin()}, expected values above 0 on a "
                "logarithmic scale"
            )
        if objective.logarithmic and objective.maximize:
            raise InputError(f"{column}: found maximize and logarithmic, expected a logarithmic scale of costs only")
