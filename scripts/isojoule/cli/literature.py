"""Compute again what papers computed from their published numbers.

    isojoule literature --output results/demo/literature

The command writes training.csv, the costs of five trainings, and waveflow.csv,
the fronts of WaveFlow. The numbers come with isojoule, and
reference/published/README.md names their sources. `isojoule estimate-training`
and `isojoule front` do the same for tables of your own.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.output(parser, "folder of the tables")


def run(options: argparse.Namespace) -> None:
    """Estimate, find the fronts, write."""
    from isojoule.literature import training, waveflow
    from isojoule.readable import counted
    from isojoule.tables.writing import write_table

    for name, table in (("training", training.published()), ("waveflow", waveflow.published())):
        path = options.output / f"{name}.csv"
        write_table(table, path, "isojoule literature")
        print(f"{path}: {counted(len(table), 'row')}")
