"""Write the report of a study: one HTML page that needs no network.

    isojoule report results/demo/measurements.parquet --results results/demo \\
        --tables results/demo/pareto/*.csv results/demo/normalization/*.csv \\
        --figures results/demo/figures/*.svg --output report.html

Any table of measurements will do. A table is known by its path below the
folder of results, such as pareto/fronts.csv. The page leaves out a section
whose table is not given.
"""

import argparse
from pathlib import Path

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    arguments.tables_of_study(parser)
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="figures in their order, SVG files")
    parser.add_argument("--extraction", type=Path, help="record of the extraction of features, a JSON file")
    arguments.output(parser, "the page, an HTML file")


def run(options: argparse.Namespace) -> None:
    """Read, render, write."""
    from isojoule import seals
    from isojoule.files import write_text
    from isojoule.records import ExtractionRecord, read_record
    from isojoule.report.page import render
    from isojoule.tables import measurements

    frame, doubts = measurements.read_told(options.table)
    extraction = options.extraction and read_record(options.extraction, ExtractionRecord)
    tables = arguments.tables_by_path(options)
    for figure in options.figures:
        if figure.is_file():
            seals.check(figure)
    write_text(options.output, render((options.table, frame), tables, options.figures, extraction))
    for doubt in doubts:
        print(f"warning: {doubt}")
    print(options.output)
