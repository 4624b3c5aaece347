"""Show how far a study is, what failed, and the best models so far.

    isojoule status results/demo

The command counts the cells of each GPU and says how much energy they took and
how long the rest will take. It only reads records and journal, so that it may
run while the study does, on any machine that sees the folder.
"""

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("results", metavar="RESULTS", type=Path, help="folder of the study's results")


def run(options: argparse.Namespace) -> None:
    """Read and say."""
    from isojoule.study.status import status

    print(status(options.results))
