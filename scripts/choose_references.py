"""Choose which references to publish: the fewest architectures that normalize a new GPU within a stated error.

    python scripts/choose_references.py results/demo/measurements.parquet --error-percent 10 --output references.csv

Every GPU of the study is left out in turn and stands for the new one.
"""

import argparse
from pathlib import Path

from isojoule.alone import Device
from isojoule.programs import above_zero, at_least, command_line, run_computing


def main(options: argparse.Namespace, _machine: Device) -> None:
    """Read, choose, write, say which."""
    import pandas as pd

    from isojoule import measurements
    from isojoule.errors import InputError
    from isojoule.normalization.reference_sets import in_words, reference_sets

    frame, sentences = measurements.read_to_normalize(options.measurements, options.kinds)
    print(*sentences, sep="\n", end="\n" if sentences else "")
    tables, refused = [], []
    for phase in measurements.PHASES:
        try:
            tables.append(reference_sets(frame, phase, options.error_percent, options.seed))
        except InputError as error:
            refused.append(str(error))
    if not tables and not options.allow_empty:
        raise InputError(refused[0])
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"phase": pd.Series(dtype="str")})
    measurements.write(table, options.output)
    print("\n".join([*refused, *(in_words(part, options.error_percent) for part in tables), str(options.output)]))


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument(
        "--error-percent", type=above_zero, default=10.0, help="median absolute percentage error to stay within"
    )
    parser.add_argument("--output", type=Path, required=True, help="the table, a CSV or parquet file")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the resampling")
    parser.add_argument("--kinds", nargs="+", help="kinds of energy to use: measured, estimated, simulated")
    parser.add_argument("--allow-empty", action="store_true", help="write no rows where there is nothing to normalize")
    run_computing(main, parser)
