"""The tables that findings are made from, and the table of findings itself."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from isojoule.findings.sentences import EXPLAINED, FRONTS, REFERENCES
from isojoule.fronts import of_study
from isojoule.tables.columns import PHASES
from isojoule.tables.expected import Expected

TABLE = Expected("the findings of isojoule tabulate-findings", words=("topic", "sentence", "section", "table"))
READ = {
    FRONTS: of_study.TABLE,
    EXPLAINED: Expected(
        "what isojoule link-compute-energy explains",
        words=("gpu", "families", "predictors", "energy_kind"),
        numbers=("n", "r2"),
        choices={"phase": PHASES},
    ),
    REFERENCES: Expected(
        "the references of isojoule choose-references",
        numbers=("references", "mdape_percent", "mdape_low_percent", "mdape_high_percent"),
        flags=("to_publish",),
        choices={"phase": PHASES},
    ),
}


def read_tables(paths: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """Read those of the tables that are given, by their path below the study's results.

    Raises:
        InputError: a table cannot be read, or is another one.
    """
    return {name: expected.read(paths[name]) for name, expected in READ.items() if name in paths}
