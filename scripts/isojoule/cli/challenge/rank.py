"""Rank the systems of a challenge by quality per energy, with intervals.

    isojoule challenge rank systems.csv --rule dcase-2023 --output ranking.csv

A table of systems with the energies that their teams reported is ranked by the
rule of DCASE 2023, and beside each rank stands what the rounding of the inputs,
the intervals of the qualities and the single reference leave open. --columns is
a YAML file that says which columns of the table are which.
"""

import argparse
from pathlib import Path

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero

RULES = ("dcase-2023",)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser, "one row per system, CSV or parquet")
    parser.add_argument("--rule", choices=RULES, required=True, help="published rule")
    parser.add_argument("--columns", type=Path, help="YAML file: which column is which (default: those of DCASE 2023)")
    parser.add_argument(
        "--reference-error-percent",
        type=above_zero,
        default=30.0,
        help="median error of normalizing by one reference (default: 30)",
    )
    arguments.draws(parser, 1000, "draws of what is open")
    arguments.seed(parser, "of the draws")
    arguments.output(parser, "write the ranking to this file, CSV or parquet", required=False)


def run(options: argparse.Namespace) -> None:
    """Read, rank, print, write."""
    from isojoule.challenge import rules
    from isojoule.tables.writing import write_table

    mapping = rules.read_mapping(options.columns)
    table, sentences = rules.rank(options.table, mapping, options.reference_error_percent, options.draws, options.seed)
    print("\n".join(sentences))
    if options.output:
        write_table(table, options.output)
        print(options.output)
