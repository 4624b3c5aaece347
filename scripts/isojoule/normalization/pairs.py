"""From a table of measurements to pairs of GPUs: the same systems on a source and on a target."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization.base import Values
from isojoule.readable import counted
from isojoule.tables.qualities import QUALITIES

# columns that describe a system, whatever GPU it runs on
DESCRIPTIONS = ("flops", "params", "weights_bytes", "activations_bytes")
# between names of systems in a cell of a table
SEPARATOR = ", "


@dataclass(frozen=True)
class Pair:
    """The systems that were measured on two GPUs, in one phase.

    Attributes:
        phase: `train` or `test`.
        source: the GPU whose energies are known.
        target: the GPU whose energies are asked for.
        systems: one row per system, (m,), indexed by architecture in the order of the table: `family`; `energy_kwh` and
            `duration_s` on the source, means over repeats; `flops`, `params`, `weights_bytes`, `activations_bytes`;
            `quality`.
        target_kwh: energies on the target in kWh, means over repeats, (m,).
        kinds: what the energies are: measured, estimated, simulated.
        left_out: reason by name of each system that was not measured on both GPUs.
    """

    phase: str
    source: str
    target: str
    systems: pd.DataFrame
    target_kwh: Values
    kinds: tuple[str, ...]
    left_out: dict[str, str]

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}, {self.phase}"


def pairs(frame: pd.DataFrame, phase: str) -> list[Pair]:
    """Return every ordered pair of GPUs that share a system, in the order of the table.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.

    Raises:
        InputError: the phase has energies on fewer than two GPUs, or no two of them share a system.
    """
    ok = frame[(frame["phase"] == phase) & (frame["outcome"] == "ok")]
    names_by_gpu = {str(gpu): set(part) for gpu, part in ok.groupby("gpu", sort=False)["architecture"]}
    gpus = ", ".join(names_by_gpu)
    if len(names_by_gpu) < 2:
        raise InputError(
            f"normalization of {phase}: found {counted(len(names_by_gpu), 'GPU')} ({gpus}), expected at least 2"
        )
    sharing = [
        pair(frame, phase, source, target)
        for source, target in permutations(names_by_gpu, 2)
        if names_by_gpu[source] & names_by_gpu[target]
    ]
    if not sharing:
        raise InputError(f"normalization of {phase}: found no system with an energy on two of {gpus}")
    return sharing


def pair(frame: pd.DataFrame, phase: str, source: str, target: str) -> Pair:
    """Return the systems that were measured on `source` and on `target`.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.
        source: a GPU of the table.
        target: another one, or the same one.

    Raises:
        InputError: the table has no such GPU, or no system was measured on both.
    """
    rows = frame[(frame["phase"] == phase) & frame["gpu"].isin([source, target])]
    for gpu in (source, target):
        if gpu not in set(rows["gpu"]):
            gpus = ", ".join(map(str, frame.loc[frame["phase"] == phase, "gpu"].unique()))
            raise InputError(f"normalization of {phase}: found no GPU {gpu}, expected one of {gpus}")
    ok = rows[rows["outcome"] == "ok"]
    means = ok.groupby(["gpu", "architecture"], sort=False)[["energy_kwh", "duration_s"]].mean()
    names = [
        name
        for name in rows["architecture"].unique()
        if (source, name) in means.index and (target, name) in means.index
    ]
    if not names:
        raise InputError(f"normalization of {phase}: found no system with an energy on both {source} and {target}")
    columns = ["family", *(name for name in DESCRIPTIONS if name in rows)]
    descriptions = rows.groupby("architecture", sort=False)[columns].first()
    on_source = means.loc[source].loc[names]
    systems = descriptions.loc[names].assign(**{name: on_source[name] for name in on_source})
    systems["quality"] = _quality(frame, names)
    numbers = [name for name in systems if name != "family"]
    systems[numbers] = systems[numbers].astype("float64")
    return Pair(
        phase=phase,
        source=source,
        target=target,
        systems=systems,
        target_kwh=means.loc[target].loc[names, "energy_kwh"].to_numpy(dtype=np.float64),
        kinds=tuple(sorted(ok.loc[ok["architecture"].isin(names), "energy_kind"].dropna().unique())),
        left_out=_left_out(rows, means.index, names, (source, target)),
    )


def systems_on_all_gpus(gpu_pairs: Sequence[Pair]) -> list[str]:
    """Return the names of the systems that were measured on every GPU of these pairs, in the order of the table."""
    gpus = {gpu_pair.source for gpu_pair in gpu_pairs}
    if len(gpu_pairs) < len(gpus) * (len(gpus) - 1):
        return []
    return [
        name for name in gpu_pairs[0].systems.index if all(name in gpu_pair.systems.index for gpu_pair in gpu_pairs)
    ]


def restricted(gpu_pair: Pair, names: Collection[str]) -> Pair:
    """Return the pair with those of its systems that have these names, in the order of the pair."""
    kept = gpu_pair.systems.index.isin(list(names))
    return replace(gpu_pair, systems=gpu_pair.systems[kept], target_kwh=gpu_pair.target_kwh[kept])


def typical_systems(on_gpus: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Average the systems that were measured on all of some GPUs: geometric means of their energy and duration.

    Args:
        on_gpus: systems as in a pair, one table per GPU.

    Returns:
        the systems as in a pair.
    """
    names = [name for name in on_gpus[0].index if all(name in systems.index for systems in on_gpus)]
    typical = on_gpus[0].loc[names].copy()
    for column in ("energy_kwh", "duration_s"):
        logs = [np.log(systems.loc[names, column].to_numpy()) for systems in on_gpus]
        typical[column] = np.exp(np.mean(logs, axis=0))
    return typical


def left_out_in_words(gpu_pairs: Sequence[Pair]) -> list[str]:
    """Name the systems that some pairs lack, in one sentence per reason."""
    names_by_reason: dict[str, set[str]] = {}
    for gpu_pair in gpu_pairs:
        for name, reason in gpu_pair.left_out.items():
            names_by_reason.setdefault(reason, set()).add(name)
    return [
        f"{gpu_pairs[0].phase}: {len(names)} left out, {reason}: {', '.join(sorted(names))}"
        for reason, names in names_by_reason.items()
    ]


def _quality(frame: pd.DataFrame, names: list[str]) -> pd.Series:
    """Return the mean quality of the systems over all GPUs, by the first quality of the table; NaN without one."""
    for column in QUALITIES:
        if column in frame and frame[column].notna().any():
            return frame.groupby("architecture")[column].mean().reindex(names)
    return pd.Series(np.nan, index=names)


def _left_out(rows: pd.DataFrame, measured: pd.Index, kept: list[str], gpus: tuple[str, str]) -> dict[str, str]:
    reasons = {}
    for name in rows["architecture"].unique():
        if name in kept:
            continue
        lacking = [gpu for gpu in gpus if (gpu, name) not in measured]
        outcomes = rows[(rows["architecture"] == name) & rows["gpu"].isin(lacking)]["outcome"].unique()
        reasons[str(name)] = f"no energy on {' and '.join(lacking)} ({', '.join(outcomes) or 'not measured'})"
    return reasons
