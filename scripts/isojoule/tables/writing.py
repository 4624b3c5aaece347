"""How tables leave: as files, whole or not at all."""

from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.files import written_whole


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as parquet or CSV, by the file's ending, whole or not at all.

    Raises:
        InputError: the file has another ending, or cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(f"{path}: found the ending {path.suffix or 'none'}, expected .csv or .parquet")
    with written_whole(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False)
