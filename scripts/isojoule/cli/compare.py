"""Compare two studies or states of one: which energies differ, and what else.

    isojoule compare before.parquet after.parquet --output results/compared

A driver, a library, a precision or the code was changed, and both states were
measured with the same names of GPUs. The command says which energies differ
beyond what repeats differ by, by how much, and what in hardware, versions and
configuration differs. It writes cells.csv, the ratio of B to A with its 95 %
interval for every cell, and circumstances.csv.
"""

import argparse
from pathlib import Path

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("a", metavar="A", type=Path, help=arguments.TABLE)
    parser.add_argument("b", metavar="B", type=Path, help=arguments.TABLE)
    arguments.output(parser, "folder of the tables")


def run(options: argparse.Namespace) -> None:
    """Read, compare, write."""
    from isojoule.comparison.cells import compared_cells
    from isojoule.comparison.circumstances import differing_circumstances
    from isojoule.comparison.in_words import in_words
    from isojoule.readable import counted
    from isojoule.tables import measurements
    from isojoule.tables.writing import write_table

    tables = []
    for name, path in (("A", options.a), ("B", options.b)):
        frame, doubts = measurements.read_told(path)
        tables.append(frame)
        for doubt in doubts:
            print(f"warning: {name}: {doubt}")
    compared, circumstances = compared_cells(*tables), differing_circumstances(*tables)
    for line in in_words(compared, circumstances):
        print(line)
    for name, made in (("cells", compared), ("circumstances", circumstances)):
        path = options.output / f"{name}.csv"
        write_table(made, path)
        print(f"{path}: {counted(len(made), 'row')}")
