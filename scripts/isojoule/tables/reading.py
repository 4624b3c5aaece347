"""The one door through which tables in files enter, ours and anybody's."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.columns import COLUMNS

# columns that tables of others have the name of a model in
NAME_COLUMNS = ("architecture", "model", "system", "name")
# what a cell of a CSV file without a number may hold
MISSING = ["", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "-nan", "NULL", "null", "None"]


def read_any(path: Path, what: str, words: Collection[str] = ()) -> pd.DataFrame:
    """Read any table, as parquet or CSV by the file's ending.

    Args:
        path: the file.
        what: the file is expected to hold, for the messages.
        words: columns that hold names, beside those that always do: a name may be 007, nan or null.

    Raises:
        InputError: there is no such file, or it is no table.
    """
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: found {kind}, expected {what} (parquet or CSV)")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path).reset_index(drop=True)
        columns = pd.read_csv(path, nrows=0).columns
        always_words = {name for name, column in COLUMNS.items() if column.dtype == "string"}
        dtypes = dict.fromkeys(always_words.union(NAME_COLUMNS, words).intersection(columns), "str")
        missing = {name: [""] if name in dtypes else MISSING for name in columns}
        return pd.read_csv(path, dtype=dtypes, na_values=missing, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not {what} (parquet or CSV): {' '.join(str(error).split())}") from error
