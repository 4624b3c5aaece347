"""Write the report of a study: one HTML page that needs no network.

    isojoule report results/demo/measurements.parquet --results results/demo \\
        --tables results/demo/pareto/*.csv results/demo/normalization/*.csv \\
        --figures results/demo/figures/*.svg --output report.html

Any table of measurements will do. A table is known by its path below the
folder of results, such as pareto/fronts.csv. The page leaves out a section
whose table is not given. With the configuration it says whether the data of
the study is made up.
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
    arguments.config(parser, required=False)
    parser.add_argument(
        "--compared-with",
        metavar="OTHER",
        type=Path,
        help="table of measurements of another study, or of an earlier state of this one, to hold this one against",
    )
    parser.add_argument("--url", help="address that the page will have, for the picture where it is shared")
    arguments.output(parser, "the page, an HTML file")


def run(options: argparse.Namespace) -> None:
    """Read, render, write."""
    from isojoule import seals
    from isojoule.files import write_text
    from isojoule.records import ExtractionRecord, read_record
    from isojoule.report import sharing
    from isojoule.report.page import Surroundings, render
    from isojoule.study import reading
    from isojoule.tables import measurements

    frame, doubts = measurements.read_told(options.table)
    extraction = options.extraction and read_record(options.extraction, ExtractionRecord)
    tables = arguments.tables_by_path(options)
    for figure in options.figures:
        if figure.is_file():
            seals.check(figure)
    before = None
    if options.compared_with:
        other, doubts_of_other = measurements.read_told(options.compared_with)
        before = options.compared_with, other
        doubts = [*doubts, *(f"{options.compared_with}: {doubt}" for doubt in doubts_of_other)]
    surroundings = Surroundings(
        reading.data_source(reading.load(options.config)) if options.config else None,
        before,
        sharing.picture(options.figures, options.output, options.url),
        options.url,
    )
    write_text(options.output, render((options.table, frame), tables, options.figures, extraction, surroundings))
    for doubt in doubts:
        print(f"warning: {doubt}")
    print(options.output)
