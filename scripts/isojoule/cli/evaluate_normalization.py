"""Evaluate every method of normalization on every directed pair of GPUs: held-out errors, one row per fit.

    isojoule evaluate-normalization results/demo/measurements.parquet --output errors.parquet

Every row names its references, the systems it was tested on, and the seed.
"""

import argparse

from isojoule.cli import arguments
from isojoule.cli.arguments import at_least
from isojoule.errors import InputError
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    arguments.output(parser, "the rows, a parquet file")
    parser.add_argument("--scheme", default="shuffle", help="shuffle (80/20 each time, as published) or kfold")
    parser.add_argument("--splits", type=at_least(1), default=5, help="how many")
    arguments.seed(parser, "of splits and random references")
    arguments.draws(parser, 20, "random references of each number")
    arguments.kinds(parser)
    parser.add_argument("--workers", type=at_least(1), default=1, help="processes")
    arguments.allow_empty(parser)


def run(options: argparse.Namespace, _machine: Device) -> None:
    """Read, evaluate, write."""
    from isojoule.normalization import phases
    from isojoule.normalization.study_experiment import evaluate, write_parts

    if options.output.suffix != ".parquet":
        raise InputError(f"output: found {options.output}, expected a .parquet file")
    frame = phases.read(options.table, options.kinds)
    parts = evaluate(frame, options.scheme, options.splits, options.seed, options.draws, options.workers)
    rows = write_parts(parts, options.output, allow_empty=options.allow_empty)
    print(f"{options.output}: {rows} rows")
