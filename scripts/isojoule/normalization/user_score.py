"""The energy-weighted score of a user's system, on the user's GPU and on the target."""

from collections.abc import Mapping

import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization.user_system import Normalized, System, systems_on_target
from isojoule.pareto.scores import energy_weighted_score


def scores_on_both_gpus(
    frame: pd.DataFrame,
    normalized: Normalized,
    references: Mapping[str, System],
    system: System,
    quality: float | None,
    reference: str | None,
) -> dict[str, object]:
    """Score a user's system relative to one of the references.

    Args:
        frame: the study's table of measurements.
        normalized: the system's energy on the target.
        references: reference systems as measured on the user's GPU, by name.
        system: the user's system on the user's GPU.
        quality: quality of the system; more is better.
        reference: name of the reference that the score is relative to.

    Returns:
        `quality`, `reference` (its name), `energy_weighted_score` (on the user's GPU) and
        `energy_weighted_score_on_target`.

    Raises:
        InputError: it is not one of the references, there is no quality, or a value is out of range.
    """
    if reference is None or reference not in references:
        raise InputError(
            f"reference: found {reference or 'none'}, expected with a quality one of the references: "
            f"{', '.join(references)}"
        )
    if quality is None:
        raise InputError("quality: found none, expected with a reference the quality of your system")
    study = systems_on_target(frame, normalized.target, normalized.phase)
    reference_on_target_kwh = float(study.loc[reference, "energy_kwh"])
    return {
        "quality": quality,
        "reference": reference,
        "energy_weighted_score": energy_weighted_score(quality, references[reference].energy_kwh, system.energy_kwh),
        "energy_weighted_score_on_target": energy_weighted_score(
            quality, reference_on_target_kwh, normalized.energy_kwh
        ),
    }
