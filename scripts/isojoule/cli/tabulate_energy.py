"""Tabulate energy per architecture, platform and phase, with its spread over repeats.

isojoule tabulate-energy results/demo/measurements.parquet --output results/demo/tables/energy.csv
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
    write_table(table, options.output)
    print(f"{options.output}: {len(table)} rows")
