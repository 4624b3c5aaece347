"""Evaluate normalization where every system was measured on a GPU of its own: ranking and front against the truth.

python scripts/evaluate_mixed.py results/demo/measurements.parquet --output mixed.csv
"""

import argparse
from pathlib import Path

from isojoule.alone import Device
from isojoule.programs import at_least, command_line, run_computing


def main(options: argparse.Namespace, _machine: Device) -> None:
    """Read, evaluate, write."""
    from isojoule.normalization import study
    from isojoule.normalization.methods import METHODS
    from isojoule.normalization.mixed import in_words, mixed

    frame = study.read(options.measurements, options.kinds)
    tables = study.of_phases(
        lambda phase: mixed(frame, phase, METHODS, study.COUNTS, options.draws, options.seed), options.allow_empty
    )
    study.write(tables, options.output)
    for table in tables:
        print(in_words(table))
    print(f"{options.output}: {sum(map(len, tables))} rows")


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument("--output", type=Path, required=True, help="the rows, a CSV or parquet file")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the shuffles")
    parser.add_argument("--draws", type=at_least(1), default=20, help="shuffles")
    parser.add_argument("--kinds", nargs="+", help="kinds of energy to use: measured, estimated, simulated")
    parser.add_argument("--allow-empty", action="store_true", help="write no rows where there is nothing to normalize")
    run_computing(main, parser)
