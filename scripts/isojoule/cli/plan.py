"""Estimate what a study will cost before it starts.

    isojoule plan --config config/demo.yaml --results results/demo

The plan has cells, GPU hours, kWh, CO2e and disk. It is an estimate from the
counts of compute (`isojoule count-compute`), from peak_tflops, memory_gb_per_s
and max_power_w of each GPU, and from the records that are there already.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    arguments.results(parser)


def run(options: argparse.Namespace) -> None:
    """Estimate and say."""
    from isojoule.study import reading
    from isojoule.study.cost import plan

    print(plan(reading.load(options.config), options.results))
