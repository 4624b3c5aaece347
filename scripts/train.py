"""Measure the training of one cell: train once inside one window of the energy meter, write one record.

    python scripts/train.py --config config/demo.yaml --gpu cpu-1thread --architecture mlp-1x64 --repeat 0 \\
        --features results/demo/features --checkpoint weights.safetensors --output train-0.json

Needs the features of the study (scripts/extract_features.py). The checkpoint is for scripts/test.py.
"""

from isojoule.cell_program import cell_options, measure_cell
from isojoule.programs import command_line, run

if __name__ == "__main__":
    parser = cell_options(command_line(__doc__))
    run(lambda options: measure_cell("train", options), parser)
