"""Score the models of any table by quality per energy, relative to a reference model (DCASE task 4).

    python scripts/score.py results/demo/measurements.parquet --minimize energy_kwh --maximize macro_f1 \\
        --reference mlp-1x64 --output scores.csv

Score = quality x E_reference / E_model, both on the same GPU: energies of different GPUs are scored apart, by the
table's columns gpu and phase. One row per model and repeat; means over repeats are scored.
"""

import argparse
from pathlib import Path

from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, score, print, write."""
    import pandas as pd

    from isojoule import measurements
    from isojoule.pareto import scores, tables

    words = [name for name in (options.name, *(options.by or [])) if name]
    frame, said = tables.read(options.table, [options.minimize, options.maximize], options.kinds, words)
    for sentence in said:
        print(sentence)
    name = tables.name_column(frame, options.name)
    frame = tables.with_quality(frame, [options.maximize], name)
    found = []
    goals = [options.minimize, options.maximize]
    for label, part in tables.worth_a_look(tables.parts(frame, options.by), goals):
        table, left_out = scores.scored(part, options.minimize, options.maximize, options.reference, name, label)
        print("\n".join(scores.in_words(table, left_out, name, label)))
        found.append(table.assign(part=label))
    if options.output:
        measurements.write(pd.concat(found, ignore_index=True), options.output)
        print(options.output)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("table", type=Path, help="one row per model and repeat, CSV or parquet")
    parser.add_argument("--minimize", required=True, help="the column of energy, or of another cost")
    parser.add_argument("--maximize", required=True, help="the column of quality")
    parser.add_argument("--reference", required=True, help="name of the reference model")
    parser.add_argument("--name", help="column with the name of the model")
    parser.add_argument("--by", nargs="+", help="scores for each value of these columns; none for all together")
    parser.add_argument("--kinds", nargs="+", help="kinds of energy to use: measured, estimated, simulated")
    parser.add_argument("--output", type=Path, help="write the scores to this file, CSV or parquet")
    run(main, parser)
