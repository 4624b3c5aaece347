"""Rank the systems of a challenge by quality per energy, with intervals.

    isojoule challenge rank submissions --kit kit.zip --output ranking.csv
    isojoule challenge rank systems.csv --rule dcase-2023 --output ranking.csv

With the organizers' kit, the systems of a folder of submissions are normalized
to the target, and ranked with 90 % intervals. Who is not ranked is named with the
reason, and what is doubtful is said. --page writes one HTML page, also of a rule.

With --rule, a table of systems with the energies that their teams reported is
ranked by a published rule, and beside each rank stands what the rounding of the
inputs, the intervals of the qualities and the single reference leave open.
--columns is a YAML file that says which columns of the table are which.
"""

import argparse
import sys
from pathlib import Path

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero
from isojoule.errors import InputError

RULES = ("dcase-2023",)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("submissions", type=Path, help="folder of submissions, or with --rule a table of systems")
    parser.add_argument("--kit", type=Path, help="the organizers' kit, a .zip file")
    parser.add_argument("--page", type=Path, help="write one HTML page to this file")
    parser.add_argument("--rule", choices=RULES, help="published rule")
    parser.add_argument("--columns", type=Path, help="YAML file: which column is which (default: those of DCASE 2023)")
    parser.add_argument(
        "--reference-error-percent",
        type=above_zero,
        default=30.0,
        help="median error of normalizing by one reference (default: 30)",
    )
    arguments.draws(parser, 1000, "draws of what is open")
    arguments.seed(parser, "of the draws")
    arguments.output(parser, "write the ranking to this file, CSV or parquet", required=False)


def run(options: argparse.Namespace) -> None:
    """Read, rank, print, write."""
    from isojoule.files import write_text
    from isojoule.tables.writing import write_table

    if (options.kit is None) == (options.rule is None):
        found = "neither --kit nor" if options.kit is None else "--kit and"
        raise InputError(f"found {found} --rule, expected one of them")
    if options.kit and options.columns:
        raise InputError("--columns: found it with --kit, expected it with --rule alone")
    if options.rule:
        from isojoule.challenge import page, rules

        mapping = rules.read_mapping(options.columns)
        table, sentences = rules.rank(
            options.submissions, mapping, options.reference_error_percent, options.draws, options.seed
        )
        text = page.render_rule(options.rule, table, sentences) if options.page else ""
    else:
        from isojoule.challenge import kit as kits
        from isojoule.challenge import page, ranking
        from isojoule.challenge.judging import judge_all

        kit, study = kits.read(options.kit)
        judged = judge_all(options.submissions, kit)
        table = ranking.rank(kit, study, judged, options.draws, options.seed, told)
        sentences = ranking.in_words(table)
        text = page.render(kit, table, sentences) if options.page else ""
    if options.page:
        write_text(options.page, text)
        sentences.append(str(options.page))
    print("\n".join(sentences))
    if options.output:
        write_table(table, options.output)
        print(options.output)


def told(number: int, count: int) -> None:
    """Say now and then how many submissions are done."""
    if number % 50 == 0:
        print(f"{number} of {count} submissions", file=sys.stderr, flush=True)
