"""Count the parameters, FLOPs and bytes of one architecture.

    isojoule count-compute --config config/demo.yaml --architecture mlp-1x64 \\
        --output mlp-1x64.json

The FLOPs of the forward pass and of the backward pass are counted on the CPU
in seconds. The command needs no data and no GPU.
"""

import argparse

from isojoule.cli import arguments
from isojoule.cli.arguments import one_of
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    parser.add_argument("--architecture", required=True, help="name of an architecture of the study, such as mlp-1x64")
    arguments.output(parser, "the record, a JSON file")


def run(options: argparse.Namespace, _: Device) -> None:
    """Count the architecture, write its record, say the result in one line."""
    from isojoule.compute.counting import count
    from isojoule.progress import heartbeat
    from isojoule.records.writing import write_record
    from isojoule.study import reading
    from isojoule.study.cells import architectures

    study = reading.load(options.config)
    architectures_by_name = architectures(study)
    architecture = architectures_by_name[one_of(list(architectures_by_name), "--architecture", options.architecture)]
    with heartbeat(lambda: f"counting {architecture.name}"):
        record = count(study, architecture)
    write_record(options.output, record)
    ratio = record.backward_flops / record.forward_flops if record.forward_flops else float("nan")
    print(
        f"{record.architecture}: {record.parameters:,} parameters, {record.forward_flops:.4g} forward FLOPs, "
        f"backward/forward {ratio:.2f}, {record.duration_s:.1f} s",
        flush=True,
    )
