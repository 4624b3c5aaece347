"""Evaluate every method of normalization on every pair of GPUs.

    isojoule evaluate-normalization results/demo/measurements.parquet \\
        --output errors.parquet

The errors are those of systems that were held out of the fit. The table has
one row per fit, which names the references, the systems and the seed.
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
    parser.add_argument(
        "--scheme", default="shuffle", help="shuffle (80/20 each time, as published) or kfold (default: shuffle)"
    )
    parser.add_argument("--splits", type=at_least(1), default=5, help="number of splits or folds (default: 5)")
    arguments.seed(parser, "of splits and random references")
    arguments.draws(parser, 20, "random choices of each number of references")
    arguments.kinds(parser)
    arguments.workers(parser, 1, "processes that evaluate")
    arguments.allow_empty(parser)


def run(options: argparse.Namespace, _machine: Device) -> None:
    """Read, evaluate, write."""
    from isojoule import seals
    from isojoule.normalization import phases
    from isojoule.normalization.study_experiment import evaluate, write_parts
    from isojoule.readable import counted

    if options.output.suffix != ".parquet":
        raise InputError(f"output: found {options.output}, expected a .parquet file")
    frame = phases.read(options.table, options.kinds)
    parts = evaluate(frame, options.scheme, options.splits, options.seed, options.draws, options.workers)
    rows = write_parts(parts, options.output, allow_empty=options.allow_empty)
    seals.seal(options.output, "isojoule evaluate-normalization")
    print(f"{options.output}: {counted(rows, 'row')}")
