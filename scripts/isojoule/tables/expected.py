"""Tables that one stage makes and another reads: what the reader needs of them is checked before it is used."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.records.base import LARGEST
from isojoule.tables.reading import read_any
from isojoule.tables.values import place


@dataclass(frozen=True)
class Expected:
    """What somebody needs of a table.

    Attributes:
        what: the table is, for messages.
        words: columns with a word in every row.
        optional: columns that may have nothing in a row.
        numbers: columns of numbers, or nothing.
        finite: those of them in which none is infinite.
        not_negative: those of them in which none is below 0.
        flags: columns of True and False.
        choices: columns by the words that they may hold; an empty one stands for nothing.
    """

    what: str
    words: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    finite: tuple[str, ...] = ()
    not_negative: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    choices: Mapping[str, Collection[str]] = field(default_factory=dict)

    def read(self, path: Path) -> pd.DataFrame:
        """Read the table from a file, parquet or CSV; one without a row may lack columns.

        Raises:
            InputError: it cannot be read, lacks a column, or holds something else in one.
        """
        table = read_any(path, self.what)
        if table.empty:
            return table
        columns = (*self.words, *self.optional, *self.numbers, *self.flags, *self.choices)
        if missing := [name for name in columns if name not in table]:
            raise InputError(f"{path}: found no column {', '.join(missing)}, expected {self.what}")
        for name in self.words:
            _refuse(path, table, name, table[name].isna(), "a word")
        for name, choices in self.choices.items():
            allowed = f"one of {', '.join(choice or 'nothing' for choice in choices)}"
            _refuse(path, table, name, ~table[name].fillna("").isin(list(choices)), allowed)
        for name in self.flags:
            _refuse(path, table, name, ~table[name].isin([True, False]), "True or False")
        for name in self.numbers:
            numbers = pd.to_numeric(table[name], errors="coerce").astype("float64")
            _refuse(path, table, name, numbers.isna() & table[name].notna(), "a number")
            _refuse(path, table, name, np.isinf(numbers) & (name in self.finite), "a finite number")
            _refuse(path, table, name, (numbers < 0) & (name in self.not_negative), "a number of 0 or more")
            is_too_large = (numbers.abs() > LARGEST) & ~np.isinf(numbers)
            _refuse(path, table, name, is_too_large, f"a number up to {LARGEST:g}")
        return table.assign(**{name: pd.to_numeric(table[name]) for name in self.numbers})


def _refuse(path: Path, table: pd.DataFrame, name: str, is_wrong: "pd.Series[bool]", expected: str) -> None:
    positions = np.flatnonzero(is_wrong.to_numpy(dtype=bool))
    if len(positions):
        position = int(positions[0])
        found = table[name].iloc[position]
        in_words = "nothing" if pd.isna(found) else found
        raise InputError(f"{path}: column {name}: found {in_words} in {place(table, position)}, expected {expected}")
