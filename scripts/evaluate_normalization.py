"""Evaluate every method of normalization on every directed pair of GPUs: held-out errors, one row per fit.

    python scripts/evaluate_normalization.py results/demo/measurements.parquet --output errors.parquet

Every row names its references, the systems it was tested on, and the seed.
"""

import argparse
from pathlib import Path

from isojoule.alone import Device
from isojoule.programs import at_least, command_line, run_computing


def main(options: argparse.Namespace, _machine: Device) -> None:
    """Read, evaluate, write."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from isojoule.errors import InputError
    from isojoule.files import written_whole
    from isojoule.normalization.study import evaluate, read

    if options.output.suffix != ".parquet":
        raise InputError(f"output: found {options.output}, expected a .parquet file")
    frame = read(options.measurements, options.kinds)
    rows = 0
    with written_whole(options.output) as temporary:
        writer = None
        try:
            for part in evaluate(frame, options.scheme, options.splits, options.seed, options.draws, options.workers):
                texts = part.select_dtypes("category").columns
                table = pa.Table.from_pandas(part.astype(dict.fromkeys(texts, "str")), preserve_index=False)
                writer = writer or pq.ParquetWriter(temporary, table.schema)
                writer.write_table(table)
                rows += len(part)
        except InputError as error:
            if not options.allow_empty:
                raise
            print(f"nothing to normalize: {error}")
        finally:
            if writer:
                writer.close()
        if not rows:
            pd.DataFrame({"phase": pd.Series(dtype="str")}).to_parquet(temporary, index=False)
    print(f"{options.output}: {rows} rows")


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument("--output", type=Path, required=True, help="the rows, a parquet file")
    parser.add_argument("--scheme", default="shuffle", help="shuffle (80/20 each time, as published) or kfold")
    parser.add_argument("--splits", type=at_least(1), default=5, help="how many")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of splits and random references")
    parser.add_argument("--draws", type=at_least(1), default=20, help="random references of each number")
    parser.add_argument("--kinds", nargs="+", help="kinds of energy to use: measured, estimated, simulated")
    parser.add_argument("--workers", type=at_least(1), default=1, help="processes")
    parser.add_argument("--allow-empty", action="store_true", help="write no rows where there is nothing to normalize")
    run_computing(main, parser)
