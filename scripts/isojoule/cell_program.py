"""What train.py and test.py share: from the options to a measured cell and its record."""

import argparse

from isojoule import configuration as configurations
from isojoule.alone import Device
from isojoule.cells import Cell, architectures
from isojoule.configuration import Configuration
from isojoule.errors import InputError
from isojoule.files import write_text
from isojoule.measurement import measure
from isojoule.programs import known
from isojoule.records.measurement import MeasurementRecord


def measure_cell(phase: str, options: argparse.Namespace, machine: Device) -> None:
    """Measure the cell that the options name, write its record, say the result in one line."""
    configuration = configurations.load(options.config)
    cell = _named_cell(configuration, phase, options)
    record = measure(configuration, cell, options.features, options.checkpoint, machine, options.attempt)
    write_text(options.output, record.model_dump_json(indent=2) + "\n")
    print(f"{cell}: {_result(record)}", flush=True)


def _named_cell(configuration: Configuration, phase: str, options: argparse.Namespace) -> Cell:
    if options.repeat < 0:
        raise InputError(f"--repeat: found {options.repeat}, expected 0 or more")
    return Cell(
        known("--gpu", options.gpu, list(configuration["gpus"])),
        known("--architecture", options.architecture, list(architectures(configuration))),
        known("phases", phase, list(configuration["phases"])),
        options.repeat,
    )


def _result(record: MeasurementRecord) -> str:
    if record.energy is None:
        return f"{record.outcome} ({record.message})"
    reading = record.energy.computing
    quality = "".join(f", {name} {value:.3f}" for name, value in record.quality.items())
    return f"{record.energy.duration_s:.2f} s, {reading.energy_kwh:.3g} kWh {reading.kind}{quality}"
