"""Choose the architectures to publish as references for other GPUs.

    isojoule choose-references results/demo/measurements.parquet \\
        --error-percent 10 --output references.csv

These are the fewest architectures that normalize a new GPU within the error.
Every GPU of the study is left out in turn and stands for the new one.
"""

import argparse

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero
from isojoule.errors import InputError
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    parser.add_argument(
        "--error-percent", type=above_zero, default=10.0, help="median error to stay within, in per cent (default: 10)"
    )
    parser.add_argument("--choice", help="how to choose (default: what suits the number of references)")
    arguments.output(parser, "the table, a CSV or parquet file")
    arguments.seed(parser, "of the resampling")
    arguments.kinds(parser)
    arguments.allow_empty(parser)


def run(options: argparse.Namespace, _machine: Device) -> None:
    """Read, choose, write, say which."""
    from isojoule.normalization import phases
    from isojoule.normalization.reference_sets import CHOICES, costs_in_words, in_words, reference_sets

    if options.choice not in (None, *CHOICES):
        raise InputError(f"--choice: found {options.choice}, expected one of {', '.join(CHOICES)}")
    frame = phases.read(options.table, options.kinds)
    tables = phases.tables_by_phase(
        lambda phase: reference_sets(frame, phase, options.error_percent, options.seed, options.choice),
        allow_empty=options.allow_empty,
    )
    phases.write(tables, options.output, "isojoule choose-references")
    for table in tables:
        print("\n".join([*costs_in_words(table), in_words(table, options.error_percent)]))
    print(options.output)
