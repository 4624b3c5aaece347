"""Hold the default method against the published ones, on tables of others.

    isojoule compare-normalization reference/energies --output results/energies

The folder has tables of energies that others measured, each with a YAML file
that says what it is. For every table and number of references the command
prints the error on held-out systems, ours beside the best published method,
and says which goals are not met. The intervals are tried in the same way. So are
GPUs that are new to a study of three or more. The figure normalization-tables is drawn from errors.csv.
"""

import argparse
from pathlib import Path

from isojoule.cli import arguments
from isojoule.cli.arguments import at_least
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder of tables, such as reference/energies")
    parser.add_argument("--splits", type=at_least(1), default=20, help="number of random splits (default: 20)")
    arguments.seed(parser, "of splits, of random references and of the questions to the intervals")
    arguments.draws(parser, 5, "random choices of each number of references, for the published methods")
    parser.add_argument(
        "--questions",
        type=at_least(1),
        default=40,
        help="pairs of platforms and splits in which to ask intervals of up to five systems, for each number of "
        "references (default: 40)",
    )
    arguments.workers(parser, 1, "processes that evaluate")
    arguments.output(parser, "folder of the tables")


def run(options: argparse.Namespace, _machine: Device) -> None:
    """Read, evaluate, say, write."""
    import pandas as pd

    from isojoule.normalization import (
        default_against_published,
        interval_coverage,
        new_gpu_accuracy,
        reference_tables,
    )
    from isojoule.readable import counted
    from isojoule.tables.writing import write_table

    tables = reference_tables.read_folder(options.folder)
    errors, intervals, on_new_gpus = [], [], []
    for table in tables:
        print("\n".join([reference_tables.in_words(table), *reference_tables.doubts_in_words(table)]), flush=True)
        errors.append(
            default_against_published.errors_by_references(
                table, options.splits, options.seed, options.draws, options.workers
            )
        )
        intervals.append(interval_coverage.interval_coverage(table, options.questions, options.seed))
        on_new_gpus.append(new_gpu_accuracy.new_gpu_accuracy(table))
    all_errors, all_intervals = pd.concat(errors, ignore_index=True), pd.concat(intervals, ignore_index=True)
    compared = default_against_published.compared(all_errors)
    print("\n".join([*default_against_published.in_words(compared), *interval_coverage.in_words(all_intervals)]))
    made_tables = {"errors": all_errors, "goals": compared, "intervals": all_intervals}
    all_new_gpus = pd.concat(on_new_gpus, ignore_index=True)
    if len(all_new_gpus):
        print("\n".join(new_gpu_accuracy.in_words(all_new_gpus)))
        made_tables["new-gpus"] = all_new_gpus
    for name, made in made_tables.items():
        path = options.output / f"{name}.csv"
        write_table(made, path)
        print(f"{path}: {counted(len(made), 'row')}")
