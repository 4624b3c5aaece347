"""Gather the records of a study into one table of measurements.

    python scripts/aggregate.py --config config/demo.yaml --results results/demo \\
        --output results/demo/measurements.parquet

Beside the parquet file it writes the same table as CSV, and data-dictionary.csv, which explains every column.
"""

import argparse
from pathlib import Path

from isojoule.programs import CONFIG_HELP, command_line, run


def main(options: argparse.Namespace) -> None:
    """Aggregate and write."""
    from isojoule import configuration, measurements
    from isojoule.aggregation import aggregate

    frame = aggregate(configuration.load(options.config), options.results)
    measurements.write(measurements.dictionary(), options.output.with_name("data-dictionary.csv"))
    measurements.write(frame, options.output.with_suffix(".csv"))
    measurements.write(frame, options.output)
    print(f"{options.output}: {len(frame)} cells")


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--results", type=Path, required=True, help="folder of the study's results")
    parser.add_argument("--output", type=Path, required=True, help="the table, a parquet file")
    run(main, parser)
