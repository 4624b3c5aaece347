"""Measure the test of one cell: one pass of inference inside one window of the energy meter, write one record.

    python scripts/test.py --config config/demo.yaml --gpu cpu-1thread --architecture mlp-1x64 --repeat 0 \\
        --features results/demo/features --checkpoint weights.safetensors --output test-0.json

Needs the features of the study (scripts/extract_features.py). Without --checkpoint the weights are the initial ones,
and the record holds no quality.
"""

import argparse

from isojoule.alone import Device
from isojoule.programs import command_line, run_computing, with_cell


def main(options: argparse.Namespace, machine: Device) -> None:
    """Measure the cell that the options name."""
    from isojoule.cell_program import measure_cell

    measure_cell("test", options, machine)


if __name__ == "__main__":
    run_computing(main, with_cell(command_line(__doc__)))
