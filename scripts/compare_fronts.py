"""Find all fronts of a study: energy, emissions, FLOPs and parameters against quality, per GPU and normalized.

    python scripts/compare_fronts.py results/demo/measurements.parquet --output results/demo/pareto

Writes fronts.csv (one row per front and architecture), summary.csv (hypervolume, reference points, what was left out)
and stability.csv (does the front change with the GPU?) into the folder. Takes any table of measurements.
"""

import argparse
from pathlib import Path

from isojoule.programs import at_least, command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, find, write."""
    from isojoule import measurements
    from isojoule.pareto import study

    frame, notes = measurements.read_unmixed(options.measurements, options.kinds)
    found = study.fronts(frame, options.qualities, options.normalize_to, options.draws, options.seed)
    for note in [*notes, *found.notes]:
        print(note)
    for name, table in (("fronts", found.table), ("summary", found.summary), ("stability", found.stability)):
        path = options.output / f"{name}.csv"
        measurements.write(table, path)
        print(f"{path}: {len(table)} rows")


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument(
        "--qualities",
        nargs="+",
        help="columns of which more is better; by default the qualities that isojoule knows and the table has",
    )
    parser.add_argument("--normalize-to", help="GPU to normalize energies to; by default the first")
    parser.add_argument("--kinds", nargs="+", help="kinds of energy to use: measured, estimated, simulated")
    parser.add_argument("--draws", type=at_least(1), default=1000, help="of the bootstrap over repeats")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the bootstrap")
    parser.add_argument("--output", type=Path, required=True, help="folder of the tables")
    run(main, parser)
