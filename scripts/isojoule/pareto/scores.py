"""The energy-weighted score of DCASE task 4, of one system or of all models of a table.

The score is quality x E_reference / E_system, with both energies from the same GPU: Ronchini, Cornell, Serizel,
Turpault, Fonseca and Ellis, "Description and analysis of novelties introduced in DCASE task 4 2022 on the baseline
system", 2022.
"""

from collections.abc import Mapping

import pandas as pd

from isojoule.errors import InputError
from isojoule.pareto.objectives import objective_values


def energy_weighted_score(quality: float, reference_kwh: float, system_kwh: float) -> float:
    """Compute quality x reference_kwh / system_kwh.

    Args:
        quality: quality of the system; more is better.
        reference_kwh: energy of the reference in kWh.
        system_kwh: energy of the system in kWh, on the same GPU.

    Raises:
        InputError: an energy is not above 0, or the quality is negative.
    """
    if not (reference_kwh > 0 and system_kwh > 0 and quality >= 0):
        raise InputError(
            f"energy-weighted score: found quality {quality}, reference {reference_kwh} kWh and system "
            f"{system_kwh} kWh, expected energies above 0 and a quality of 0 or more"
        )
    return quality * reference_kwh / system_kwh


def score_models(
    rows: pd.DataFrame, cost: str, quality: str, reference: str, name: str, label: str = ""
) -> tuple[pd.DataFrame, Mapping[str, str]]:
    """Score the models of a table by the means over their repeats, the best one first.

    Args:
        rows: one row per model and repeat.
        cost: column of the energy.
        quality: column of the quality.
        reference: name of the reference model.
        name: column with the names of the models.
        label: what error messages call these rows.

    Returns:
        a table of the names, the means of cost and quality, and `energy_weighted_score`; and the reason by name of each
        model that was left out.

    Raises:
        InputError: a column is absent or holds something that is no number, there is no such reference, or it has no
            energy.
    """
    values = objective_values(rows, name, [cost, quality])
    means = values.groupby(rows[name].astype(str), sort=False).mean()
    of_part = f" of {label}" if label else ""
    if reference not in means.index:
        models = ", ".join(means.index[:5])
        raise InputError(f"reference: found {reference}, expected one of the models{of_part}, such as {models}")
    if pd.isna(means.loc[reference, cost]):
        raise InputError(f"reference: found no {cost} of {reference}{of_part}, expected a number above 0")
    left_out = {
        str(model): f"no {' and '.join(column for column in (cost, quality) if pd.isna(row[column]))}"
        for model, row in means[means.isna().any(axis=1)].iterrows()
    }
    complete = means.dropna()
    table = complete.assign(
        energy_weighted_score=[
            energy_weighted_score(row[quality], means.loc[reference, cost], row[cost]) for _, row in complete.iterrows()
        ]
    ).sort_values("energy_weighted_score", ascending=False, kind="stable")
    return table.rename_axis(name).reset_index(), left_out


def in_words(table: pd.DataFrame, left_out: Mapping[str, str], name: str, label: str) -> list[str]:
    """Describe the scores in lines to print, the first of which is the label."""
    width = max(map(len, table[name]), default=0)
    lines = [f"{label}:"] if label else []
    lines += [f"  {row[name]:{width}}  {row['energy_weighted_score']:.3g}" for _, row in table.iterrows()]
    return [*lines, *(f"  left out: {model}: {reason}" for model, reason in left_out.items())]
