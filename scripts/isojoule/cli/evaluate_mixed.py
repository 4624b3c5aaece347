"""Evaluate normalization of systems measured on different GPUs.

    isojoule evaluate-mixed results/demo/measurements.parquet --output mixed.csv

Every system counts as measured on one GPU, drawn at random. The command
normalizes all of them to each GPU in turn, and compares their ranking and
their front with the true ones.
"""

import argparse

from isojoule.cli import arguments
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    arguments.output(parser, "the rows, a CSV or parquet file")
    arguments.seed(parser, "of the shuffles")
    arguments.draws(parser, 20, "number of random assignments to GPUs")
    arguments.kinds(parser)
    arguments.allow_empty(parser)


def run(options: argparse.Namespace, _machine: Device) -> None:
    """Read, evaluate, write."""
    from isojoule.normalization import phases
    from isojoule.normalization.methods import METHODS
    from isojoule.normalization.mixed_platforms import in_words, mixed_errors
    from isojoule.normalization.study_experiment import COUNTS
    from isojoule.readable import counted

    frame = phases.read(options.table, options.kinds)
    tables = phases.tables_by_phase(
        lambda phase: mixed_errors(frame, phase, METHODS, COUNTS, options.draws, options.seed),
        allow_empty=options.allow_empty,
    )
    phases.write(tables, options.output, "isojoule evaluate-mixed")
    for table in tables:
        print(in_words(table))
    print(f"{options.output}: {counted(sum(map(len, tables)), 'row')}")
