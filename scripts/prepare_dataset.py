"""Find and check the clips and labels of a study; make them first where the source is synthetic.

    python scripts/prepare_dataset.py --config config/demo.yaml --output results/demo/dataset

Writes manifest.tsv (one row a clip) and left_out.tsv (what was left out, and why).
"""

import argparse
from pathlib import Path

from isojoule.alone import Device
from isojoule.programs import CONFIG_HELP, command_line, run_computing


def main(options: argparse.Namespace, _: Device) -> None:
    """Prepare, then count the clips in one line."""
    from isojoule import configuration
    from isojoule.heartbeat import heartbeat
    from isojoule.workloads import tagging
    from isojoule.workloads.tagging.dataset import prepare

    study = configuration.load(options.config)
    with heartbeat(lambda: "making or checking clips"):
        clips = prepare(study["dataset"], study["mel"], tagging.classes(study), options.output)
    train, test = (sum(clip.is_in(split) for clip in clips) for split in ("train", "test"))
    print(f"{options.output}: {len(clips)} clips, {train} to train on, {test} to test on", flush=True)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--output", type=Path, required=True, help="folder of the manifest")
    run_computing(main, parser)
