"""Extract the features of all clips of a study once, and record the cost.

    isojoule extract-features --config config/demo.yaml \\
        --dataset results/demo/dataset --output results/demo/features --workers 2

The command reads the manifest that `isojoule prepare-dataset` wrote. It writes
the features, statistics.json and record.json.
"""

import argparse
import os
from pathlib import Path

from isojoule.cli import arguments
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    parser.add_argument("--dataset", type=Path, required=True, help="folder of the manifest")
    arguments.output(parser, "folder of the features")
    arguments.workers(parser, os.cpu_count() or 1, "threads that decode clips")


def run(options: argparse.Namespace, machine: Device) -> None:
    """Extract, then count the clips in one line."""
    from isojoule.measuring.extraction import extract_features
    from isojoule.readable import counted
    from isojoule.study import reading

    study = reading.load(options.config)
    record = extract_features(study, options.dataset, options.output, options.workers, machine)
    duration_s, speed = record.energy.duration_s, record.clips_per_s
    print(
        f"{options.output}: {counted(record.clips, 'clip')} in {duration_s:.1f} s, {speed:.0f} clips/s",
        flush=True,
    )
