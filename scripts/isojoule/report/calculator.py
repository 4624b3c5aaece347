"""What the page needs to normalize a reader's system as `isojoule normalize` does."""

from typing import Any

import pandas as pd
from scipy.special import stdtrit

from isojoule.errors import InputError
from isojoule.normalization import corrected, intervals, references, relative, shared, shared_process
from isojoule.normalization.pairs import pair
from isojoule.tables.columns import PHASES
from isojoule.tables.kinds import of_kinds
from isojoule.tables.plausibility import PLAUSIBLE_FACTOR

# references that the form begins with; a reader adds further ones
ROWS = 4


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
        "constants": _constants(len(descriptions)),
    }


def _constants(most_systems: int) -> dict[str, Any]:
    quantile = (1 + intervals.COVERAGE) / 2
    most_errors = most_systems + intervals.PRIOR_ERRORS
    return {
        "coverage": intervals.COVERAGE,
        "prior_errors": intervals.PRIOR_ERRORS,
        "prior_error": intervals.PRIOR_ERROR,
        "fewest_others": intervals.FEWEST_OTHERS,
        "unlike": intervals.UNLIKE,
        "least_spread_ratio": intervals.LEAST_SPREAD_RATIO,
        "least_half_width": intervals.LEAST_HALF_WIDTH,
        "most_half_width": intervals.MOST_HALF_WIDTH,
        # by the degrees of freedom, from 1
        "student_quantiles": [float(stdtrit(degrees, quantile)) for degrees in range(1, most_errors + 1)],
        "own_share": shared_process.OWN_SHARE,
        "noise": shared_process.NOISE,
        "least_scale": shared_process.LEAST_SCALE,
        "parts": shared_process.PARTS,
        "most_systems": shared.MOST_SYSTEMS,
        "fewest_systems": shared.FEWEST_SYSTEMS,
        "fewest_gpus_to_share": shared.FEWEST_GPUS_TO_SHARE,
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
        count = min(ROWS, len(systems))
        return [str(systems.index[row]) for row in references.choose_recommended(systems, count)]
    except InputError:
        return []
