"""Estimate what my own system would use on a GPU of a study.

    grep -E "^study|,cpu-2threads,.*,train,0," results/demo/measurements.csv > references.csv
    isojoule normalize results/demo/measurements.parquet --target cpu-1thread \\
        --phase train --references references.csv --energy-kwh 2.1e-6

The references are architectures of the study, measured on my GPU: a table with
the columns architecture, energy_kwh and, if it is known for all, duration_s.
My GPU need not be in the study; in this example it is cpu-2threads. With
--quality and --reference the command adds the energy-weighted score of DCASE
task 4.
"""

import argparse
import json
from pathlib import Path

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser, "the study's table of measurements, parquet or CSV")
    arguments.target(parser, "GPU of the study to normalize to", required=True)
    arguments.phase(parser)
    parser.add_argument(
        "--references", type=Path, required=True, help="reference systems as measured on my GPU, CSV or parquet"
    )
    parser.add_argument("--energy-kwh", type=above_zero, required=True, help="energy of my system on my GPU, in kWh")
    parser.add_argument("--duration-s", type=above_zero, help="duration of the same run, in seconds")
    parser.add_argument(
        "--flops", type=above_zero, help="forward FLOPs of my system for one example, counted as flops in the study"
    )
    parser.add_argument("--params", type=above_zero, help="number of parameters of my system")
    parser.add_argument(
        "--quality", type=float, help="quality of my system, for the energy-weighted score; more is better"
    )
    parser.add_argument("--reference", help="system that the score is relative to, one of the references")
    arguments.kinds(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of sentences")
    arguments.output(parser, "JSON file to write it to as well", required=False)


def run(options: argparse.Namespace) -> None:
    """Read, normalize, print."""
    from isojoule.files import write_text
    from isojoule.normalization.user_references import read_references
    from isojoule.normalization.user_score import scores_on_both_gpus
    from isojoule.normalization.user_system import System, normalize
    from isojoule.normalization.user_words import in_words
    from isojoule.tables import measurements

    frame, sentences = measurements.read_unmixed(options.table, options.kinds)
    references = read_references(options.references, options.phase)
    system = System(options.energy_kwh, options.duration_s, options.flops, options.params)
    normalized = normalize(frame, options.target, options.phase, references, system)
    record = normalized.record()
    record["warnings"] = [*sentences, *normalized.warnings]
    if options.quality is not None or options.reference is not None:
        record |= scores_on_both_gpus(frame, normalized, references, system, options.quality, options.reference)
    if options.output:
        write_text(options.output, json.dumps(record, indent=2) + "\n")
    if options.json:
        print(json.dumps(record, indent=2))
    else:
        print("\n".join(in_words(record)))
