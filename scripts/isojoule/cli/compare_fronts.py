"""Find all fronts of a study and compare them between GPUs.

    isojoule compare-fronts results/demo/measurements.parquet \\
        --output results/demo/pareto

The costs are energy, emissions, FLOPs and parameters, each against every
quality, on every GPU and normalized to one. The command writes fronts.csv with
one row per front and architecture, summary.csv with hypervolume, reference
point and what was left out, and stability.csv, which says whether the front
changes with the GPU.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    parser.add_argument(
        "--qualities",
        nargs="+",
        help="columns of which more is better (default: those that isojoule knows and the table has)",
    )
    arguments.target(parser, "GPU of the table to normalize the energies to (default: the first)")
    arguments.kinds(parser)
    arguments.draws(parser, 1000, "draws of the bootstrap over repeats")
    arguments.seed(parser, "of the bootstrap")
    arguments.output(parser, "folder of the tables")


def run(options: argparse.Namespace) -> None:
    """Read, find, write."""
    from isojoule.fronts import of_study
    from isojoule.readable import counted
    from isojoule.tables import measurements
    from isojoule.tables.writing import write_table

    frame, notes = measurements.read_unmixed(options.table, options.kinds)
    found = of_study.fronts(frame, options.qualities, options.target, options.draws, options.seed)
    for note in [*notes, *found.notes]:
        print(note)
    for name, table in (("fronts", found.table), ("summary", found.summary), ("stability", found.stability)):
        path = options.output / f"{name}.csv"
        write_table(table, path, "isojoule compare-fronts")
        print(f"{path}: {counted(len(table), 'row')}")
