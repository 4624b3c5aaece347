"""Write what a model card says of the energy and emissions of one architecture.

    python scripts/model_card.py results/demo/measurements.parquet --architecture mlp-1x64 --gpu cpu-1thread \\
        --normalize-to cpu-2threads

Prints the metadata co2_eq_emissions as Hugging Face wants it, in YAML and grams, and sentences on training and test.
"""

import argparse
from pathlib import Path

from isojoule.programs import above_zero, command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, word, print."""
    from isojoule import measurements, model_card
    from isojoule.files import write_text

    frame, notes = measurements.read_unmixed(options.measurements, options.kinds)
    cell = (options.architecture, options.gpu)
    card = model_card.emissions(frame, *cell, options.training_type, options.location, options.kg_per_kwh)
    tested = (frame["architecture"] == cell[0]) & (frame["gpu"] == cell[1]) & (frame["phase"] == "test")
    phases = ["train", "test"] if (frame.loc[tested, "outcome"] == "ok").any() else ["train"]
    words = [model_card.sentence(frame, *cell, phase, options.normalize_to) for phase in phases]
    text = "---\n" + card + "---\n\n" + "\n".join(words) + "\n"
    for note in notes:
        print(note)
    print(text, end="")
    if options.output:
        write_text(options.output, text)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument("--architecture", required=True, help="of the table")
    parser.add_argument("--gpu", required=True, help="of the table, that it was measured on")
    parser.add_argument("--normalize-to", help="another GPU of the table")
    parser.add_argument("--training-type", choices=["pre-training", "fine-tuning"], default="pre-training")
    parser.add_argument("--location", help="where it was trained; by default the country of CodeCarbon's estimate")
    parser.add_argument("--kg-per-kwh", type=above_zero, help="emission factor in place of CodeCarbon's estimate")
    parser.add_argument("--kinds", nargs="+", help="kinds of energy to use: measured, estimated, simulated")
    parser.add_argument("--output", type=Path, help="write it to this file as well")
    run(main, parser)
