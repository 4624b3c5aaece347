"""The rows that a user measured on the user's own GPU, from a file: references, and systems of the user's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization.user_system import System
from isojoule.readable import counted
from isojoule.tables.columns import COLUMNS, KINDS
from isojoule.tables.measurements import CELL
from isojoule.tables.names import check_one_name, nearly_the_same_in_words
from isojoule.tables.plausibility import doubts
from isojoule.tables.qualities import QUALITIES
from isojoule.tables.reading import read_any
from isojoule.tables.same_work import differing_work
from isojoule.tables.unstated import copies_in_words, with_kinds, with_repeats
from isojoule.tables.values import refuse, typed

# repeats do not differ by this factor: one of them is of another system, phase or unit
DISAGREEING_FACTOR = 2.0
NUMBERS = ("energy_kwh", "duration_s", "flops", "params")


@dataclass(frozen=True)
class Repeats:
    """The repeats of one system on one GPU.

    Attributes:
        system: the means over them; what is not known of one is None.
        energies_kwh: the energy of each.
        kinds: how these came about: measured, not stated, estimated, simulated; none where nobody was asked.
    """

    system: System
    energies_kwh: tuple[float, ...]
    kinds: tuple[str, ...] = ()


def read_rows(path: Path, phase: str, gpu: str | None = None) -> dict[str, Repeats]:
    """Read the rows of a user's GPU; several rows of a system are its repeats, and are averaged.

    Args:
        path: CSV or parquet file with the columns `architecture`, `energy_kwh` and, if known, `duration_s`, `flops`,
            `params` and `energy_kind`. Where it has a column `phase`, only rows of this phase are used; where it has
            `outcome`, only those that are ok.
        phase: `train` or `test`.
        gpu: the user's GPU, where the file has a column `gpu` with several.

    Returns:
        the repeats by the name of their system.

    Raises:
        InputError: the file is unreadable or has no row, a column is missing, a value is no number above 0, or repeats
            differ by so much that no average makes sense.
    """
    return _by_name(read_frame(path, phase, gpu), str(path))


def read_frame(path: Path, phase: str, gpu: str | None = None) -> pd.DataFrame:
    """Read the rows of a user's GPU as they are, each with an `energy_kind`; arguments and refusals as `read_rows`."""
    frame = _of_phase(path, phase, gpu)
    frame = frame[frame["outcome"] == "ok"] if "outcome" in frame else frame
    if frame.empty:
        raise InputError(f"{path}: found no row of {phase}{f' on {gpu}' if gpu else ''} with outcome ok")
    if "gpu" in frame and frame["gpu"].nunique() > 1:
        raise InputError(
            f"{path}: found the GPUs {', '.join(map(str, frame['gpu'].unique()))}, expected yours alone; --gpu names it"
        )
    refuse(frame, "energy_kwh", frame["energy_kwh"].isna(), "a number above 0")
    return with_kinds(with_repeats(frame, CELL))


def left_out_in_words(path: Path, phase: str, gpu: str | None = None) -> list[str]:
    """Say of which systems rows have no energy, since their run did not end well; arguments as of `read_rows`."""
    frame = _of_phase(path, phase, gpu)
    if "outcome" not in frame:
        return []
    rows = frame[frame["outcome"] != "ok"].astype({"outcome": "object"}).fillna({"outcome": "no outcome"})
    return [
        f"left out: {counted(len(of_system), 'row')} of {name}: "
        f"{', '.join(dict.fromkeys(map(str, of_system['outcome'])))}"
        for name, of_system in rows.groupby("architecture", sort=False)
    ]


def doubts_in_words(rows: pd.DataFrame, frame: pd.DataFrame, target: str, phase: str) -> list[str]:
    """Say which rows of a user are likely in another unit, or are of other work than the study's, or misspell a name.

    Args:
        rows: as `read_frame` returns them.
        frame: the study's table of measurements.
        target: the GPU of the study to normalize to.
        phase: `train` or `test`.
    """
    own = rows.reset_index(drop=True).assign(gpu="yours", phase=phase)
    of_study = frame[(frame["gpu"] == target) & (frame["phase"] == phase) & (frame["outcome"] == "ok")]
    names = pd.DataFrame({"architecture": [*own["architecture"], *of_study["architecture"]]})
    of_study = of_study[of_study["architecture"].isin(own["architecture"])]
    shared = [name for name in own if name in of_study]
    both = pd.concat([own[shared].astype(object), of_study[shared].astype(object)], ignore_index=True)
    return [
        *copies_in_words(rows),
        *doubts(own),
        *differing_work(both),
        *nearly_the_same_in_words(names, ["architecture"]),
    ]


def qualities_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the qualities by system, means over repeats: columns of numbers that are qualities or unknown to us.

    Args:
        rows: as `read_frame` returns them.
    """
    names = [
        name
        for name in rows
        if pd.api.types.is_numeric_dtype(rows[name])
        and (name not in COLUMNS or str(COLUMNS[name].source).startswith("record.quality."))
    ]
    return rows.groupby("architecture", sort=False)[names].mean().dropna(axis=1, how="all")


def qualities_on_any_gpu(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the qualities of a study's systems by name, without numbers of which a GPU may have its own.

    Args:
        rows: of a table of measurements.
    """
    means = qualities_of(rows)
    is_one = (rows.groupby("architecture")[list(means)].nunique() <= 1).all()
    return means[[name for name in means if name in QUALITIES or is_one[name]]]


def references_of_study(frame: pd.DataFrame, source: str, target: str, phase: str) -> dict[str, Repeats]:
    """Return what a study measured on the user's GPU of the systems that it measured on the target as well.

    Args:
        frame: the study's table of measurements.
        source: the user's GPU, which is one of the study.
        target: the GPU to normalize to.
        phase: `train` or `test`.

    Raises:
        InputError: the study has no energies on that GPU, or it is the target.
    """
    if source == target:
        raise InputError(f"source: found {source}, which is the target, expected another GPU")
    rows = frame[(frame["phase"] == phase) & (frame["outcome"] == "ok")]
    if source not in set(rows["gpu"]):
        gpus = ", ".join(map(str, rows["gpu"].unique()))
        raise InputError(f"source: found no {phase} energy on {source}, expected one of {gpus or 'no GPU at all'}")
    on_target = set(rows.loc[rows["gpu"] == target, "architecture"])
    own = rows[(rows["gpu"] == source) & rows["architecture"].isin(on_target)]
    return _by_name(own, source)


def rows_of_study(frame: pd.DataFrame, gpu: str, phase: str) -> dict[str, Repeats]:
    """Return all that a study measured on a GPU, none if it measured nothing there; arguments as of the table."""
    own = frame[(frame["phase"] == phase) & (frame["outcome"] == "ok") & (frame["gpu"] == gpu)]
    return _by_name(own, gpu) if len(own) else {}


def kinds_of(rows: Mapping[str, Repeats]) -> tuple[str, ...]:
    """Return the kinds of the energies, the most trustworthy one first."""
    present = {kind for repeats in rows.values() for kind in repeats.kinds}
    return tuple(kind for kind in KINDS if kind in present)


def systems_of(rows: Mapping[str, Repeats], *, complete: bool = False) -> dict[str, System]:
    """Return the systems alone, by name.

    Args:
        rows: their repeats.
        complete: whether the durations are left out where one of them has none.
    """
    systems = {name: repeats.system for name, repeats in rows.items()}
    if complete and any(system.duration_s is None for system in systems.values()):
        return {name: System(system.energy_kwh) for name, system in systems.items()}
    return systems


def _of_phase(path: Path, phase: str, gpu: str | None) -> pd.DataFrame:
    """Read the rows of a phase, and of a GPU where the user names one, whatever became of them."""
    frame = read_any(path, "a table of references")
    missing = [name for name in ("architecture", "energy_kwh") if name not in frame]
    if missing:
        raise InputError(f"{path}: found no column {', '.join(missing)}, expected architecture and energy_kwh")
    frame = typed(frame)
    refuse(frame, "architecture", frame["architecture"].isna(), "a name")
    check_one_name(frame, "architecture")
    for column, kept in (("phase", phase), ("gpu", gpu)):
        frame = frame[frame[column] == kept] if column in frame and kept is not None else frame
    return frame


def _by_name(rows: pd.DataFrame, origin: str) -> dict[str, Repeats]:
    columns = [name for name in NUMBERS if name in rows]
    groups = rows.astype(dict.fromkeys(columns, "float64")).groupby("architecture", sort=False)
    return {str(name): _averaged(str(name), of_system, columns, origin) for name, of_system in groups}


def _averaged(name: str, rows: pd.DataFrame, columns: Sequence[str], origin: str) -> Repeats:
    energies = rows["energy_kwh"]
    low, high = energies.min(), energies.max()
    if high > DISAGREEING_FACTOR * low:
        raise InputError(
            f"{origin}: found {low:g} to {high:g} kWh for {name}, expected repeats that differ by a factor of "
            f"{DISAGREEING_FACTOR:g} at most: no mean stands for both; leave out the rows that are of another run, or "
            "name them otherwise"
        )
    known = [column for column in columns if rows[column].notna().all()]
    return Repeats(System(**rows[known].mean().to_dict()), tuple(energies), tuple(rows["energy_kind"].unique()))
