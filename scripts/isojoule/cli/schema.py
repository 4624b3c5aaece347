"""Print the JSON schema of all records.

    isojoule schema

Editors and other programs check the records by it.
"""

import argparse


def configure(_parser: argparse.ArgumentParser) -> None:
    """Add no options: there is one schema."""


def run(_options: argparse.Namespace) -> None:
    """Print the schema."""
    from isojoule.records.schema import schema

    print(schema())
