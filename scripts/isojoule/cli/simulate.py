"""Simulate the energies of a study on GPUs that are made up.

    isojoule simulate --seed 0 --gpus 4 --output world.parquet

The architectures are the 43 published ones. Their true energies are known, and
every row says that it is simulated: nobody measured it.
"""

import argparse

from isojoule.cli import arguments
from isojoule.cli.arguments import at_least


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.seed(parser, "of everything that is drawn")
    parser.add_argument("--gpus", type=at_least(1), default=4, help="number of GPUs to make up (default: 4)")
    parser.add_argument("--repeats", type=at_least(1), default=1, help="runs per cell (default: 1)")
    parser.add_argument("--run-noise", type=float, default=0.02, help="relative spread of one run (default: 0.02)")
    parser.add_argument(
        "--system-noise", type=float, default=0.03, help="relative spread of one system on one GPU (default: 0.03)"
    )
    parser.add_argument(
        "--slowed-share", type=float, default=0.0, help="share of runs that are slowed by 20 to 100 %% (default: 0)"
    )
    arguments.output(parser, "the table of measurements, a parquet or CSV file")


def run(options: argparse.Namespace) -> None:
    """Simulate, write."""
    from isojoule.readable import counted
    from isojoule.simulation import worlds
    from isojoule.tables.writing import write_table

    world = worlds.world(
        options.seed,
        options.gpus,
        repeats=options.repeats,
        run_noise=options.run_noise,
        system_noise=options.system_noise,
        slowed_share=options.slowed_share,
    )
    write_table(world, options.output)
    print(f"{options.output}: {counted(len(world), 'simulated row')}")
