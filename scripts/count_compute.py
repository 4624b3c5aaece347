"""Count what one architecture takes: parameters, FLOPs forward and backward, bytes. On the CPU, in seconds.

    python scripts/count_compute.py --config config/demo.yaml --architecture mlp-1x64 --output mlp-1x64.json

Needs no data and no GPU.
"""

import argparse
from pathlib import Path

from isojoule.alone import Device
from isojoule.programs import CONFIG_HELP, command_line, known, run_computing


def main(options: argparse.Namespace, _: Device) -> None:
    """Count the architecture, write its record, say the result in one line."""
    from isojoule import configuration
    from isojoule.cells import architectures
    from isojoule.compute import count
    from isojoule.files import write_text
    from isojoule.heartbeat import heartbeat

    study = configuration.load(options.config)
    named = architectures(study)
    architecture = named[known("--architecture", options.architecture, list(named))]
    with heartbeat(lambda: f"counting {architecture.name}"):
        record = count(study, architecture)
    write_text(options.output, record.model_dump_json(indent=2) + "\n")
    ratio = record.backward_flops / record.forward_flops if record.forward_flops else float("nan")
    print(
        f"{record.architecture}: {record.parameters:,} parameters, {record.forward_flops:.4g} forward FLOPs, "
        f"backward/forward {ratio:.2f}, {record.duration_s:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--architecture", required=True, help="name of an architecture, such as mlp-4x1024")
    parser.add_argument("--output", type=Path, required=True, help="the record, a JSON file")
    run_computing(main, parser)
