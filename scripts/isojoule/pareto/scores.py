"""The energy-weighted score of DCASE task 4 for the models of a table."""

from collections.abc import Mapping

import pandas as pd

from isojoule.errors import InputError
from isojoule.pareto.front import numbers


def energy_weighted_score(quality: float, reference_kwh: float, system_kwh: float) -> float:
    """The energy-weighted score of DCASE task 4: quality x E_reference / E_system, both on the same GPU.

    Raises:
        InputError: an energy that is not above 0, or a negative quality.
    """
    if not (reference_kwh > 0 and system_kwh > 0 and quality >= 0):
        raise InputError(
            f"energy-weighted score: found quality {quality}, reference {reference_kwh} kWh and system "
            f"{system_kwh} kWh, expected energies above 0 and a quality of 0 or more"
        )
    return quality * reference_kwh / system_kwh


def scored(
    rows: pd.DataFrame, cost: str, quality: str, reference: str, name: str, label: str = ""
) -> tuple[pd.DataFrame, Mapping[str, str]]:
    """Models by their score, the best one first.

    Args:
        rows: one row per model and repeat.
        cost: column of the energy.
        quality: column of the quality.
        reference: name of the reference model.
        name: column with the names.
        label: what messages call these rows.

    Returns:
        name, means of cost and quality, and `energy_weighted_score`; and why models were left out, by name.

    Raises:
        InputError: a column is absent or holds what is no number, there is no such reference, or it has no energy.
    """
    values = numbers(rows, name, [cost, quality])
    means = values.groupby(rows[name].astype(str), sort=False).mean()
    of_part = f" of {label}" if label else ""
    if reference not in means.index:
        known = ", ".join(means.index[:5])
        raise InputError(f"reference: found {reference}, expected one of the models{of_part}, such as {known}")
    if pd.isna(means.loc[reference, cost]):
        raise InputError(f"reference: found no {cost} of {reference}{of_part}, expected a number above 0")
    left_out = {
        str(key): f"no {' and '.join(column for column in (cost, quality) if pd.isna(row[column]))}"
        for key, row in means[means.isna().any(axis=1)].iterrows()
    }
    known_ones = means.dropna()
    found = known_ones.assign(
        energy_weighted_score=[
            energy_weighted_score(row[quality], means.loc[reference, cost], row[cost])
            for _, row in known_ones.iterrows()
        ]
    )
    found = found.sort_values("energy_weighted_score", ascending=False, kind="stable")
    return found.rename_axis(name).reset_index(), left_out


def in_words(table: pd.DataFrame, left_out: Mapping[str, str], name: str, label: str) -> list[str]:
    """Scores as lines to read."""
    width = max(map(len, table[name]), default=0)
    lines = [f"{label}:"] if label else []
    lines += [f"  {row[name]:{width}}  {row['energy_weighted_score']:.3g}" for _, row in table.iterrows()]
    return [*lines, *(f"  left out: {model}: {reason}" for model, reason in left_out.items())]
