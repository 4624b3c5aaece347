"""Draw one figure.

    isojoule plot energy-quality results/demo/measurements.parquet \\
        --output quality.svg quality.png
    isojoule plot normalization-references \\
        results/demo/normalization/errors.parquet --output references.png

From a table of measurements: energy-platforms, energy-quality,
energy-computation-test, energy-computation-train, power-computation,
energy-utilization, energy-explained, normalization-points,
normalization-curves, normalization-plane.
From the errors that `isojoule evaluate-normalization` writes:
normalization-sampling, normalization-regression, normalization-features,
normalization-references.
From the fronts that `isojoule compare-fronts` writes: pareto-energy,
pareto-normalized, pareto-costs, pareto-stability.
From the tables that `isojoule literature` writes: published-training,
published-waveflow.
From the errors that `isojoule compare-normalization` writes:
normalization-tables.

A figure is as wide as a column or the text of a paper, and its fonts are
embedded: PDF and SVG are ready for print.
"""

import argparse
from pathlib import Path

from isojoule.cli import arguments
from isojoule.errors import InputError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("figure", help="name of the figure")
    arguments.table(parser, "table that the figure is drawn from, parquet or CSV")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="files to draw to, .svg, .png or .pdf")
    arguments.config(parser, required=False)


def run(options: argparse.Namespace) -> None:
    """Read and draw."""
    from isojoule import seals
    from isojoule.figures import captions
    from isojoule.figures.shared import drawing
    from isojoule.study import reading
    from isojoule.tables import measurements

    if options.figure not in captions.FIGURES:
        raise InputError(f"figure: found {options.figure}, expected one of {', '.join(captions.FIGURES)}")
    drawn = captions.load(options.figure)
    figures = reading.load(options.config).figures if options.config else None
    texts, text_mm = (figures.texts, figures.text_mm) if figures else (None, None)
    read = getattr(drawn, "READ", None)
    table, doubts = (read(options.table), []) if read else measurements.read_told(options.table)
    for doubt in doubts:
        print(f"warning: {doubt}")
    drawing.save(drawn.draw, table, options.output, texts, text_mm)
    for output in options.output:
        if output.suffix == ".svg":
            # the report shows it
            seals.seal(output, "isojoule plot")
    print(" ".join(map(str, options.output)))
