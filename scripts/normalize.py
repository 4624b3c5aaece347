"""Normalize my own system: what would it have used on a GPU of a study, from its energy on my GPU?

    python scripts/normalize.py results/demo/measurements.parquet --target cpu-1thread --phase train \\
        --references mine.csv --energy-kwh 2.1e-6 [--flops 3.3e7 --params 1.2e5 --duration-s 0.4]

mine.csv has the energies of the study's reference systems on my GPU: columns architecture, energy_kwh and, if known
for all, duration_s. My GPU need not be in the study. With --quality and --baseline, the energy-weighted score of DCASE
task 4.
"""

import argparse
import json
from pathlib import Path

from isojoule.programs import above_zero, command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, normalize, print."""
    from isojoule import measurements
    from isojoule.files import write_text
    from isojoule.normalization import own

    frame, sentences = measurements.read_unmixed(options.measurements, options.kinds)
    references = own.read_references(options.references, options.phase)
    system = own.System(options.energy_kwh, options.duration_s, options.flops, options.params)
    found = own.normalize(frame, options.target, options.phase, references, system)
    record = found.record()
    record["warnings"] = [*sentences, *found.warnings]
    if options.quality is not None or options.baseline is not None:
        record |= own.energy_weighted(frame, found, references, system, options.quality, options.baseline)
    if options.output:
        write_text(options.output, json.dumps(record, indent=2) + "\n")
    if options.json:
        print(json.dumps(record, indent=2))
    else:
        print("\n".join(own.in_words(record)))


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="the study's table of measurements, parquet or CSV")
    parser.add_argument("--target", required=True, help="GPU of the study to normalize to")
    parser.add_argument("--phase", required=True, choices=["train", "test"], help="of all energies here")
    parser.add_argument("--references", type=Path, required=True, help="reference systems on my GPU, CSV or parquet")
    parser.add_argument("--energy-kwh", type=above_zero, required=True, help="my system on my GPU")
    parser.add_argument("--duration-s", type=above_zero, help="of the same run")
    parser.add_argument(
        "--flops", type=above_zero, help="forward FLOPs of one example, counted as the study counts them"
    )
    parser.add_argument("--params", type=above_zero, help="parameters of my system")
    parser.add_argument("--quality", type=float, help="of my system, for the energy-weighted score; more is better")
    parser.add_argument("--baseline", help="the score's reference system, one of the references")
    parser.add_argument("--kinds", nargs="+", help="kinds of energy to use: measured, estimated, simulated")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--output", type=Path, help="write the JSON to this file as well")
    run(main, parser)
