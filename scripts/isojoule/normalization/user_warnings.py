"""What makes the estimate for a user's system doubtful: wrong units, extrapolation, few references, kinds of energy."""

import numpy as np
import pandas as pd

from isojoule.normalization.corrected import FEWEST_TO_CORRECT
from isojoule.tables.plausibility import PLAUSIBLE_FACTOR


def user_warnings(
    on_own_gpu: pd.DataFrame,
    on_target: pd.DataFrame,
    own_system: pd.DataFrame,
    columns: tuple[str, ...],
    kinds: tuple[str, ...],
    *,
    has_interval: bool,
    spread_ratio: float | None,
) -> list[str]:
    """Say in sentences what is doubtful.

    Args:
        on_own_gpu: references as measured on the user's GPU, by name, (r,).
        on_target: the same references on the target, (r,).
        own_system: the user's system, one row with the columns that are known of it.
        columns: columns that the method uses.
        kinds: what the energies of the study are.
        has_interval: whether the estimate has an interval.
        spread_ratio: as in `Evidenced`, if the user's GPU is unlike the others.
    """
    ratios = on_own_gpu["energy_kwh"] / on_target["energy_kwh"]
    warnings = unit_warnings(ratios, "your GPU", "the target")
    for column in own_system:
        if column in on_own_gpu and column not in columns:
            whose = "the study's GPUs" if on_own_gpu[column].notna().all() else "all references"
            warnings.append(f"not used: {column}, which is not known of {whose}")
    for column in [name for name in columns if name in own_system]:
        low, high, value = on_own_gpu[column].min(), on_own_gpu[column].max(), own_system[column].iloc[0]
        if not low <= value <= high:
            warnings.append(
                f"extrapolation: {column} of your system is {value:.3g}, the references span {low:.3g} to {high:.3g}"
            )
    if (count := len(on_own_gpu)) < FEWEST_TO_CORRECT:
        warnings.append(f"few references: {count} fix a line and leave none to check it with; measure 4 or more")
    if spread_ratio is not None:
        warnings.append(
            "agreement: the references disagree on how your GPU compares with the target, "
            f"{spread_ratio:.3g} times as much as on any other GPU of the study, and the interval is wider for it; "
            f"their energies on your GPU are {_span(ratios)} times those on the target; are values mixed up?"
        )
    if not has_interval:
        warnings.append("no interval: nothing here tells how wrong the estimate may be")
    return warnings + kinds_warning(kinds)


def kinds_warning(kinds: tuple[str, ...]) -> list[str]:
    """Warn of a study that was not measured."""
    return [] if kinds == ("measured",) else [f"kind: the study's energies are {' and '.join(kinds)}"]


def _span(ratios: pd.Series) -> str:
    """Write the lowest and the highest ratio, each with the name of its reference."""
    return " to ".join(f"{ratios[name]:.3g} ({name})" for name in (ratios.idxmin(), ratios.idxmax()))


def unit_warnings(ratios: pd.Series, numerator: str, denominator: str) -> list[str]:
    """Warn of ratios of energies that no two GPUs have.

    Args:
        ratios: one per reference, indexed by name, (r,).
        numerator: what the GPU of the user's energies is called.
        denominator: what they are divided by.
    """
    warnings = []
    median = float(np.median(ratios.to_numpy()))
    if not 1 / PLAUSIBLE_FACTOR < median < PLAUSIBLE_FACTOR:
        warnings.append(
            f"units: the references take {median:.3g} times as much energy on {numerator} as on {denominator}; are "
            "your energies in kWh?"
        )
    for name, ratio in ratios.items():
        if not 1 / PLAUSIBLE_FACTOR < ratio / median < PLAUSIBLE_FACTOR:
            warnings.append(
                f"units: {name} takes {ratio:.3g} times as much energy on {numerator}, the others about {median:.3g}"
            )
    return warnings
