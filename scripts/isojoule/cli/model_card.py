"""Write what a model card says about the energy of one architecture.

    isojoule model-card results/demo/measurements.parquet \\
        --architecture mlp-1x64 --gpu cpu-1thread --target cpu-2threads

The command prints the metadata co2_eq_emissions as Hugging Face asks for it,
in YAML and grams, and sentences on training and test.
"""

import argparse

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    parser.add_argument("--architecture", required=True, help="architecture of the table")
    parser.add_argument("--gpu", required=True, help="GPU of the table that it was measured on")
    arguments.target(parser, "another GPU of the table to normalize the energies to")
    parser.add_argument(
        "--training-type",
        choices=["pre-training", "fine-tuning"],
        default="pre-training",
        help="what the training was (default: pre-training)",
    )
    parser.add_argument("--location", help="where it was trained (default: the country of CodeCarbon's estimate)")
    parser.add_argument(
        "--kg-per-kwh", type=above_zero, help="emission factor in kg CO2e per kWh (default: CodeCarbon's estimate)"
    )
    arguments.kinds(parser)
    arguments.output(parser, "text file to write it to as well", required=False)


def run(options: argparse.Namespace) -> None:
    """Read, word, print."""
    from isojoule.files import write_text
    from isojoule.report import model_card
    from isojoule.tables import measurements

    frame, notes = measurements.read_unmixed(options.table, options.kinds)
    cell = (options.architecture, options.gpu)
    card = model_card.emissions(frame, *cell, options.training_type, options.location, options.kg_per_kwh)
    tested = (frame["architecture"] == cell[0]) & (frame["gpu"] == cell[1]) & (frame["phase"] == "test")
    phases = ["train", "test"] if (frame.loc[tested, "outcome"] == "ok").any() else ["train"]
    words = [model_card.sentence(frame, *cell, phase, options.target) for phase in phases]
    text = "---\n" + card + "---\n\n" + "\n".join(words) + "\n"
    for note in notes:
        print(note)
    print(text, end="")
    if options.output:
        write_text(options.output, text)
