"""Find and check the clips of a study; make them first where the source is synthetic.

    python scripts/prepare_dataset.py --config config/demo.yaml --output results/demo/dataset

Writes manifest.tsv (one row a clip); where labels or files may be wrong, left_out.tsv (which, and why) as well.
"""

import argparse
from pathlib import Path

from isojoule.alone import Device
from isojoule.programs import CONFIG_HELP, command_line, run_computing


def main(options: argparse.Namespace, _: Device) -> None:
    """Prepare, then count the clips in one line."""
    from isojoule import configuration, workloads
    from isojoule.heartbeat import heartbeat

    study = configuration.load(options.config)
    with heartbeat(lambda: "making or checking clips"):
        found = workloads.part(study["workload"], "dataset").prepare_study(study, options.output)
    print(f"{options.output}: {found}", flush=True)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--output", type=Path, required=True, help="folder of the manifest")
    run_computing(main, parser)
