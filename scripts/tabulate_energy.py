"""Tabulate energy per architecture, platform and phase, with its spread over repeats.

python scripts/tabulate_energy.py results/demo/measurements.parquet --output results/demo/tables/energy.csv
"""

import argparse
from pathlib import Path

from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, tabulate, write."""
    from isojoule import measurements
    from isojoule.tables import energy_table

    table = energy_table(measurements.read(options.measurements))
    measurements.write(table, options.output)
    print(f"{options.output}: {len(table)} rows")


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument("--output", type=Path, required=True, help="the table, a CSV or parquet file")
    run(main, parser)
