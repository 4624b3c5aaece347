"""The experiment on a whole study: what is tried by default, on every phase that can be normalized."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from isojoule.errors import InputError
from isojoule.files import written_whole
from isojoule.normalization import references
from isojoule.normalization.experiment import experiment
from isojoule.normalization.experiment_plan import Plan
from isojoule.normalization.methods import METHODS
from isojoule.normalization.pairs import left_out_in_words, pairs
from isojoule.normalization.splits import leaving_families_out, splits
from isojoule.tables.columns import PHASES

# numbers of references among which a user decides
COUNTS = (2, 3, 4, 6, 8, 10)


def default_plan(frame: pd.DataFrame, scheme: str, number: int, seed: int, draws: int) -> Plan:
    """Plan to try all methods, on random splits and on each family left out, with the published shares and `COUNTS`.

    Args:
        frame: a table of measurements.
        scheme: scheme of the random splits, `shuffle` or `kfold`.
        number: number of random splits.
        seed: seed of the splits and of the random references.
        draws: number of random choices for each share.

    Raises:
        InputError: there are too few architectures.
    """
    families = frame.groupby("architecture", sort=False)["family"].first().astype(str).to_dict()
    random_splits = splits(list(families), number, seed, scheme)
    models = len(random_splits[0].train)
    shares = {f"{percent} %": references.published_count(percent, models) for percent in references.PUBLISHED_PERCENTS}
    return Plan(METHODS, [*random_splits, *leaving_families_out(families)], shares, COUNTS, draws, seed)


def evaluate(
    frame: pd.DataFrame, scheme: str, number: int, seed: int, draws: int, workers: int
) -> Iterator[pd.DataFrame]:
    """Yield the rows of the experiment, part by part, and print which systems were left out.

    Args:
        frame: a table of measurements.
        scheme: as in `default_plan`.
        number: as in `default_plan`.
        seed: as in `default_plan`.
        draws: as in `default_plan`.
        workers: number of processes.

    Raises:
        InputError: no phase was measured on two GPUs.
    """
    plan = default_plan(frame, scheme, number, seed, draws)
    refusals = []
    for phase in PHASES:
        try:
            for sentence in left_out_in_words(pairs(frame, phase)):
                print(sentence)
            for part in experiment(frame, phase, plan, workers):
                if not part.empty:
                    yield part
        except InputError as error:
            refusals.append(str(error))
    if len(refusals) == len(PHASES):
        raise InputError("; ".join(refusals))


def write_parts(parts: Iterator[pd.DataFrame], path: Path, *, allow_empty: bool) -> int:
    """Write the rows of the experiment as they come, since all of them at once may not fit into memory.

    Args:
        parts: parts of the rows, as `evaluate` yields them.
        path: a parquet file.
        allow_empty: whether to write a table without rows where nothing can be normalized.

    Returns:
        the number of rows.

    Raises:
        InputError: nothing can be normalized, and that is not allowed; or the file cannot be written.
    """
    row_count = 0
    with written_whole(path) as temporary:
        writer = None
        try:
            for part in parts:
                texts = part.select_dtypes("category").columns
                table = pa.Table.from_pandas(part.astype(dict.fromkeys(texts, "str")), preserve_index=False)
                writer = writer or pq.ParquetWriter(temporary, table.schema)
                writer.write_table(table)
                row_count += len(part)
        except InputError as error:
            if not allow_empty:
                raise
            print(f"nothing to normalize: {error}")
        finally:
            if writer:
                writer.close()
        if not row_count:
            pd.DataFrame({"phase": pd.Series(dtype="str")}).to_parquet(temporary, index=False)
    return row_count
