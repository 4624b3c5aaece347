"""Write the study's report: one HTML page that needs no network.

python scripts/write_report.py --measurements results/demo/measurements.parquet \\
        --extraction results/demo/features/record.json --claims results/demo/compute-energy/claims.csv \\
        --figures results/demo/figures/*.svg --output report.html
"""

import argparse
from pathlib import Path

from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, render, write."""
    import pandas as pd

    from isojoule import measurements
    from isojoule.files import write_text
    from isojoule.records import ExtractionRecord, read_record
    from isojoule.report import render

    frame = measurements.read(options.measurements)
    extraction = read_record(options.extraction, ExtractionRecord)
    claims = pd.read_csv(options.claims)
    write_text(options.output, render(frame, extraction, claims, options.figures))
    print(options.output)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--measurements", type=Path, required=True, help="table of measurements, parquet or CSV")
    parser.add_argument("--extraction", type=Path, required=True, help="record of the extraction of features")
    parser.add_argument("--claims", type=Path, required=True, help="table of claims, of link_compute_energy.py")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="figures, SVG files")
    parser.add_argument("--output", type=Path, required=True, help="the page, an HTML file")
    run(main, parser)
