"""Score models by quality per energy, relative to a reference model.

    isojoule score results/demo/measurements.parquet --minimize energy_kwh \\
        --maximize macro_f1 --reference mlp-1x64 --output scores.csv

The score of a model is quality x E_reference / E_model, as in DCASE task 4,
with the means over the repeats. Both energies are of the same GPU and phase:
where the table has the columns gpu and phase, each of them is scored apart.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser, "one row per model and repeat, CSV or parquet")
    parser.add_argument("--minimize", required=True, help="column of energy, or of another cost")
    parser.add_argument("--maximize", required=True, help="column of quality")
    parser.add_argument("--reference", required=True, help="name of the reference model")
    arguments.name(parser)
    parser.add_argument(
        "--by", nargs="+", help="columns whose values are scored apart, or none for all together (default: gpu phase)"
    )
    arguments.kinds(parser)
    arguments.output(parser, "write the scores to this file, CSV or parquet", required=False)


def run(options: argparse.Namespace) -> None:
    """Read, score, print, write."""
    import pandas as pd

    from isojoule.pareto import scores
    from isojoule.tables import models
    from isojoule.tables.writing import write_table

    goals = [options.minimize, options.maximize]
    frame, name, said = models.read(options.table, goals, options.kinds, options.name, options.by, goals[:1])
    for sentence in said:
        print(sentence)
    frame = models.with_quality(frame, [options.maximize], name)
    tables = []
    for label, part in models.worth_a_look(models.parts(frame, options.by), goals):
        table, left_out = scores.score_models(part, options.minimize, options.maximize, options.reference, name, label)
        fewer = [f"  {sentence}" for sentence in models.incomplete(part, goals, name)]
        print("\n".join([*scores.in_words(table, left_out, name, label), *fewer]))
        tables.append(table.assign(part=label))
    if options.output:
        write_table(pd.concat(tables, ignore_index=True), options.output)
        print(options.output)
