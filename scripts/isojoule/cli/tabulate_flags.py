"""List the quality flags of a study, one row per flag and cell.

    isojoule tabulate-flags results/demo/measurements.parquet \\
        --output results/demo/tables/flags.csv

A row names the flag, its meaning, and the cell that has it.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    arguments.output(parser, "the table, a CSV or parquet file")


def run(options: argparse.Namespace) -> None:
    """Read, list, write."""
    from isojoule.flags.of_record import MEANINGS
    from isojoule.flags.of_study import flagged_cells
    from isojoule.readable import counted
    from isojoule.tables import measurements
    from isojoule.tables.writing import write_table

    table = flagged_cells(measurements.read(options.table))
    write_table(table, options.output, "isojoule tabulate-flags")
    for flag, count in table["flag"].value_counts().items():
        print(f"{counted(count, 'cell')}: {flag}, {MEANINGS.get(flag, 'not a flag of ours')}")
    print(f"{options.output}: {counted(len(table), 'row')}")
