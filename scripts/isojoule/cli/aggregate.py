"""Gather the records of a study into one table of measurements.

    isojoule aggregate --config config/demo.yaml --results results/demo \\
        --output results/demo/measurements.parquet

Beside the parquet file the command writes the same table as CSV, and
data-dictionary.csv, which explains every column. A cell without a record has a
row whose outcome says why, so that a study that is not whole has its table too.
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
    from isojoule.readable import counted
    from isojoule.study import reading
    from isojoule.tables.aggregation import aggregate, in_words
    from isojoule.tables.columns import dictionary
    from isojoule.tables.writing import write_table

    frame = aggregate(reading.load(options.config), options.results)
    write_table(dictionary(), options.output.with_name("data-dictionary.csv"), "isojoule aggregate")
    write_table(frame, options.output.with_suffix(".csv"), "isojoule aggregate")
    write_table(frame, options.output, "isojoule aggregate")
    print("\n".join([f"{options.output}: {counted(len(frame), 'cell')}", *in_words(frame, options.results)]))
