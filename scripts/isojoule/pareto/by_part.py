"""A front for every part of a table: for each GPU and phase, or for each value of other columns."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from isojoule.errors import InputError
from isojoule.pareto.front import find_front
from isojoule.pareto.objectives import Objective
from isojoule.tables import models


def fronts_by_part(
    frame: pd.DataFrame, objectives: Sequence[Objective], by: Sequence[str] | None, name: str, **settings: Any
) -> tuple[pd.DataFrame, list[str]]:
    """Find the front of every part of a table.

    Args:
        frame: one row per model and repeat, as `isojoule.tables.models.read` returns it.
        objectives: columns to minimize or maximize.
        by: columns each of whose values has a front of its own, as `isojoule.tables.models.parts` takes them.
        name: column with the names of the models.
        settings: further arguments of `find_front`.

    Returns:
        the tables of all fronts below each other, with the columns `part` and `energy_kind`; and lines to print.

    Raises:
        InputError: `find_front` refuses a part.
    """
    columns = [objective.column for objective in objectives]
    frame = models.with_quality(frame, [objective.column for objective in objectives if objective.maximize], name)
    tables, lines = [], []
    for label, part in models.worth_a_look(models.parts(frame, by), columns):
        front = find_front(part, objectives, name=name, **settings)
        kinds = ", ".join(part["energy_kind"].dropna().unique()) if "energy_kind" in part else ""
        lines += front.in_words(" ".join(filter(None, [label, kinds and f"(energy {kinds})"])))
        lines += [f"  {sentence}" for sentence in models.incomplete(part, columns, name)]
        tables.append(front.table.assign(part=label, energy_kind=kinds or None))
    if not tables:
        raise InputError("the table has no row of the kinds of energy asked for, expected some")
    return pd.concat(tables, ignore_index=True), lines
