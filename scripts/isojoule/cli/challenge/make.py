"""Make the kit of a challenge from a study: one file for the participants.

    isojoule challenge make results/demo/measurements.parquet \\
        --config config/demo.yaml --target cpu-1thread --phase train \\
        --architecture mlp-1x64 cnn-2x2 rnn-1x64 --quality f1 --output kit.zip

The kit has the references as a configuration of code that comes with isojoule,
the number of clips to make up, the energies on the target, versions and a
checksum. Participants need neither the study's data nor a clone of it. Without
names, --count references are chosen by the energies of the study's GPUs.
"""

import argparse

from isojoule.cli import arguments
from isojoule.cli.arguments import at_least
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser, "the study's table of measurements, parquet or CSV")
    arguments.config(parser)
    arguments.target(parser, "GPU of the study that all energies are normalized to", required=True)
    arguments.phase(parser)
    parser.add_argument(
        "--architecture", nargs="+", metavar="NAME", help="the references; scores are relative to the first"
    )
    parser.add_argument("--count", type=at_least(2), default=5, help="references to choose (default: 5)")
    parser.add_argument("--quality", required=True, help="name of the quality that systems are ranked by")
    parser.add_argument("--repeats", type=at_least(1), default=2, help="runs per reference (default: 2)")
    arguments.kinds(parser)
    arguments.output(parser, "the kit, a .zip file")


def run(options: argparse.Namespace, _machine: Device) -> None:
    """Read the study, choose, write the kit, say what is in it."""
    from isojoule.challenge import kit as kits
    from isojoule.study import reading
    from isojoule.tables import measurements

    frame, sentences = measurements.read_unmixed(options.table, options.kinds)
    configuration = reading.load(options.config)
    references = options.architecture or options.count
    kit, study = kits.make(
        configuration, frame, options.target, options.phase, references, options.quality, options.repeats
    )
    kits.write(options.output, kit, study)
    print("\n".join(f"warning: {sentence}" for sentence in sentences), end="\n" if sentences else "")
    print(f"{options.output}: {len(kit.references_kwh)} references on {kit.target}: {', '.join(kit.references_kwh)}")
