"""Tabulate energy by architecture, GPU and phase, with its spread.

    isojoule tabulate-energy results/demo/measurements.parquet \\
        --output results/demo/tables/energy.csv

A row has the mean over the repeats, the standard deviation, the 95 % interval
of the mean (Student's t) and the coefficient of variation.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    arguments.output(parser, "the table, a CSV or parquet file")


def run(options: argparse.Namespace) -> None:
    """Read, tabulate, write."""
    from isojoule.tables import measurements
    from isojoule.tables.energy import energy_table
    from isojoule.tables.writing import write_table

    table = energy_table(measurements.read(options.table))
    write_table(table, options.output, "isojoule tabulate-energy")
    print(f"{options.output}: {len(table)} rows")
