"""Print the JSON schema of all records, or of the configuration of a study.

    isojoule schema
    isojoule schema configuration

Editors and other programs check records and configurations by it.
"""

import argparse
import json

WHAT = ("records", "configuration")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the schema is of."""
    parser.add_argument("what", nargs="?", choices=WHAT, default=WHAT[0], help="what the schema is of")


def run(options: argparse.Namespace) -> None:
    """Print the schema."""
    if options.what == "records":
        from isojoule.records.schema import schema
    else:
        from isojoule.study.schema import schema
    print(json.dumps(schema(), indent=2))
