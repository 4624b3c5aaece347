"""Say how far a study is: cells per GPU, the energy so far, the time to go, what failed, and the best ten models.

    isojoule status results/demo

Reads the records and the journal only, and may run while the study does, on any machine that sees the folder.
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
