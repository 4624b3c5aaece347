"""Say how far a study is: cells done, out of memory and missing, the energy so far, and the best ten models.

    python scripts/summarize.py --config config/demo.yaml --records results/demo/records

Reads records only, and may run while the study does.
"""

import argparse
from pathlib import Path

from isojoule.programs import CONFIG_HELP, command_line, run


def main(options: argparse.Namespace) -> None:
    """Read and say."""
    from isojoule import configuration
    from isojoule.summary import summary

    print(summary(configuration.load(options.config), options.records))


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--records", type=Path, required=True, help="folder of the measurement records")
    run(main, parser)
