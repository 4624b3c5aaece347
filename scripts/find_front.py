"""Find the models of any table that no other one beats.

    python scripts/find_front.py results/demo/measurements.parquet --minimize energy_kwh --maximize macro_f1
    python scripts/find_front.py theirs.csv --minimize energy_kwh params --maximize accuracy --output front.csv

A CSV or parquet file with one row per model and repeat; the name is its column architecture, model, system or name.
Where it has the columns gpu and phase, each of them has a front of its own. Several rows of a model are repeats: from
their spread comes the probability that it is optimal, and a dominated model that it leaves on the front in 5 % of the
draws or more is called within noise.
"""

import argparse
from pathlib import Path

from isojoule.errors import InputError
from isojoule.programs import at_least, command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, find, print, write."""
    import pandas as pd

    from isojoule import measurements
    from isojoule.pareto import Objective, find_front, tables

    if unknown := [column for column in options.logarithmic if column not in options.minimize]:
        raise InputError(
            f"logarithmic: found {unknown[0]}, expected of those to minimize: {', '.join(options.minimize)}"
        )
    objectives = [Objective(column, logarithmic=column in options.logarithmic) for column in options.minimize]
    if len(dict(options.reference_point)) < len(options.reference_point):
        raise InputError("reference point: found a column twice, expected each once")
    objectives += [Objective(column, maximize=True) for column in options.maximize]
    columns = [one.column for one in objectives]
    words = [name for name in (options.name, *(options.by or [])) if name]
    frame, said = tables.read(options.table, columns, options.kinds, words)
    for sentence in said:
        print(sentence)
    name = tables.name_column(frame, options.name)
    frame = tables.with_quality(frame, options.maximize, name)
    found = []
    for label, part in tables.worth_a_look(tables.parts(frame, options.by), columns):
        front = find_front(
            part,
            objectives,
            name=name,
            missing=options.missing,
            reference_point=dict(options.reference_point) or None,
            draws=options.draws,
            seed=options.seed,
        )
        kinds = ", ".join(part["energy_kind"].dropna().unique()) if "energy_kind" in part else ""
        print("\n".join(front.in_words(" ".join(filter(None, [label, kinds and f"(energy {kinds})"])))))
        found.append(front.table.assign(part=label, energy_kind=kinds or None))
    if options.output:
        measurements.write(pd.concat(found, ignore_index=True), options.output)
        print(options.output)


def corner(text: str) -> tuple[str, float]:
    """The type of an option of the form column=value."""
    column, _, value = text.partition("=")
    try:
        return column, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text}, expected column=number") from None


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("table", type=Path, help="one row per model and repeat, CSV or parquet")
    parser.add_argument("--minimize", nargs="+", default=[], help="columns of which less is better")
    parser.add_argument("--maximize", nargs="+", default=[], help="columns of which more is better")
    parser.add_argument("--name", help="column with the name of the model")
    parser.add_argument("--by", nargs="+", help="a front for each value of these columns; none for a single one")
    parser.add_argument("--missing", choices=["refuse", "leave-out"], default="refuse", help="models without a value")
    parser.add_argument("--logarithmic", nargs="+", default=[], help="costs whose decades the hypervolume counts")
    parser.add_argument(
        "--reference-point", nargs="+", type=corner, default=[], help="of the hypervolume: column=value for each"
    )
    parser.add_argument("--kinds", nargs="+", help="kinds of energy to use: measured, estimated, simulated")
    parser.add_argument("--draws", type=at_least(1), default=1000, help="of the bootstrap over repeats")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the bootstrap")
    parser.add_argument("--output", type=Path, help="write the fronts to this file, CSV or parquet")
    run(main, parser)
