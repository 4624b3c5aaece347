"""Rank the methods of normalization by their error.

    isojoule rank-normalization results/demo/normalization/errors.parquet \\
        --output ranking.csv

The ranking is by pair of GPUs and over all pairs.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser, "rows of isojoule evaluate-normalization, a parquet file")
    arguments.output(parser, "the ranking, a CSV or parquet file")


def run(options: argparse.Namespace) -> None:
    """Read, rank, write."""
    from isojoule.normalization import ranking
    from isojoule.readable import counted
    from isojoule.tables.writing import write_table

    results = ranking.read(options.table)
    table = ranking.ranking(results)
    write_table(table, options.output, "isojoule rank-normalization")
    print(f"{options.output}: {counted(len(table), 'row')}")
    print(ranking.summary(table))
