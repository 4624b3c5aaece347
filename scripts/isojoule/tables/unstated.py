"""What a table of others leaves unsaid, in a column that it lacks or in some rows: one rule for every program."""

from collections.abc import Sequence

import pandas as pd

from isojoule.errors import InputError
from isojoule.readable import counted
from isojoule.tables.columns import NOT_STATED
from isojoule.tables.values import origin_of, place


def with_repeats(frame: pd.DataFrame, cell: Sequence[str]) -> pd.DataFrame:
    """The table with a number in every row: rows that nobody numbered are further repeats of their cell, in order.

    Args:
        frame: a table whose column `repeat`, if there is one, has numbers.
        cell: columns that say what a row is a repeat of.

    Raises:
        InputError: a repeat is there twice.
    """
    keys = [name for name in cell if name in frame]
    stated = frame["repeat"] if "repeat" in frame else pd.Series(pd.NA, index=frame.index, dtype="Int64")
    is_unsaid = stated.isna()
    groups = [frame[name] for name in keys] or [pd.Series(0, index=frame.index)]
    number = is_unsaid.astype("Int64").groupby(groups, sort=False, dropna=False).cumsum() - 1
    next_number = stated.groupby(groups, sort=False, dropna=False).transform("max").fillna(-1) + 1
    frame = frame.assign(repeat=stated.fillna(next_number + number).astype("Int64"))
    is_copy = frame.duplicated([*keys, "repeat"]).to_numpy()
    if is_copy.any():
        position = int(is_copy.argmax())
        cell_name = " ".join(map(str, frame.iloc[position][[*keys, "repeat"]]))
        raise InputError(
            f"{origin_of(frame)}: the cell {cell_name} is there twice, again in {place(frame, position)}, expected "
            "each repeat once"
        )
    return frame


def with_families(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with a family in every row: that of the architecture in other rows, else the architecture itself.

    Raises:
        InputError: rows of one architecture name different families.
    """
    stated = frame["family"] if "family" in frame else pd.Series(pd.NA, index=frame.index, dtype="string")
    first = stated.groupby(frame["architecture"], sort=False, dropna=False).transform("first")
    is_other = (stated.notna() & (stated != first)).fillna(value=False).to_numpy(dtype=bool)
    if is_other.any():
        position = int(is_other.argmax())
        raise InputError(
            f"{origin_of(frame)}: column family: found {stated.iloc[position]} in {place(frame, position)}, expected "
            f"{first.iloc[position]} as in another row of {frame['architecture'].iloc[position]}"
        )
    return frame.assign(family=first.fillna(frame["architecture"]))


def with_kinds(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with a kind of energy in every row that ended well: not stated where nobody said."""
    stated = frame["energy_kind"] if "energy_kind" in frame else pd.Series(pd.NA, index=frame.index, dtype="string")
    is_ok = frame["outcome"].eq("ok").fillna(value=False) if "outcome" in frame else True
    return frame.assign(energy_kind=stated.mask(stated.isna() & is_ok, NOT_STATED).astype("string"))


def in_words(frame: pd.DataFrame) -> list[str]:
    """Sentences on what a completed table did not say, or seems to say twice."""
    sentences = []
    if "energy_kind" in frame and (unstated := int((frame["energy_kind"] == NOT_STATED).sum())):
        rows = "" if unstated == frame["energy_kind"].count() else f" of {unstated} rows"
        sentences.append(f"the table does not say how its energies{rows} came about (energy_kind): they are not stated")
    return [*sentences, *copies_in_words(frame)]


def copies_in_words(frame: pd.DataFrame) -> list[str]:
    """Say how many rows of a table with repeats are copies of others."""
    copies = int(frame.drop(columns="repeat").duplicated().sum())
    if not copies:
        return []
    return [
        f"{counted(copies, 'row is', 'rows are')} the same as others in every column but repeat, and count as repeats"
    ]
