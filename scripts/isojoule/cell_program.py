"""The command line that train.py and test.py share."""

import argparse
import difflib
from pathlib import Path

from isojoule import configuration as configurations
from isojoule.cells import Cell, architectures
from isojoule.configuration import Configuration
from isojoule.errors import InputError
from isojoule.files import write_text
from isojoule.records.measurement import MeasurementRecord


def cell_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the options that name a cell and its files."""
    parser.add_argument("--config", type=Path, required=True, help="configuration of the study")
    parser.add_argument("--gpu", required=True, help="one of the configuration's gpus")
    parser.add_argument("--architecture", required=True, help="name of an architecture, such as mlp-4x1024")
    parser.add_argument("--repeat", type=int, default=0, help="which repeat; decides the seed (default: 0)")
    parser.add_argument("--features", type=Path, required=True, help="folder of the extracted features")
    parser.add_argument("--checkpoint", type=Path, help="weights, from training to test")
    parser.add_argument("--attempt", type=int, default=1, help="how many times this cell was begun (default: 1)")
    parser.add_argument("--output", type=Path, required=True, help="the record, a JSON file")
    return parser


def measure_cell(phase: str, options: argparse.Namespace) -> None:
    """Measure the cell that the options name, write its record, say the result in one line."""
    configuration = configurations.load(options.config)
    cell = _named_cell(configuration, phase, options)
    from isojoule.measurement import measure

    record = measure(configuration, cell, options.features, options.checkpoint, options.attempt)
    write_text(options.output, record.model_dump_json(indent=2) + "\n")
    print(f"{cell}: {_result(record)}", flush=True)


def _named_cell(configuration: Configuration, phase: str, options: argparse.Namespace) -> Cell:
    for option, found, known in (
        ("--gpu", options.gpu, list(configuration["gpus"])),
        ("--architecture", options.architecture, list(architectures(configuration))),
        ("phase", phase, list(configuration["phases"])),
    ):
        if found not in known:
            close = difflib.get_close_matches(found, known) or known[:5]
            raise InputError(f"{option}: found {found}, expected one of the configuration's, such as {', '.join(close)}")
    if options.repeat < 0:
        raise InputError(f"--repeat: found {options.repeat}, expected 0 or more")
    return Cell(options.gpu, options.architecture, phase, options.repeat)


def _result(record: MeasurementRecord) -> str:
    if record.energy is None:
        return f"{record.outcome} ({record.message})"
    reading = record.energy.computing
    quality = "".join(f", {name} {value:.3f}" for name, value in record.quality.items())
    return f"{record.energy.duration_s:.2f} s, {reading.energy_kwh:.3g} kWh {reading.kind}{quality}"
