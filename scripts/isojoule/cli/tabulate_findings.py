"""Say what a study found, in sentences made by rules from its tables.

    isojoule tabulate-findings results/demo/measurements.parquet \\
        --results results/demo --tables results/demo/pareto/fronts.csv \\
        --output results/demo/findings.csv

A row is one sentence, with the section of the report and the table that it comes
from. Of --tables, pareto/fronts.csv, compute-energy/explained.csv and
normalization/references.csv are read.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    arguments.tables_of_study(parser)
    arguments.output(parser, "the table, a CSV or parquet file")


def run(options: argparse.Namespace) -> None:
    """Read, say, write."""
    import pandas as pd

    from isojoule.findings.reading import read_tables
    from isojoule.findings.sentences import Finding, findings
    from isojoule.tables import measurements
    from isojoule.tables.writing import write_table

    tables = read_tables(arguments.tables_by_path(options))
    found = findings(measurements.read(options.table), tables)
    write_table(pd.DataFrame(found, columns=Finding._fields), options.output, "isojoule tabulate-findings")
    for finding in found:
        print(f"{finding.sentence} ({finding.table})")
    print(options.output)
