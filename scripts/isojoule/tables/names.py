"""Names of columns: each has one spelling in every program, and one column says which model a row is of."""

import re
import unicodedata
from collections.abc import Collection, Iterable

import pandas as pd

from isojoule.errors import InputError
from isojoule.naming import unfit
from isojoule.readable import counted
from isojoule.tables.text_file import in_one_line
from isojoule.tables.values import origin_of, place

# columns that tables of others have the name of a model in; the first that a table has is taken
NAME_COLUMNS = ("architecture", "model", "system", "name")
NAMES_SHOWN = 5
SEPARATORS = re.compile(r"[\s_-]+")


def check_spelling(frame: pd.DataFrame, known: Iterable[str], named: Collection[str] = ()) -> None:
    """Refuse a column that is spelt nearly as one with a meaning, which would be ignored without a word.

    Args:
        frame: any table.
        known: names of columns that a program would use.
        named: columns that the user names, in whatever spelling.

    Raises:
        InputError: a column differs from a known one only in capitals, blanks and signs, as Energy (kWh) does.
    """
    right = {_letters(name): name for name in known}
    for column in map(str, frame.columns):
        # pandas numbers the second of two columns of one name, as in energy_kwh.1
        expected = right.get(_letters(re.sub(r"\.\d+$", "", column)), column)
        if column != expected and column not in named:
            raise InputError(
                f"{origin_of(frame)}: found the column {in_one_line(column)}, expected {expected}, written so"
            )


def check_names(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse names that a terminal, a table or a page would show as something else than they are.

    Args:
        frame: any table.
        columns: columns of names; those that the table lacks, or that have numbers, are ignored.

    Raises:
        InputError: there is one.
    """
    for column in columns:
        if column not in frame or pd.api.types.is_numeric_dtype(frame[column]):
            continue
        names = frame[column].dropna().map(str)
        for name in names.unique():
            if expected := unfit(name):
                position = int((frame[column] == name).to_numpy(dtype=bool).argmax())
                raise InputError(
                    f"{origin_of(frame)}: column {column}: found {in_one_line(name)} in {place(frame, position)}, "
                    f"expected {expected}"
                )


def check_one_name(frame: pd.DataFrame, name: str, advice: str = "") -> None:
    """Refuse rows that bear one name in one column, and several in another: they would count as repeats of one model.

    Args:
        frame: any table.
        name: the column whose names are taken.
        advice: what the user can do about it.

    Raises:
        InputError: rows of one name differ in another of `NAME_COLUMNS`.
    """
    for other in NAME_COLUMNS:
        if other == name or other not in frame:
            continue
        first = frame.groupby(name, sort=False)[other].transform("first")
        is_other = (frame[other].notna() & first.notna() & (frame[other] != first)).to_numpy(dtype=bool)
        if is_other.any():
            position = int(is_other.argmax())
            raise InputError(
                f"{origin_of(frame)}: column {other}: found {in_one_line(str(frame[other].iloc[position]))} in "
                f"{place(frame, position)}, expected {in_one_line(str(first.iloc[position]))} as in another row of the "
                f"{name} {in_one_line(str(frame[name].iloc[position]))}: are they one model?{advice}"
            )


def other_names_in_words(frame: pd.DataFrame, name: str) -> list[str]:
    """Say which columns name the models otherwise than the one that is taken."""
    others = [
        other
        for other in NAME_COLUMNS
        if other != name and other in frame and (frame[other].notna() & (frame[other] != frame[name])).any()
    ]
    return [f"models are named by the column {name}, and not by {' or '.join(others)}"] if others else []


def nearly_the_same_in_words(frame: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """Say which names differ in capitals, blanks, hyphens and underscores alone: one thing may count as two.

    Args:
        frame: any table.
        columns: columns of names; those that the table lacks are ignored.
    """
    sentences = []
    for column in dict.fromkeys(columns):
        names: dict[str, list[str]] = {}
        for name in frame[column].dropna().astype(str).unique() if column in frame else []:
            names.setdefault(SEPARATORS.sub("-", unicodedata.normalize("NFKC", name).casefold()), []).append(name)
        sentences += [
            f"column {column}: {' and '.join(map(in_one_line, alike))} count as {len(alike)}, which are told apart by "
            "capitals and signs alone"
            for alike in names.values()
            if len(alike) > 1
        ]
    more = (
        [f"and {counted(len(sentences) - NAMES_SHOWN, 'more pair')} of names like these"]
        if len(sentences) > NAMES_SHOWN
        else []
    )
    return sentences[:NAMES_SHOWN] + more


def _letters(name: str) -> str:
    """Letters and digits of a name, in small letters."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())
