"""What the page needs to normalize a reader's system as `isojoule normalize` does."""

from typing import Any

import pandas as pd
from scipy.special import stdtrit

from isojoule.errors import InputError
from isojoule.normalization import corrected, intervals, references, relative
from isojoule.normalization.pairs import pair
from isojoule.tables.columns import PHASES
from isojoule.tables.kinds import of_kinds
from isojoule.tables.plausibility import PLAUSIBLE_FACTOR


def study(frame: pd.DataFrame) -> dict[str, Any] | None:
    """Return means of every system by phase and GPU, and the constants of the method, as `normalize.js` takes them.

    Args:
        frame: a table of measurements.

    Returns:
        the content, or None where nothing can be normalized.
    """
    try:
        frame, _ = of_kinds(frame)
    except InputError:
        return None
    ok = frame[frame["outcome"] == "ok"]
    descriptions = frame.groupby("architecture", sort=False)[["flops", "params"]].first()
    phases: dict[str, Any] = {}
    for phase in PHASES:
        for gpu, rows in ok[ok["phase"] == phase].groupby("gpu", sort=False):
            means = rows.groupby("architecture", sort=False)[["energy_kwh", "duration_s"]].mean()
            if len(means) > 1:
                phases.setdefault(phase, {})[str(gpu)] = {
                    "kinds": sorted(rows["energy_kind"].dropna().unique()),
                    "systems": {str(name): _numbers(row) for name, row in means.iterrows()},
                    "suggested": _suggested(frame, phase, str(gpu)),
                }
    if not phases:
        return None
    return {
        "phases": phases,
        "described": {str(name): _numbers(row) for name, row in descriptions.iterrows()},
        "constants": _constants(),
    }


def _constants() -> dict[str, Any]:
    quantile = (1 + intervals.COVERAGE) / 2
    return {
        "coverage": intervals.COVERAGE,
        "enough_gpus": intervals.ENOUGH_GPUS,
        "fewest_errors": intervals.FEWEST_ERRORS,
        "repeat_spread": intervals.REPEAT_SPREAD,
        # Student's t, where there are too few errors for the conformal quantile
        "student_quantiles": [float(stdtrit(degrees, quantile)) for degrees in range(1, intervals.FEWEST_ERRORS)],
        "lowest_share_of_ratio": relative.LOWEST_SHARE_OF_RATIO,
        "ridge": relative.RelativeRidge().ridge,
        "fewest_to_correct": corrected.FEWEST_TO_CORRECT,
        "least_error": corrected.LEAST_ERROR,
        "kernels": [list(kernel) for kernel in corrected.KERNELS],
        "noises": corrected.NOISES.tolist(),
        "baselines": [
            {"shares": [baseline.ratio, baseline.line, baseline.ridge], "prior": baseline.prior}
            for baseline in corrected.BASELINES
        ],
        "plausible_factor": PLAUSIBLE_FACTOR,
    }


def _numbers(row: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in row]


def _suggested(frame: pd.DataFrame, phase: str, gpu: str) -> list[str]:
    """Return the names of the references to measure for this GPU; fewer where it has fewer systems."""
    try:
        systems = pair(frame, phase, gpu, gpu).systems
        count = min(references.SUGGESTED_COUNT, len(systems))
        return [str(systems.index[row]) for row in references.choose_recommended(systems, count)]
    except InputError:
        return []
