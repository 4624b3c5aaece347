"""Find the models of any table that no other model beats.

    isojoule front results/demo/measurements.parquet --minimize energy_kwh \\
        --maximize macro_f1
    isojoule front results/demo/measurements.csv --minimize energy_kwh params \\
        --maximize macro_f1 --name architecture --output front.csv

The table has one row per model and repeat. Where it has the columns gpu and
phase, each of them has a front of its own. The spread of the repeats gives the
probability that a model is optimal. A dominated model that is on the front in
5 % of the draws or more is called within noise.
"""

import argparse

from isojoule.cli import arguments
from isojoule.errors import InputError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser, "one row per model and repeat, CSV or parquet")
    parser.add_argument("--minimize", nargs="+", default=[], help="columns of which less is better")
    parser.add_argument("--maximize", nargs="+", default=[], help="columns of which more is better")
    parser.add_argument(
        "--any-sign",
        nargs="+",
        default=[],
        help="columns to minimize that may be 0 or less, such as an error rate (default: all are above 0)",
    )
    arguments.name(parser)
    parser.add_argument(
        "--by",
        nargs="+",
        help="columns whose values have a front each, or none for a single front (default: gpu phase)",
    )
    parser.add_argument(
        "--missing",
        choices=["refuse", "leave-out"],
        default="refuse",
        help="what to do about models without a value (default: refuse)",
    )
    parser.add_argument(
        "--logarithmic", nargs="+", default=[], help="costs that the hypervolume takes the logarithm of"
    )
    parser.add_argument(
        "--reference-point",
        nargs="+",
        metavar="COLUMN=NUMBER",
        type=corner,
        default=[],
        help="reference point of the hypervolume, column=value for each column",
    )
    arguments.kinds(parser)
    arguments.draws(parser, 1000, "draws of the bootstrap over repeats")
    arguments.seed(parser, "of the bootstrap")
    arguments.output(parser, "write the fronts to this file, CSV or parquet", required=False)


def run(options: argparse.Namespace) -> None:
    """Read, find, print, write."""
    from isojoule.pareto import Objective
    from isojoule.pareto.by_part import fronts_by_part
    from isojoule.tables import models
    from isojoule.tables.writing import write_table

    if unknown := [column for column in options.logarithmic if column not in options.minimize]:
        raise InputError(
            f"logarithmic: found {unknown[0]}, expected of those to minimize: {', '.join(options.minimize)}"
        )
    if unknown := [column for column in options.any_sign if column not in options.minimize]:
        raise InputError(f"any sign: found {unknown[0]}, expected of those to minimize: {', '.join(options.minimize)}")
    reference_point = dict(options.reference_point)
    if len(reference_point) < len(options.reference_point):
        raise InputError("reference point: found a column twice, expected each once")
    objectives = [Objective(column, logarithmic=column in options.logarithmic) for column in options.minimize]
    objectives += [Objective(column, maximize=True) for column in options.maximize]
    columns = [objective.column for objective in objectives]
    costs = [column for column in options.minimize if column not in options.any_sign]
    frame, name, notes = models.read(options.table, columns, options.kinds, options.name, options.by, costs)
    table, lines = fronts_by_part(
        frame,
        objectives,
        options.by,
        name,
        missing=options.missing,
        reference_point=reference_point or None,
        draws=options.draws,
        seed=options.seed,
    )
    print("\n".join([*notes, *lines]))
    if options.output:
        write_table(table, options.output)
        print(options.output)


def corner(text: str) -> tuple[str, float]:
    """The type of an option of the form column=value."""
    column, _, value = text.partition("=")
    try:
        return column, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text}, expected column=number") from None
