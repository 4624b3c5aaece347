"""Measure training and test of all architectures on one GPU, once each, and write one record per cell.

    isojoule measure --config config/demo.yaml --gpu cpu-1thread --repeat 0 --results results/demo

Needs the features of the study (isojoule extract-features). What the journal (attempts/ in the results) holds of the
same code, configuration and data is kept; the same command goes on where it was cut off. Exit code 75 means that the
time budget left something out.
"""

import argparse
import math

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero, known
from isojoule.cli.running import OVER_BUDGET
from isojoule.errors import InputError
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    parser.add_argument("--gpu", required=True, help="one of the configuration's gpus")
    parser.add_argument("--repeat", type=int, default=0, help="which repeat; decides the seed (default: 0)")
    parser.add_argument("--architecture", nargs="+", help="names, such as mlp-4x1024 (default: all of the study)")
    parser.add_argument("--budget-s", type=above_zero, default=math.inf, help="seconds to spend (default: no end)")
    arguments.results(parser)


def run(options: argparse.Namespace, machine: Device) -> int:
    """Measure the cells that the options name."""
    from isojoule.measuring.block import Block
    from isojoule.study import reading
    from isojoule.study.cells import architectures

    study = reading.load(options.config)
    if not 0 <= options.repeat < study.repeats:
        raise InputError(f"--repeat: found {options.repeat}, expected 0 to {study.repeats - 1}")
    gpu = known("--gpu", options.gpu, list(study.gpus))
    named = list(architectures(study))
    chosen = [known("--architecture", name, named) for name in options.architecture or named]
    block = Block(study, gpu, options.repeat, options.results, machine)
    return OVER_BUDGET if block.measure(chosen, options.budget_s) else 0
