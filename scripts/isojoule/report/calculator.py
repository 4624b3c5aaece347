"""What the page needs to normalize a reader's system as `isojoule.normalization.own` does."""

from typing import Any

import pandas as pd
from scipy.special import stdtrit

from isojoule.errors import InputError
from isojoule.normalization import corrected, intervals, references, relative
from isojoule.normalization.pairs import pair
from isojoule.tables.measurements import PHASES, PLAUSIBLE_FACTOR, of_kinds

# what the form asks for first; the reader may take others
SUGGESTED = 8


def study(frame: pd.DataFrame) -> dict[str, Any] | None:
    """Means of every system, by phase and GPU, and the constants of the method; none where nothing can be normalized.

    Args:
        frame: a table of measurements.
    """
    try:
        frame, _ = of_kinds(frame)
    except InputError:
        return None
    ok = frame[frame["outcome"] == "ok"]
    described = frame.groupby("architecture", sort=False)[["flops", "params"]].first()
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
        "described": {str(name): _numbers(row) for name, row in described.iterrows()},
        "constants": {
            "coverage": intervals.COVERAGE,
            "enough_gpus": intervals.ENOUGH_GPUS,
            "luck": intervals.REPEAT_SPREAD,
            "floor": relative.LOWEST_SHARE_OF_RATIO,
            "ridge": relative.RelativeRidge().ridge,
            "plausible_factor": PLAUSIBLE_FACTOR,
            "kernels": [list(kernel) for kernel in corrected.KERNELS],
            "noises": corrected.NOISES.tolist(),
            "anchors": [
                {"shares": [anchor.ratio, anchor.line, anchor.ridge], "prior": anchor.prior}
                for anchor in corrected.ANCHORS
            ],
            # from 9 errors on the conformal quantile is there
            "student": [float(stdtrit(degrees, (1 + intervals.COVERAGE) / 2)) for degrees in range(1, 9)],
        },
    }


def _numbers(row: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in row]


def _suggested(frame: pd.DataFrame, phase: str, gpu: str) -> list[str]:
    """References to measure for this GPU, as many of the recommended ones as there are systems for."""
    try:
        systems = pair(frame, phase, gpu, gpu).systems
    except InputError:
        return []
    count = min(SUGGESTED, len(systems))
    try:
        return [str(systems.index[one]) for one in references.choose(references.recommended(count), systems, count)]
    except InputError:
        return []
