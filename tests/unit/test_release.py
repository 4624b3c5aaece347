"""What a release must agree on, and what the Snakemake Workflow Catalog asks of a repository."""

import re
from pathlib import Path

import pytest
import yaml

import isojoule

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("CHANGELOG.md", r"^## (\d\S+)"),
        ("CITATION.cff", r"^version: (\S+)"),
        ("workflow/rules/common.smk", r'^VERSION = "(\S+)"'),
        ("profiles/README.md", r"\bv(\d+\.\d+\.\d+)\b"),
    ],
)
def test_every_file_that_names_the_version_names_this_one(file, pattern):
    assert re.search(pattern, (PROJECT / file).read_text(), re.MULTILINE)[1] == isojoule.__version__


def test_the_repository_is_what_the_catalog_lists_with_instructions():
    """By its page "Adding workflows", section "Standardized usage workflows"."""
    assert (PROJECT / "workflow" / "Snakefile").is_file()
    assert (PROJECT / "config" / "README.md").is_file()
    readme = (PROJECT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    usage = yaml.safe_load((PROJECT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment"}
    assert usage["software-stack-deployment"]["report"] is True
