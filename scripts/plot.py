"""Draw one figure.

    python scripts/plot.py energy-quality results/demo/measurements.parquet --output quality.svg quality.png
    python scripts/plot.py normalization-references results/demo/normalization/errors.parquet --output references.png

From a table of measurements: energy-platforms, energy-quality, energy-computation-test, energy-computation-train,
power-computation, energy-utilization, energy-explained, normalization-points, normalization-curves,
normalization-plane. From the errors of evaluate_normalization.py: normalization-sampling, normalization-regression,
normalization-features, normalization-references. From the fronts of compare_fronts.py: pareto-energy,
pareto-normalized, pareto-costs, pareto-stability. From what estimate_training.py and find_front.py make of
reference/published: published-training, published-waveflow.

A figure is as wide as a column or the text of a paper, its fonts embedded: PDF and SVG are ready for print.
"""

import argparse
from pathlib import Path

from isojoule.errors import InputError
from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read and draw."""
    from isojoule import configuration, figures, measurements
    from isojoule.figures import drawing

    if options.figure not in figures.FIGURES:
        raise InputError(f"figure: found {options.figure}, expected one of {', '.join(figures.FIGURES)}")
    drawn = figures.load(options.figure)
    read = getattr(drawn, "READ", measurements.read)
    settings = configuration.load(options.config)["figures"] if options.config else {}
    drawing.save(drawn.draw, read(options.table), options.output, settings.get("texts"), settings.get("text_mm"))
    print(" ".join(map(str, options.output)))


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("figure", help="name of the figure")
    parser.add_argument("table", type=Path, help="what it is drawn from, parquet or CSV")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="files: .svg, .png or .pdf")
    parser.add_argument("--config", type=Path, help="configuration whose figures.texts and figures.text_mm apply")
    run(main, parser)
