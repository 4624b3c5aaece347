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
    from isojoule.readable import counted
    from isojoule.tables import measurements
    from isojoule.tables.energy import energy_table
    from isojoule.tables.writing import write_table

    frame, doubts = measurements.read_told(options.table)
    table = energy_table(frame)
    write_table(table, options.output, "isojoule tabulate-energy")
    for doubt in doubts:
        print(f"warning: {doubt}")
    print(f"{options.output}: {counted(len(table), 'row')}")
