"""Estimate what a study will cost before it is started: cells, GPU hours, kWh, CO2e and disk.

    python scripts/plan.py --config config/demo.yaml --results results/demo

Needs the compute records (scripts/count_compute.py) in the results. From them, from peak_tflops, memory_gb_per_s and
max_power_w of each GPU in the configuration, and from the records that are there already. Nothing in it is measured.
"""

import argparse
from pathlib import Path

from isojoule.programs import CONFIG_HELP, command_line, run


def main(options: argparse.Namespace) -> None:
    """Estimate and say."""
    from isojoule import configuration
    from isojoule.plan import plan

    print(plan(configuration.load(options.config), options.results))


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--results", type=Path, required=True, help="folder of the study's results")
    run(main, parser)
