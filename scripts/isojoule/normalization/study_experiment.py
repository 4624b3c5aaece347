"""The experiment of a whole study: what is tried by default, on every phase that can be normalized."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from isojoule.errors import InputError
from isojoule.files import written_whole
from isojoule.normalization import references
from isojoule.normalization.experiment import Plan, experiment
from isojoule.normalization.methods import METHODS
from isojoule.normalization.pairs import left_out, pairs
from isojoule.normalization.splits import leaving_families_out, splits
from isojoule.tables import measurements
from isojoule.tables.columns import PHASES
from isojoule.tables.writing import write_table

# where a user decides how many references to measure
COUNTS = (2, 3, 4, 6, 8, 10)


def read(path: Path, kinds: list[str] | None) -> pd.DataFrame:
    """Read a table to normalize, and print what the user should know of it.

    Raises:
        InputError: as `measurements.read_unmixed`.
    """
    frame, sentences = measurements.read_unmixed(path, kinds)
    for sentence in sentences:
        print(f"warning: {sentence}")
    return frame


def of_phases(of_phase: Callable[[str], pd.DataFrame], allow_empty: bool) -> list[pd.DataFrame]:
    """One table for each phase that can be normalized; what is refused of another is printed.

    Args:
        of_phase: the table of a phase.
        allow_empty: whether there may be none at all.

    Raises:
        InputError: no phase can be normalized, and that is not allowed.
    """
    tables, refused = [], []
    for phase in PHASES:
        try:
            tables.append(of_phase(phase))
        except InputError as error:
            refused.append(str(error))
    if not tables and not allow_empty:
        raise InputError("; ".join(refused))
    print("\n".join(refused), end="\n" if refused else "")
    return tables


def write(tables: list[pd.DataFrame], path: Path) -> None:
    """Write tables below one another; without any, one without rows."""
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"phase": pd.Series(dtype="str")})
    write_table(table, path)


def plan_of(frame: pd.DataFrame, scheme: str, number: int, seed: int, draws: int) -> Plan:
    """All methods; random splits, and each family left out; the published shares, and few references.

    Raises:
        InputError: too few architectures.
    """
    families = frame.groupby("architecture", sort=False)["family"].first().astype(str).to_dict()
    divided = splits(list(families), number, seed, scheme)
    models = len(divided[0].train)
    shares = {f"{percent} %": references.published_count(percent, models) for percent in references.PUBLISHED_PERCENTS}
    return Plan(METHODS, [*divided, *leaving_families_out(families)], shares, COUNTS, draws, seed)


def evaluate(
    frame: pd.DataFrame, scheme: str, number: int, seed: int, draws: int, workers: int
) -> Iterator[pd.DataFrame]:
    """The rows of the experiment, part by part.

    Raises:
        InputError: no phase was measured on two GPUs.
    """
    plan = plan_of(frame, scheme, number, seed, draws)
    refused = []
    for phase in PHASES:
        try:
            for sentence in left_out(pairs(frame, phase)):
                print(sentence)
            for part in experiment(frame, phase, plan, workers):
                if not part.empty:
                    yield part
        except InputError as error:
            refused.append(str(error))
    if len(refused) == len(PHASES):
        raise InputError("; ".join(refused))


def write_parts(parts: Iterator[pd.DataFrame], path: Path, allow_empty: bool) -> int:
    """Write the rows of the experiment as they come, since all of them at once may not fit into memory.

    Args:
        parts: as `evaluate` gives them.
        path: a parquet file.
        allow_empty: whether to write a table without rows where nothing can be normalized.

    Returns:
        how many rows there are.

    Raises:
        InputError: nothing can be normalized, and that is not allowed; or the file cannot be written.
    """
    rows = 0
    with written_whole(path) as temporary:
        writer = None
        try:
            for part in parts:
                texts = part.select_dtypes("category").columns
                table = pa.Table.from_pandas(part.astype(dict.fromkeys(texts, "str")), preserve_index=False)
                writer = writer or pq.ParquetWriter(temporary, table.schema)
                writer.write_table(table)
                rows += len(part)
        except InputError as error:
            if not allow_empty:
                raise
            print(f"nothing to normalize: {error}")
        finally:
            if writer:
                writer.close()
        if not rows:
            pd.DataFrame({"phase": pd.Series(dtype="str")}).to_parquet(temporary, index=False)
    return rows
