"""The one door through which tables in files enter, ours and anybody's."""

import io
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from isojoule import seals
from isojoule.errors import InputError
from isojoule.tables.columns import COLUMNS
from isojoule.tables.names import NAME_COLUMNS, check_names, check_spelling
from isojoule.tables.text_file import CHARACTERS_SHOWN, checked_text, in_one_line

# columns of the tables that the analysis writes which have names of architectures and GPUs as well
OTHER_NAME_COLUMNS = (
    *("normalized_to", "dominated_by", "equal_to", "left_out", "gpu_a", "gpu_b", "both", "only_a", "only_b"),
    *("source", "target", "pair", "reference_names"),
)
# what a cell of a CSV file without a number may hold
MISSING = ["", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "-nan", "NULL", "null", "None"]


def read_any(
    path: Path, what: str, words: Collection[str] = (), named: Collection[str] = (), known: Collection[str] = ()
) -> pd.DataFrame:
    """Read any table, as parquet or CSV by the file's ending.

    Args:
        path: the file.
        what: the file is expected to hold, for the messages.
        words: columns that hold names, beside those that always do: a name may be 007, nan or null.
        named: columns that the user names, beside these: they may be spelt as the user likes.
        known: columns with a meaning in this table alone.

    Returns:
        the table, numbered from 0; `attrs["origin"]` has the file, and `attrs["lines"]` the line of each row, where
        the file is a text.

    Raises:
        ChangedError: a stage of ours wrote the table, and it was changed since.
        InputError: there is no such file, it is no table, or its form hides something: a column twice, a row with more
            values than the header, blanks around a name, names in an index, a column that is nearly one of ours, a name
            that shows something else than it is.
    """
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: found {kind}, expected {what} (parquet or CSV)")
    seals.check(path)
    try:
        frame = _parquet(path, words) if path.suffix == ".parquet" else _csv(path, what, words)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not {what} (parquet or CSV): {' '.join(str(error).split())}") from error
    frame.attrs["origin"] = str(path)
    check_spelling(frame, {*COLUMNS, *NAME_COLUMNS, *known}, {*words, *named})
    check_names(frame, dict.fromkeys((*NAME_COLUMNS, "gpu", "family", "study", *words)))
    return frame


def _parquet(path: Path, words: Collection[str]) -> pd.DataFrame:
    _check_schema(path, {*COLUMNS, *NAME_COLUMNS, *words})
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError):
        raise
    except Exception as error:
        # pandas raises whatever its reading of broken metadata comes upon
        raise ValueError(f"its metadata are broken ({type(error).__name__}: {error})") from error
    frame.attrs = {}
    if not isinstance(frame.index, pd.RangeIndex):
        # whoever wrote it had names in an index; they are columns like any other
        unnamed = [level for level in frame.index.names if level is None]
        if unnamed and not pd.api.types.is_integer_dtype(frame.index):
            raise InputError(f"{path}: found names in an index without a name, expected them in a column")
        if doubled := [name for name in frame.index.names if name in frame.columns]:
            raise InputError(f"{path}: found {doubled[0]} as a column and as an index, expected it once")
        frame = frame.reset_index(drop=bool(unnamed))
    frame = frame.reset_index(drop=True)
    for name in frame.select_dtypes(["object", "string", "category"]):
        texts = frame[name].drop_duplicates().dropna().map(str)
        if (is_padded := texts != texts.str.strip()).any():
            found, row = texts[is_padded].iloc[0], texts.index[is_padded][0] + 1
            raise InputError(
                f"{path}: column {name}: found {found[:CHARACTERS_SHOWN]!r} with blanks around it in row {row}, "
                f"expected {in_one_line(found.strip()) or 'nothing or a value'}"
            )
    return frame


def _check_schema(path: Path, used: Collection[str]) -> None:
    """Refuse a column that is there twice, and lists or structures where a program expects one value."""
    from pyarrow import parquet, types

    schema = parquet.read_schema(path)
    names = list(map(str, schema.names))
    if doubled := [name for number, name in enumerate(names) if name in names[:number]]:
        raise InputError(f"{path}: found the column {doubled[0]} twice, expected each once")
    for field in schema:
        if types.is_nested(field.type) and field.name in used:
            raise InputError(f"{path}: column {field.name}: found {field.type} in every row, expected one value")


def _csv(path: Path, what: str, words: Collection[str]) -> pd.DataFrame:
    text, lines = checked_text(path, what)
    columns = pd.read_csv(io.StringIO(text), nrows=0).columns
    always_words = {name for name, column in COLUMNS.items() if column.dtype == "string"}
    dtypes = dict.fromkeys(always_words.union(NAME_COLUMNS, OTHER_NAME_COLUMNS, words).intersection(columns), "str")
    missing = {name: [""] if name in dtypes else MISSING for name in columns}
    frame = pd.read_csv(io.StringIO(text), dtype=dtypes, na_values=missing, keep_default_na=False)
    frame.attrs["lines"] = lines
    return frame
