"""Read a table of models, ours or the user's own, and take it apart by GPU and phase."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.columns import COLUMNS
from isojoule.tables.kinds import of_kinds
from isojoule.tables.names import NAME_COLUMNS, check_one_name, other_names_in_words
from isojoule.tables.outcomes import without_energy
from isojoule.tables.questions import questions
from isojoule.tables.reading import read_any
from isojoule.tables.unstated import in_words, with_kinds, with_repeats
from isojoule.tables.values import check_costs, refuse, typed
from isojoule.tables.values import numbers as of_column

# models on different GPUs or in different phases are no alternatives to each other
APART = ("gpu", "phase")
NONE = "none"
MODELS_SHOWN = 5
# a column whose name has one of these words holds energies, whatever their unit
ENERGY = re.compile(r"energy|joule|(^|_)(k|m)?wh?(_|$)|(^|_)[km]?j(_|$)", re.IGNORECASE)


def read(
    path: Path,
    numbers: Sequence[str],
    kinds: list[str] | None = None,
    name: str | None = None,
    by: Sequence[str] | None = None,
    costs: Sequence[str] = (),
) -> tuple[pd.DataFrame, str, list[str]]:
    """Read a table, one row per model and repeat.

    Args:
        path: CSV or parquet.
        numbers: columns that models are compared by.
        kinds: kinds of energy to use together, where the table has `energy_kind`.
        name: the column with the names of the models, where the user says it.
        by: further columns that hold names, not numbers.
        costs: those of `numbers` whose values are all above 0.

    Returns:
        the rows that ended well, with a `repeat` in each and, where models are compared by energies, an `energy_kind`;
        the column with the names of the models; and sentences to show the user.

    Raises:
        InputError: the table cannot be read, is empty, has a value that there cannot be, mixes kinds of energy, has a
            repeat twice, or does not say which model a row is of.
    """
    words = [column for column in (name, *(by or [])) if column]
    frame = read_any(path, "a table of models", words, numbers)
    if frame.empty:
        raise InputError(f"{path}: found no row, expected one per model and repeat")
    frame = typed(frame)
    of_model = name_column(frame, name)
    if name is None:
        check_one_name(frame, of_model, "; --name chooses another column")
    frame = with_repeats(frame, list(dict.fromkeys((*NAME_COLUMNS, *APART, *words))))
    if "outcome" in frame:
        refuse(frame, "outcome", frame["outcome"].isna(), f"one of {', '.join(COLUMNS['outcome'].values)}")
    for column in numbers:
        if column in frame:
            of_column(frame, column)
    check_costs(frame, costs)
    if kinds and "energy_kind" not in frame:
        raise InputError(f"kinds: found {', '.join(kinds)}, expected none: {path} has no column energy_kind")
    if "energy_kind" in frame or any(ENERGY.search(column) for column in numbers):
        frame = with_kinds(frame)
    sentences = in_words(frame) + ([] if name else other_names_in_words(frame, of_model))
    if "energy_kind" in frame:
        frame, left_out = of_kinds(frame, kinds)
        sentences += filter(None, [left_out])
        if frame.empty:
            raise InputError(f"kinds: found no row of {', '.join(kinds or [])} in {path}, expected some")
    if "outcome" in frame:
        sentences += [f"left out: {line}" for line in without_energy(frame, name=of_model)]
        frame = frame[frame["outcome"] == "ok"]
        if frame.empty:
            raise InputError(f"{path}: found no row whose outcome is ok, expected some")
    return frame, of_model, [*sentences, *questions(frame, of_model, words)]


def incomplete(part: pd.DataFrame, columns: Sequence[str], name: str) -> list[str]:
    """Name the models some of whose repeats have no value, so that a mean is over fewer of them.

    Args:
        part: rows that are compared with each other.
        columns: that models are compared by.
        name: column with the names of the models.
    """
    sentences = []
    for column in [column for column in columns if column in part]:
        groups = part[column].notna().groupby(part[name].astype(str), sort=False)
        counts = pd.DataFrame({"present": groups.sum(), "all": groups.size()})
        for model, count in counts[(counts["present"] > 0) & (counts["present"] < counts["all"])].iterrows():
            sentences.append(f"{model}: {count['all'] - count['present']} of {count['all']} repeats have no {column}")
    more = [f"and {len(sentences) - MODELS_SHOWN} more"] if len(sentences) > MODELS_SHOWN else []
    return sentences[:MODELS_SHOWN] + more


def with_quality(frame: pd.DataFrame, columns: Sequence[str], name: str) -> pd.DataFrame:
    """Fill in qualities, so that the quality of a model's test is also on the row of its training.

    A row without a quality gets that of the same repeat in the other phase, on the same GPU.

    Args:
        frame: the table.
        columns: columns of quality; those that the table does not have are ignored.
        name: column with the names of the models.
    """
    present = [column for column in columns if column in frame]
    if "phase" not in frame or not present:
        return frame
    identity = [column for column in (name, "gpu", "repeat") if column in frame]
    of_repeat = frame.groupby(identity, sort=False, dropna=False)[present].transform("first")
    return frame.assign(**{column: frame[column].fillna(of_repeat[column]) for column in present})


def name_column(frame: pd.DataFrame, asked: str | None) -> str:
    """Return the column that has the names of the models.

    Args:
        frame: the table.
        asked: the column that the user asks for; None takes the first of the usual ones.

    Raises:
        InputError: there is none, or a row has no name.
    """
    candidates = [asked] if asked else NAME_COLUMNS
    name = next((candidate for candidate in candidates if candidate in frame), None)
    if name is None:
        raise InputError(f"name: found no column {' or '.join(candidates)}, expected one of {_columns(frame)}")
    refuse(frame, name, frame[name].isna(), "a name")
    return name


def parts(frame: pd.DataFrame, by: Sequence[str] | None) -> dict[str, pd.DataFrame]:
    """Take the table apart into rows that agree in some columns.

    Args:
        frame: the table.
        by: these columns; by default gpu and phase, where the table has them; `none` leaves the table whole.

    Returns:
        each part by a label such as `gpu t4 phase test`.

    Raises:
        InputError: the table has no such column.
    """
    columns = [name for name in APART if name in frame] if by is None else [name for name in by if name != NONE]
    for name in columns:
        if name not in frame:
            raise InputError(f"by: found {name}, expected columns of the table: {_columns(frame)}")
    if doubled := [name for number, name in enumerate(columns) if name in columns[:number]]:
        raise InputError(f"by: found {doubled[0]} twice, expected each column once")
    if not columns:
        return {"": frame}
    return {
        " ".join(f"{name} {value}" for name, value in zip(columns, values, strict=True)): part
        for values, part in frame.groupby(columns, sort=False, dropna=False)
    }


def worth_a_look(parts: Mapping[str, pd.DataFrame], columns: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the parts in which some row has a value of each column, and print which parts are left out.

    Where no part has values of all columns, none is left out: then the whole table is wrong, which the caller must say.
    """
    empty_columns = {
        label: [name for name in columns if name in part and part[name].isna().all()] for label, part in parts.items()
    }
    for label, part in parts.items():
        if empty_columns[label] and not all(empty_columns.values()):
            print(f"{label}: left out: nothing has a value of {' or '.join(empty_columns[label])}")
        else:
            yield label, part


def _columns(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns))
