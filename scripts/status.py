"""Say how far a study is: cells per GPU, the energy so far, the time to go, what failed, and the best ten models.

    python scripts/status.py results/demo

Reads the records and the journal only, and may run while the study does, on any machine that sees the folder.
"""

import argparse
from pathlib import Path

from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read and say."""
    from isojoule.status import status

    print(status(options.results))


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("results", type=Path, help="folder of the study's results")
    run(main, parser)
