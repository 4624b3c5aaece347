"""Measure training and test of the architectures on one GPU.

    isojoule measure --config config/demo.yaml --gpu cpu-1thread --repeat 0 \\
        --results results/demo

The command writes one record per cell: architecture, GPU, phase and repeat.
It needs the features of the study (`isojoule extract-features`). It keeps what
the journal, attempts/ in the results, has of the same code, configuration and
data, so that the same command goes on where it was cut off. Exit code 75 means
that the time budget was too short for some cells.
"""

import argparse
import math
import os
import sys
import time

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero, one_of
from isojoule.errors import OVER_BUDGET, InputError
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    parser.add_argument("--gpu", required=True, help="entry of the configuration's gpus")
    parser.add_argument(
        "--repeat", type=int, default=0, help="number of the repeat, which decides the seed (default: 0)"
    )
    parser.add_argument("--architecture", nargs="+", help="names of architectures, such as mlp-1x64 (default: all)")
    parser.add_argument("--budget-s", type=above_zero, default=math.inf, help="time budget in seconds (default: none)")
    arguments.results(parser)


def run(options: argparse.Namespace, machine: Device) -> int:
    """Measure the cells that the options name."""
    from isojoule.measuring.waiting import without_spinning
    from isojoule.study import reading
    from isojoule.study.cells import architectures

    study = reading.load(options.config)
    if not 0 <= options.repeat < study.repeats:
        raise InputError(f"--repeat: found {options.repeat}, expected 0 to {study.repeats - 1}")
    gpu = one_of(list(study.gpus), "--gpu", options.gpu)
    without_spinning(study.gpus[gpu])
    # it imports torch, which reads how threads wait
    from isojoule.measuring.block import Block

    names = list(architectures(study))
    chosen = [one_of(names, "--architecture", name) for name in options.architecture or names]
    ends_s = time.monotonic() + options.budget_s
    block = Block(study, gpu, options.repeat, options.results, machine)
    number_left = block.measure(chosen, options.budget_s)
    if block.needs_fresh_process:
        _begin_again(options, ends_s - time.monotonic())
    return OVER_BUDGET if number_left else 0


def _begin_again(options: argparse.Namespace, left_s: float) -> None:
    """Become a fresh process that does what is left: this one's GPU memory is given back, and so are its locks."""
    words = [
        *("--config", options.config, "--gpu", options.gpu, "--repeat", options.repeat, "--results", options.results),
        *(["--architecture", *options.architecture] if options.architecture else []),
        *(["--budget-s", max(left_s, 1.0)] if left_s < math.inf else []),
    ]
    print("out of memory behind other cells: a fresh process decides", flush=True)
    os.closerange(3, 1024)
    os.execv(sys.executable, [sys.executable, "-P", "-m", "isojoule", "measure", *map(str, words)])
