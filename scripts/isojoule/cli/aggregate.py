"""Gather the records of a study into one table of measurements.

    isojoule aggregate --config config/demo.yaml --results results/demo \\
        --output results/demo/measurements.parquet

Beside the parquet file it writes the same table as CSV, and data-dictionary.csv, which explains every column.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    arguments.results(parser)
    arguments.output(parser, "the table, a parquet file")


def run(options: argparse.Namespace) -> None:
    """Aggregate and write."""
    from isojoule.study import reading
    from isojoule.tables import measurements
    from isojoule.tables.aggregation import aggregate

    frame = aggregate(reading.load(options.config), options.results)
    measurements.write(measurements.dictionary(), options.output.with_name("data-dictionary.csv"))
    measurements.write(frame, options.output.with_suffix(".csv"))
    measurements.write(frame, options.output)
    print(f"{options.output}: {len(frame)} cells")
