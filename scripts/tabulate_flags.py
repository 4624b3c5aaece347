"""List the quality flags of a study: one row per flag and cell, with the meaning of the flag.

python scripts/tabulate_flags.py results/demo/measurements.parquet --output results/demo/tables/flags.csv
"""

import argparse
from pathlib import Path

from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, list, write."""
    from isojoule import flags, measurements

    table = flags.listed(measurements.read(options.measurements))
    measurements.write(table, options.output)
    for flag, count in table["flag"].value_counts().items():
        print(f"{count} cells: {flag}, {flags.MEANINGS.get(flag, 'not a flag of ours')}")
    print(f"{options.output}: {len(table)} rows")


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument("--output", type=Path, required=True, help="the table, a CSV or parquet file")
    run(main, parser)
