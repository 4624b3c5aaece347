"""Find and check the clips of a study, or make them where they are synthetic.

    isojoule prepare-dataset --config config/demo.yaml \\
        --output results/demo/dataset

The command writes manifest.tsv with one row per clip. Where files or labels
may be wrong it also writes left_out.tsv, which names them and says why.
"""

import argparse

from isojoule.cli import arguments
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    arguments.output(parser, "folder of the manifest")


def run(options: argparse.Namespace, _: Device) -> None:
    """Prepare, then count the clips in one line."""
    from isojoule import seals
    from isojoule.measuring.extraction import PREPARES
    from isojoule.progress import heartbeat
    from isojoule.study import reading
    from isojoule.workloads import interface

    study = reading.load(options.config)
    with heartbeat(lambda: "making or checking clips"):
        summary = interface.part(study.workload, "dataset").prepare_study(study, options.output)
    seals.seal(options.output / "manifest.tsv", PREPARES)
    print(f"{options.output}: {summary}", flush=True)
