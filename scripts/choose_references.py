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
    from isojoule.normalization import study
    from isojoule.normalization.reference_sets import in_words, reference_sets

    frame = study.read(options.measurements, options.kinds)
    tables = study.of_phases(
        lambda phase: reference_sets(frame, phase, options.error_percent, options.seed), options.allow_empty
    )
    study.write(tables, options.output)
    print("\n".join([*(in_words(table, options.error_percent) for table in tables), str(options.output)]))


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
