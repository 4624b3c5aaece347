"""Find all fronts of a study: energy, emissions, FLOPs and parameters against quality, per GPU and normalized.

    isojoule compare-fronts results/demo/measurements.parquet --output results/demo/pareto

Writes fronts.csv (one row per front and architecture), summary.csv (hypervolume, reference points, what was left out)
and stability.csv (does the front change with the GPU?) into the folder. Takes any table of measurements.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    parser.add_argument(
        "--qualities",
        nargs="+",
        help="columns of which more is better; by default the qualities that isojoule knows and the table has",
    )
    arguments.target(parser, "GPU to normalize energies to (default: the first)")
    arguments.kinds(parser)
    arguments.draws(parser, 1000, "of the bootstrap over repeats")
    arguments.seed(parser, "of the bootstrap")
    arguments.output(parser, "folder of the tables")


def run(options: argparse.Namespace) -> None:
    """Read, find, write."""
    from isojoule.fronts import of_study
    from isojoule.tables import measurements
    from isojoule.tables.writing import write_table

    frame, notes = measurements.read_unmixed(options.table, options.kinds)
    found = of_study.fronts(frame, options.qualities, options.target, options.draws, options.seed)
    for note in [*notes, *found.notes]:
        print(note)
    for name, table in (("fronts", found.table), ("summary", found.summary), ("stability", found.stability)):
        path = options.output / f"{name}.csv"
        write_table(table, path)
        print(f"{path}: {len(table)} rows")
