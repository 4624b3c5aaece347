"""How tables leave: as files, whole or not at all."""

from pathlib import Path

import pandas as pd

from isojoule import seals
from isojoule.errors import InputError
from isojoule.files import written_whole


def write_table(table: pd.DataFrame, path: Path, made_by: str | None = None) -> None:
    """Write a table as parquet or CSV, by the file's ending, whole or not at all.

    Args:
        table: without an index worth keeping.
        path: the file.
        made_by: the command that makes a table which another stage reads: such a table is sealed.

    Raises:
        InputError: the file has another ending, or cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(f"{path}: found the ending {path.suffix or 'none'}, expected .csv or .parquet")
    table = table.copy(deep=False)
    # where rows stood in the file that they are from tells nothing of this one
    table.attrs = {}
    with written_whole(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False)
    if made_by is not None:
        seals.seal(path, made_by)
