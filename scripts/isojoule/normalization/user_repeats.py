"""Normalize what was measured several times: the spread of the repeats is in the interval.

With h half the width of the interval of `normalize`, as a logarithm, the one here is

    sqrt(h^2 + t^2 s^2 (sum of d_i^2 / n_i))

where system i, the user's own or a reference, was measured n_i times; s is the standard deviation of the logarithms of
repeats, pooled over all of them; t is Student's, with their degrees of freedom; and d_i is by how much the logarithm of
the prediction changes with that of the energy of system i.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import t as student

from isojoule.normalization.user_rows import Repeats, kinds_of, systems_of
from isojoule.normalization.user_system import Normalized, Target


@dataclass(frozen=True)
class Spread:
    """How much repeats of one measurement differ.

    Attributes:
        deviation: standard deviation of their logarithms; 0 where nothing was repeated.
        freedom: its degrees of freedom; 0 where nothing was repeated.
    """

    deviation: float
    freedom: int

    def factor(self, coverage: float) -> float:
        """Return Student's t for an interval with this coverage."""
        return float(student.ppf((1 + coverage) / 2, self.freedom))


def pooled(rows: Mapping[str, Repeats]) -> Spread:
    """Return the spread of the repeats of all systems together."""
    logs = [np.log(repeats.energies_kwh) for repeats in rows.values()]
    freedom = sum(len(values) - 1 for values in logs)
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in logs)
    return Spread(float(np.sqrt(squares / freedom)) if freedom else 0.0, freedom)


def normalize_repeats(
    frame: pd.DataFrame, target: str, phase: str, references: Mapping[str, Repeats], own: Mapping[str, Repeats]
) -> dict[str, Normalized]:
    """Normalize systems that were measured several times, or once.

    Args:
        frame: the study's table of measurements.
        target: a GPU of the study.
        phase: `train` or `test`.
        references: reference systems as measured on the user's GPU, by their names in the study.
        own: the user's systems on that GPU, by name.

    Returns:
        each system's energy on the target, by name.

    Raises:
        InputError: as `normalize`.
    """
    return repeats_on(Target(frame, target, phase), references, own)


def repeats_on(target: Target, references: Mapping[str, Repeats], own: Mapping[str, Repeats]) -> dict[str, Normalized]:
    """Do as `normalize_repeats` to a target that is bound already, which is faster for one user after the other."""
    spread = pooled({**references, **own})
    on_own_gpu = systems_of(references, complete=True)
    numbers = {name: len(repeats.energies_kwh) for name, repeats in references.items()}
    normalized = {}
    for name, repeats in own.items():
        system = repeats.system
        result = target.normalize(on_own_gpu, system)
        if spread.deviation > 0 and result.low_kwh is not None:
            slopes = target.slopes(on_own_gpu, system)
            counts = np.array([*numbers.values(), len(repeats.energies_kwh)])
            of_repeats = spread.factor(result.coverage) * spread.deviation * np.sqrt((slopes**2 / counts).sum())
            result = _widened(result, float(of_repeats), spread)
        normalized[name] = with_own_kinds(result, kinds_of({**references, name: repeats}))
    return normalized


def interval_in_words(interval: str, spread: Spread) -> str:
    """Say what an interval rests on, with the spread of the repeats."""
    return f"{interval}, and the spread of the repeats, {100 * spread.deviation:.1f} %"


def with_own_kinds(result: Normalized, own_kinds: tuple[str, ...]) -> Normalized:
    """Say what the energies of the user's GPU are, where they are not what those of the study are."""
    if not own_kinds or own_kinds == result.kinds:
        return replace(result, own_kinds=own_kinds)
    own, study = " and ".join(own_kinds), " and ".join(result.kinds)
    warning = f"kinds: the energies on your GPU are {own}, those of the study {study}"
    return replace(result, own_kinds=own_kinds, warnings=(*result.warnings, warning))


def _widened(result: Normalized, of_repeats: float, spread: Spread) -> Normalized:
    half = float(np.hypot(np.log((result.high_kwh or 0.0) / result.energy_kwh), of_repeats))
    return replace(
        result,
        low_kwh=result.energy_kwh / np.exp(half),
        high_kwh=result.energy_kwh * np.exp(half),
        interval=interval_in_words(result.interval, spread),
    )
