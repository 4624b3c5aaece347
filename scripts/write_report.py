"""Write the study's report: one HTML page that needs no network.

    python scripts/write_report.py results/demo/measurements.parquet --results results/demo \\
        --tables results/demo/pareto/*.csv results/demo/normalization/*.csv \\
        --figures results/demo/figures/*.svg --output report.html

Any table of measurements will do. Tables are known by their path below the folder of results, such as
pareto/fronts.csv; a section whose table is not given is left out.
"""

import argparse
from pathlib import Path

from isojoule.errors import InputError
from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, render, write."""
    from isojoule import measurements
    from isojoule.files import write_text
    from isojoule.records import ExtractionRecord, read_record
    from isojoule.report import render

    frame = measurements.read(options.measurements)
    extraction = options.extraction and read_record(options.extraction, ExtractionRecord)
    tables = {}
    for path in options.tables:
        if not path.is_file() or not path.is_relative_to(options.results):
            raise InputError(f"tables: found {path}, expected a file below {options.results}")
        tables[path.relative_to(options.results).as_posix()] = path
    write_text(options.output, render((options.measurements, frame), tables, options.figures, extraction))
    print(options.output)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument("--results", type=Path, default=Path(), help="folder that tables are known below")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="what the analysis wrote, CSV or parquet")
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="figures, SVG files, in their order")
    parser.add_argument("--extraction", type=Path, help="record of the extraction of features")
    parser.add_argument("--output", type=Path, required=True, help="the page, an HTML file")
    run(main, parser)
