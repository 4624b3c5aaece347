"""Measure training and test of all architectures on one GPU, once each, and write one record per cell.

    python scripts/measure.py --config config/demo.yaml --gpu cpu-1thread --repeat 0 --results results/demo

Needs the features of the study (scripts/extract_features.py). What the journal (attempts/ in the results) holds of the
same code, configuration and data is kept; the same command goes on where it was cut off. Exit code 75 means that the
time budget left something out.
"""

import argparse
import math
from pathlib import Path

from isojoule.alone import Device
from isojoule.errors import InputError
from isojoule.programs import CONFIG_HELP, OVER_BUDGET, above_zero, command_line, known, run_computing


def main(options: argparse.Namespace, machine: Device) -> int:
    """Measure the cells that the options name."""
    from isojoule import configuration
    from isojoule.block import Block
    from isojoule.cells import architectures

    study = configuration.load(options.config)
    if not 0 <= options.repeat < study["repeats"]:
        raise InputError(f"--repeat: found {options.repeat}, expected 0 to {study['repeats'] - 1}")
    gpu = known("--gpu", options.gpu, list(study["gpus"]))
    named = list(architectures(study))
    chosen = [known("--architecture", name, named) for name in options.architecture or named]
    block = Block(study, gpu, options.repeat, options.results, machine)
    return OVER_BUDGET if block.measure(chosen, options.budget_s) else 0


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--gpu", required=True, help="one of the configuration's gpus")
    parser.add_argument("--repeat", type=int, default=0, help="which repeat; decides the seed (default: 0)")
    parser.add_argument("--architecture", nargs="+", help="names, such as mlp-4x1024 (default: all of the study)")
    parser.add_argument("--budget-s", type=above_zero, default=math.inf, help="seconds to spend (default: no end)")
    parser.add_argument("--results", type=Path, required=True, help="folder of the study's results")
    run_computing(main, parser)
