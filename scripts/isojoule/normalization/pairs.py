"""From a table of measurements to pairs of GPUs: the same systems on a source and on a target."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.tables.qualities import QUALITIES

# the first that a table has; more is better
DESCRIPTIONS = ("flops", "params", "weights_bytes", "activations_bytes")


@dataclass(frozen=True)
class Pair:
    """One phase of the systems that were measured on two GPUs.

    Attributes:
        phase: `train` or `test`.
        source: the GPU whose energies are known.
        target: the GPU whose energies are asked for.
        systems: indexed by architecture, in the order of the table: `family`, `energy_kwh` and `duration_s` on the
            source, `flops`, `params`, `weights_bytes`, `activations_bytes`, `quality`; means over repeats.
        target_kwh: energies on the target, (n,).
        kinds: what the energies are: measured, estimated, simulated.
        left_out: systems that were not measured on both, with the reason.
    """

    phase: str
    source: str
    target: str
    systems: pd.DataFrame
    target_kwh: NDArray[np.float64]
    kinds: tuple[str, ...]
    left_out: dict[str, str]

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}, {self.phase}"


def pairs(frame: pd.DataFrame, phase: str) -> list[Pair]:
    """Every directed pair of GPUs that share a system, in the order of the table.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.

    Raises:
        InputError: the phase has energies on fewer than two GPUs, or no two of them share a system.
    """
    ok = frame[(frame["phase"] == phase) & (frame["outcome"] == "ok")]
    names = {str(gpu): set(part) for gpu, part in ok.groupby("gpu", sort=False)["architecture"]}
    if len(names) < 2:
        raise InputError(f"normalization of {phase}: found {len(names)} GPUs ({', '.join(names)}), expected at least 2")
    found = [
        pair(frame, phase, source, target) for source, target in permutations(names, 2) if names[source] & names[target]
    ]
    if not found:
        raise InputError(f"normalization of {phase}: found no system with an energy on two of {', '.join(names)}")
    return found


def on_all(directed: Sequence[Pair]) -> list[str]:
    """Names of the systems that were measured on every GPU of these pairs, in the order of the table."""
    gpus = {one.source for one in directed}
    if len(directed) < len(gpus) * (len(gpus) - 1):
        return []
    return [name for name in directed[0].systems.index if all(name in one.systems.index for one in directed)]


def left_out(directed: Sequence[Pair]) -> list[str]:
    """Sentences on the systems that some pairs do without, one per reason."""
    reasons: dict[str, set[str]] = {}
    for one in directed:
        for name, reason in one.left_out.items():
            reasons.setdefault(reason, set()).add(name)
    return [
        f"{directed[0].phase}: {len(names)} left out, {reason}: {', '.join(sorted(names))}"
        for reason, names in reasons.items()
    ]


def pair(frame: pd.DataFrame, phase: str, source: str, target: str) -> Pair:
    """The systems that were measured on `source` and on `target`.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.
        source: a GPU of the table.
        target: another one.

    Raises:
        InputError: the table has no such GPU, or no system was measured on both.
    """
    rows = frame[(frame["phase"] == phase) & frame["gpu"].isin([source, target])]
    for gpu in (source, target):
        if gpu not in set(rows["gpu"]):
            known = ", ".join(map(str, frame.loc[frame["phase"] == phase, "gpu"].unique()))
            raise InputError(f"normalization of {phase}: found no GPU {gpu}, expected one of {known}")
    ok = rows[rows["outcome"] == "ok"]
    means = ok.groupby(["gpu", "architecture"], sort=False)[["energy_kwh", "duration_s"]].mean()
    both = [name for name in rows["architecture"].unique() if (source, name) in means.index]
    both = [name for name in both if (target, name) in means.index]
    if not both:
        raise InputError(f"normalization of {phase}: found no system with an energy on both {source} and {target}")
    described = rows.groupby("architecture", sort=False)[["family", *(c for c in DESCRIPTIONS if c in rows)]].first()
    on_source = means.loc[source].loc[both]
    systems = described.loc[both].assign(**{name: on_source[name] for name in on_source})
    systems["quality"] = _quality(frame, both)
    numbers = [name for name in systems if name != "family"]
    systems[numbers] = systems[numbers].astype("float64")
    return Pair(
        phase,
        source,
        target,
        systems,
        means.loc[target].loc[both, "energy_kwh"].to_numpy(dtype=np.float64),
        tuple(sorted(ok.loc[ok["architecture"].isin(both), "energy_kind"].dropna().unique())),
        _left_out(rows, means.index, both, (source, target)),
    )


def typical(on_gpus: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Systems that were measured on all of some GPUs, with geometric means of energy and duration over them.

    Args:
        on_gpus: systems as in a pair, one table per GPU.
    """
    names = [name for name in on_gpus[0].index if all(name in systems.index for systems in on_gpus)]
    found = on_gpus[0].loc[names].copy()
    for column in ("energy_kwh", "duration_s"):
        found[column] = np.exp(np.mean([np.log(systems.loc[names, column].to_numpy()) for systems in on_gpus], axis=0))
    return found


def _quality(frame: pd.DataFrame, names: list[str]) -> pd.Series:
    """Mean quality of the systems, whatever it was measured on; missing where the table has none."""
    for column in (*QUALITIES, "accuracy"):
        if column in frame and frame[column].notna().any():
            return frame.groupby("architecture")[column].mean().reindex(names)
    return pd.Series(np.nan, index=names)


def _left_out(rows: pd.DataFrame, measured: pd.Index, both: list[str], gpus: tuple[str, str]) -> dict[str, str]:
    reasons = {}
    for name in rows["architecture"].unique():
        if name in both:
            continue
        missing = [gpu for gpu in gpus if (gpu, name) not in measured]
        outcomes = rows[(rows["architecture"] == name) & rows["gpu"].isin(missing)]["outcome"].unique()
        reasons[str(name)] = f"no energy on {' and '.join(missing)} ({', '.join(outcomes) or 'not measured'})"
    return reasons
