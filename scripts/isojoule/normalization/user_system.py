"""My own system, measured on my own GPU: what would it have used on a GPU of the study?

My GPU need not be in the study: the reference systems, measured on both, are the bridge.
"""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.normalization.corrected import Corrected
from isojoule.normalization.intervals import half_width
from isojoule.normalization.pairs import DESCRIPTIONS, pair
from isojoule.pareto.scores import energy_weighted_score
from isojoule.tables.plausibility import PLAUSIBLE_FACTOR
from isojoule.tables.reading import read_any

COVERAGE = 0.9
# from so many GPUs on, what happened on all of them together is expected on another
ENOUGH_GPUS = 5
# by this factor repeats do not differ: one of them is another system, phase or unit
DISAGREEING = 2.0
# an error that small is luck: repeated runs differ by as much
FLOOR = 0.02


@dataclass(frozen=True)
class System:
    """A system, as far as it is known.

    Attributes:
        energy_kwh: on my GPU.
        duration_s: of the same run.
        flops: forward FLOPs of one example, as the study counts them.
        params: parameters.
    """

    energy_kwh: float
    duration_s: float | None = None
    flops: float | None = None
    params: float | None = None


@dataclass(frozen=True)
class Normalized:
    """What a system would have used on the target.

    Attributes:
        target: the GPU of the study.
        phase: `train` or `test`.
        energy_kwh: on the target: an estimate, by `method`.
        low_kwh: low end of the interval; None where nothing tells how wide it is.
        high_kwh: its high end.
        coverage: probability that the energy lies in the interval.
        method: in words.
        interval: what the interval rests on.
        references: names of the references that were used.
        kinds: what the energies of the study are: measured, estimated, simulated.
        warnings: sentences.
    """

    target: str
    phase: str
    energy_kwh: float
    low_kwh: float | None
    high_kwh: float | None
    coverage: float
    method: str
    interval: str
    references: tuple[str, ...]
    kinds: tuple[str, ...]
    warnings: tuple[str, ...]

    def record(self) -> dict[str, object]:
        """The fields, for JSON; the energy is labelled an estimate."""
        return {"record": "normalized-energy", "energy_kind": "estimated", **asdict(self)}


def normalize(
    frame: pd.DataFrame, target: str, phase: str, references: Mapping[str, System], system: System
) -> Normalized:
    """Normalize one system to a GPU of the study.

    Args:
        frame: the study's table of measurements.
        target: a GPU of the study.
        phase: `train` or `test`, of all energies here.
        references: reference systems as measured on my GPU, by their names in the study; FLOPs and parameters are the
            study's.
        system: my system on my GPU.

    Returns:
        its energy on the target, with a 90 % interval.

    Raises:
        InputError: a GPU or reference that the study does not have, fewer than two references, or a value that is not
        above 0.
    """
    study = _study(frame, target, phase)
    _check(references, system, study, target)
    known = study.loc[list(references)]
    mine = known.assign(
        energy_kwh=[float(one.energy_kwh) for one in references.values()],
        duration_s=[one.duration_s for one in references.values()],
    ).astype({"duration_s": "float64"})
    asked = pd.DataFrame([asdict(system)], dtype="float64").dropna(axis=1)
    method = Corrected().suited(mine[[name for name in mine if name in asked]])
    values, truth = method.matrix(mine), known["energy_kwh"].to_numpy()
    if not method.determined(values[None])[0]:
        raise InputError(
            f"references: found energies that are all {values[0, 0]} kWh, expected at least 2 different ones"
        )
    predicted = float(method.predictions(values[None], truth[None], method.matrix(asked))[0, 0])
    half, interval = _half_width(frame, target, phase, method, list(references), values, truth)
    kinds = tuple(sorted(set(study["energy_kind"])))
    return Normalized(
        target=target,
        phase=phase,
        energy_kwh=predicted,
        low_kwh=None if half is None else predicted / np.exp(half),
        high_kwh=None if half is None else predicted * np.exp(half),
        coverage=COVERAGE,
        method=_in_words(method, len(references)),
        interval=interval,
        references=tuple(references),
        kinds=kinds,
        warnings=tuple(_warnings(mine, known, asked, [name for name in method.columns if name in asked], kinds, half)),
    )


def read_references(path: Path, phase: str) -> dict[str, System]:
    """Reference systems as measured on my GPU, by name: means over the rows of each.

    Args:
        path: CSV or parquet; columns `architecture`, `energy_kwh` and, if known, `duration_s`; where there is a column
            `phase`, the rows of the other phase are not used, where there is `outcome`, those that are not ok.
        phase: `train` or `test`.

    Raises:
        InputError: unreadable, a column missing, a number that is none, or no row.
    """
    frame = read_any(path, "a table of references")
    missing = [name for name in ("architecture", "energy_kwh") if name not in frame]
    if missing:
        raise InputError(f"{path}: found no column {', '.join(missing)}, expected architecture and energy_kwh")
    for column, kept in (("phase", phase), ("outcome", "ok")):
        frame = frame[frame[column] == kept] if column in frame else frame
    if frame.empty:
        raise InputError(f"{path}: found no row of {phase} with outcome ok")
    if "gpu" in frame and frame["gpu"].nunique() > 1:
        raise InputError(f"{path}: found the GPUs {', '.join(map(str, frame['gpu'].unique()))}, expected yours alone")
    columns = [name for name in ("energy_kwh", "duration_s") if name in frame]
    for name in columns:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        if (wrong := frame.loc[numbers.isna() & (frame[name].notna() | (name == "energy_kwh")), name]).size:
            raise InputError(f"{path}: column {name}: found {wrong.iloc[0]}, expected numbers above 0")
        frame = frame.assign(**{name: numbers})
    groups = frame.groupby("architecture", sort=False)
    energy = groups["energy_kwh"]
    for name in energy.groups:
        low, high = energy.min()[name], energy.max()[name]
        if low > 0 and high > DISAGREEING * low:
            raise InputError(f"{path}: found {low} to {high} kWh for {name}, expected repeats that agree")
    means = groups[columns].mean()
    timed = "duration_s" in means and means["duration_s"].notna().all()
    return {
        str(name): System(float(row["energy_kwh"]), float(row["duration_s"]) if timed else None)
        for name, row in means.iterrows()
    }


def energy_weighted(
    frame: pd.DataFrame,
    found: Normalized,
    references: Mapping[str, System],
    system: System,
    quality: float | None,
    baseline: str | None,
) -> dict[str, object]:
    """The energy-weighted score on my GPU and on the target.

    Raises:
        InputError: the baseline is not one of the references, or a value is out of range.
    """
    if baseline is None or baseline not in references:
        raise InputError(
            f"baseline: found {baseline or 'none'}, expected with a quality one of the references: "
            f"{', '.join(references)}"
        )
    if quality is None:
        raise InputError("quality: found none, expected with a baseline the quality of your system")
    study = _study(frame, found.target, found.phase)
    return {
        "quality": quality,
        "baseline": baseline,
        "energy_weighted_score": energy_weighted_score(quality, references[baseline].energy_kwh, system.energy_kwh),
        "energy_weighted_score_on_target": energy_weighted_score(
            quality, float(study.loc[baseline, "energy_kwh"]), found.energy_kwh
        ),
    }


def in_words(record: Mapping[str, Any]) -> list[str]:
    """A record as lines to read."""
    low, high = record["low_kwh"], record["high_kwh"]
    between = "no interval" if low is None else f"{100 * record['coverage']:.0f} % interval {low:.3g} to {high:.3g} kWh"
    lines = [
        f"{record['phase']} on {record['target']}: {record['energy_kwh']:.3g} kWh (estimated), {between}",
        f"method: {record['method']}; {len(record['references'])} references",
        f"interval: {record['interval']}",
    ]
    if "energy_weighted_score" in record:
        lines.append(
            f"energy-weighted score with {record['baseline']}: {record['energy_weighted_score']:.3g} on your GPU, "
            f"{record['energy_weighted_score_on_target']:.3g} on {record['target']}"
        )
    return [*lines, *(f"warning: {warning}" for warning in record["warnings"])]


def _study(frame: pd.DataFrame, target: str, phase: str) -> pd.DataFrame:
    """The systems of the study on the target, by name: means over repeats."""
    rows = frame[(frame["phase"] == phase) & (frame["outcome"] == "ok")]
    if target not in set(rows["gpu"]):
        known = ", ".join(map(str, rows["gpu"].unique()))
        raise InputError(f"target: found no {phase} energy on {target}, expected one of {known or 'no GPU at all'}")
    groups = rows[rows["gpu"] == target].groupby("architecture", sort=False)
    described = [name for name in DESCRIPTIONS if name in rows]
    table = groups[described].first().astype("float64")
    return table.assign(
        energy_kwh=groups["energy_kwh"].mean().astype("float64"), energy_kind=groups["energy_kind"].first()
    )


def _check(references: Mapping[str, System], system: System, study: pd.DataFrame, target: str) -> None:
    for name in references:
        if name not in study.index:
            close = difflib.get_close_matches(name, study.index) or list(study.index[:5])
            raise InputError(
                f"references: found {name}, which was not measured on {target}, expected names such as "
                f"{', '.join(close)}"
            )
    if len(references) < 2:
        raise InputError(f"references: found {len(references)}, expected at least 2")
    for name, one in {**references, "the system": system}.items():
        for field, value in asdict(one).items():
            if value is not None and not (np.isfinite(value) and value > 0):
                raise InputError(f"{field} of {name}: found {value}, expected a number above 0")


def _half_width(
    frame: pd.DataFrame,
    target: str,
    phase: str,
    method: Corrected,
    names: list[str],
    values: NDArray[np.float64],
    truth: NDArray[np.float64],
) -> tuple[float | None, str]:
    """Half the width of the interval in logs, and what it rests on.

    The study's other GPUs show how wrong this method is with these references; where my references fit worse or better
    than theirs, so much wider or narrower. Of a few GPUs the worst one counts; beside a single one, so does what my own
    references show when they are left out.
    """
    spread = _spread(method, values, truth)
    off: list[NDArray[np.float64]] = []
    others = [gpu for gpu in frame.loc[frame["phase"] == phase, "gpu"].unique() if gpu != target]
    for gpu in others:
        try:
            systems = pair(frame, phase, gpu, target)
        except InputError:
            continue
        is_reference = systems.systems.index.isin(names)
        if is_reference.sum() < len(names) or is_reference.all():
            continue
        suited = method.suited(systems.systems)
        known = suited.matrix(systems.systems.loc[names])
        if suited.columns != method.columns or not suited.determined(known[None])[0]:
            continue
        kwh = pd.Series(systems.target_kwh, index=systems.systems.index)
        predicted = suited.predictions(known[None], kwh[names].to_numpy()[None], suited.matrix(systems.systems))[0]
        errors = np.log(systems.target_kwh / predicted)[~is_reference]
        off.append(errors / _spread(suited, known, kwh[names].to_numpy()))
    found = []
    if (count := sum(map(len, off))) >= 9:
        # a new GPU may be as bad as the worst of a few
        of_gpus = off if len(off) < ENOUGH_GPUS else [np.concatenate(off)]
        half, by = max(half_width(errors, COVERAGE) for errors in of_gpus)
        found.append((half * spread, f"{by}, {count} errors of the same references on the study's other GPUs"))
    if len(names) >= 4 and len(off) < 2:
        half, by = half_width(method.left_out(values, truth), COVERAGE)
        found.append((half, f"{by}, {len(names) - 2} references between the ends left out one by one"))
    if not found:
        return None, "none: fewer than 4 references, and too few systems on the study's other GPUs"
    return max(found)


def _spread(method: Corrected, values: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """How well the references fit each other; 1 where there are too few to tell."""
    if len(truth) < 4:
        return 1.0
    return float(np.hypot(np.sqrt((method.left_out(values, truth) ** 2).mean()), FLOOR))


def _in_words(method: Corrected, count: int) -> str:
    if count < 4:
        return "line through the references of lowest and highest energy"
    return f"corrected: two-point line and relative ridge, corrected on {', '.join(method.columns)}"


def _warnings(
    mine: pd.DataFrame,
    known: pd.DataFrame,
    asked: pd.DataFrame,
    used: list[str],
    kinds: tuple[str, ...],
    half: float | None,
) -> list[str]:
    warnings = []
    ratios = (mine["energy_kwh"] / known["energy_kwh"]).to_numpy()
    middle = float(np.median(ratios))
    if not 1 / PLAUSIBLE_FACTOR < middle < PLAUSIBLE_FACTOR:
        warnings.append(
            f"units: the references take {middle:.3g} times as much energy on your GPU as on the target; are your "
            "energies in kWh?"
        )
    for name, ratio in zip(mine.index, ratios, strict=True):
        if not 1 / PLAUSIBLE_FACTOR < ratio / middle < PLAUSIBLE_FACTOR:
            warnings.append(
                f"units: {name} takes {ratio:.3g} times as much energy on your GPU, the others about {middle:.3g}"
            )
    given = [name for name in asked if name in mine]
    for column in [name for name in given if name not in used]:
        warnings.append(f"not used: {column}, which is not known of all references")
    for column in used:
        low, high, value = mine[column].min(), mine[column].max(), asked[column].iloc[0]
        if not low <= value <= high:
            warnings.append(
                f"extrapolation: {column} of your system is {value:.3g}, the references span {low:.3g} to {high:.3g}"
            )
    if len(mine) < 4:
        warnings.append(f"few references: {len(mine)} fix a line and leave none to check it with; measure 4 or more")
    if half is None:
        warnings.append("no interval: nothing here tells how wrong the estimate may be")
    if kinds != ("measured",):
        warnings.append(f"kind: the study's energies on the target are {' and '.join(kinds)}")
    return warnings
