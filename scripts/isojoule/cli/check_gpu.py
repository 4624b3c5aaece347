"""Find out how far the energies of my board can be trusted.

    isojoule check-gpu --output certificate.json --figure certificate.png

The command lets the board work and rest for about two minutes, and finds out
how often its energy counter and its power are updated, how late they are, over
which time they are averaged, whether the sensor looks all of the time, how
straight windows of several lengths are and how well they repeat. It says each
in a sentence, such as from which length on a window is off by less than 1 %.
Every GPU that PyTorch sees is tried; without any, the CPU is. A study makes a
short certificate of its own at the start of each job.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from isojoule.cli import arguments
from isojoule.errors import InputError
from isojoule.measuring.device_lock import Device

if TYPE_CHECKING:
    from isojoule.records.certificate import Certificate

COMPUTES = True
DRAWN = (".svg", ".png", ".pdf")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--short", action="store_true", help="half a minute instead of two, as a study does it")
    arguments.output(parser, "JSON file to write the certificate to", required=False)
    parser.add_argument("--figure", type=Path, help="figure of what was found, .svg, .png or .pdf")


def run(options: argparse.Namespace, machine: Device) -> None:
    """Try each device, tell what was found, write."""
    from isojoule.files import check_writable
    from isojoule.measuring import certification
    from isojoule.records.writing import write_record

    # two minutes of work must not end in a path that cannot be written
    for path in filter(None, (options.output, options.figure)):
        check_writable(path.parent)
    if options.figure and options.figure.suffix not in DRAWN:
        raise InputError(f"--figure: found {options.figure}, expected a name that ends in {', '.join(DRAWN)}")
    certificates = certification.of_machine(machine, "short" if options.short else "full", print)
    for number, certificate in enumerate(certificates):
        gpu = certificate.hardware.gpu
        print(f"{gpu.name if gpu else certificate.hardware.cpu} ({certificate.kind}, {certificate.source}):")
        print("\n".join(f"  {sentence}" for sentence in certificate.findings), flush=True)
        if options.output:
            path = numbered(options.output, number, len(certificates))
            write_record(path, certificate)
            print(path)
        if options.figure:
            path = numbered(options.figure, number, len(certificates))
            drawn(certificate, path)
            print(path)


def numbered(path: Path, number: int, count: int) -> Path:
    """Return the path for one of several devices."""
    return path if count == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def drawn(certificate: "Certificate", path: Path) -> None:
    """Draw the figure of a certificate into a file, which says so where nothing could be seen."""
    import pandas as pd

    from isojoule.figures.shared import certificate as figure
    from isojoule.figures.shared.drawing import save

    save(lambda _: figure.draw(certificate), pd.DataFrame(), [path], allow_empty=True)
