"""Draw one figure from a table of measurements.

    python scripts/plot.py energy-flops results/demo/measurements.parquet --output energy-flops.svg energy-flops.png

Figures: energy-flops, energy-parameters, energy-platforms, energy-quality.
"""

import argparse
from pathlib import Path

from isojoule.errors import InputError
from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read and draw."""
    from isojoule import figures, measurements
    from isojoule.figures import drawing

    if options.figure not in figures.FIGURES:
        raise InputError(f"figure: found {options.figure}, expected one of {', '.join(figures.FIGURES)}")
    drawing.save(figures.load(options.figure).draw, measurements.read(options.measurements), options.output)
    print(" ".join(map(str, options.output)))


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("figure", help="name of the figure")
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="files: .svg, .png or .pdf")
    run(main, parser)
