"""Count what one architecture takes: parameters, FLOPs forward and backward, bytes. On the CPU, in seconds.

    python scripts/count_compute.py --config config/demo.yaml --architecture mlp-1x64 --output mlp-1x64.json

Needs no data and no GPU.
"""

import argparse
import difflib
from pathlib import Path

from isojoule import configuration
from isojoule.cells import architectures
from isojoule.errors import InputError
from isojoule.files import write_text
from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Count the architecture, write its record, say the result in one line."""
    study = configuration.load(options.config)
    named = architectures(study)
    if options.architecture not in named:
        close = difflib.get_close_matches(options.architecture, named) or list(named)[:5]
        raise InputError(
            f"--architecture: found {options.architecture}, expected one that {options.config} names, "
            f"such as {', '.join(close)}"
        )
    from isojoule.compute import count

    record = count(study, named[options.architecture])
    write_text(options.output, record.model_dump_json(indent=2) + "\n")
    ratio = record.backward_flops / record.forward_flops if record.forward_flops else float("nan")
    print(
        f"{record.architecture}: {record.parameters:,} parameters, {record.forward_flops:.4g} forward FLOPs, "
        f"backward/forward {ratio:.2f}, {record.duration_s:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help="configuration of the study")
    parser.add_argument("--architecture", required=True, help="name of an architecture, such as mlp-4x1024")
    parser.add_argument("--output", type=Path, required=True, help="the record, a JSON file")
    run(main, parser)
