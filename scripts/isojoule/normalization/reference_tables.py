"""Tables of energies that others measured on several platforms, each with a file that says what it is.

A table `name.csv` or `name.parquet` stands beside `name.yaml`. The folder `reference/energies` has those that may be
given to others; a new one is added by putting its two files there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, ValidationError

from isojoule.configuration import yaml_reader
from isojoule.configuration.base import Section
from isojoule.configuration.sentences import refusal
from isojoule.errors import InputError
from isojoule.tables import measurements
from isojoule.tables.columns import COLUMNS
from isojoule.tables.questions import questions
from isojoule.tables.reading import read_any
from isojoule.tables.values import numbers, refuse
from isojoule.units import JOULES_PER_KWH

KWH_PER_UNIT = {"kWh": 1.0, "Wh": 1e-3, "J": 1 / JOULES_PER_KWH, "kJ": 1e3 / JOULES_PER_KWH}
ENDINGS = (".csv", ".parquet")

Text = Annotated[str, Field(min_length=1)]
HeldOut = Literal["architectures", "families"]


class Description(Section):
    """What a table is.

    Attributes:
        title: a few words for headings.
        source: who measured it, and where it was published.
        licence: under which it may be given to others.
        instrument: what the energies were measured with, and what a row is of.
        energy_kind: how the energies came about.
        unverified: whether those who published the table ask to call derived numbers unverified.
        phase: that all rows are of, where the table has no column for it.
        columns: names of the table's own columns, by isojoule's name.
        energy_unit: of the column of energy.
        only: values of a column, whose rows alone are used.
        held_out: what is held out of the references: single architectures at random, or each family in turn.
    """

    title: Text
    source: Text
    licence: Text
    instrument: Text
    energy_kind: Literal["measured", "estimated", "simulated", "not stated"]
    unverified: bool = False
    phase: Literal["train", "test"] | None = None
    columns: dict[Text, Text] = Field(default_factory=dict)
    energy_unit: Literal["kWh", "Wh", "J", "kJ"] = "kWh"
    only: dict[Text, Annotated[list[Text], Field(min_length=1)]] = Field(default_factory=dict)
    held_out: list[HeldOut] = Field(default=["architectures"], min_length=1)

    @property
    def heading(self) -> str:
        """The title, and whether its numbers are unverified."""
        return f"{self.title} (unverified)" if self.unverified else self.title


@dataclass(frozen=True)
class ReferenceTable:
    """A table of energies with its description.

    Attributes:
        name: of its files, without the ending.
        description: what it is.
        frame: a table of measurements.
    """

    name: str
    description: Description
    frame: pd.DataFrame


def read_folder(folder: Path) -> list[ReferenceTable]:
    """Read all tables of a folder, in the order of their names.

    Raises:
        InputError: there is none, one lacks its description or a description its table, or `read` refuses one.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: found no such folder, expected one of tables, each with a description beside it")
    paths = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in ENDINGS}
    descriptions = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    for name in [*paths, *descriptions]:
        if name not in paths or name not in descriptions:
            found = f"{name}.yaml" if name in descriptions else paths[name].name
            lacking = f"{name}.csv" if name in descriptions else f"{name}.yaml"
            raise InputError(f"{folder}: found {found} alone, expected {lacking} beside it")
    if not paths:
        raise InputError(f"{folder}: found no table, expected some, each with a description beside it")
    return [read(path, descriptions[name]) for name, path in paths.items()]


def read(path: Path, described_by: Path) -> ReferenceTable:
    """Read one table.

    Args:
        path: the table, CSV or parquet.
        described_by: its description, a YAML file.

    Raises:
        InputError: the description lacks a key or has an unknown one, a column or a value that it names is not in the
            table, or the table is none of measurements.
    """
    try:
        description = Description.model_validate(yaml_reader.read(described_by))
    except ValidationError as error:
        raise refusal(error, Description, str(described_by)) from error
    if unknown := [ours for ours in description.columns if ours not in COLUMNS]:
        raise InputError(f"{described_by}: columns: found {unknown[0]}, expected columns of a table of measurements")
    names = [theirs for ours, theirs in description.columns.items() if COLUMNS[ours].dtype == "string"]
    frame = read_any(path, "a table of energies", {*description.only, *names}, description.columns.values())
    ours_by_theirs: dict[str, str] = {}
    for ours, theirs in description.columns.items():
        if theirs in ours_by_theirs:
            found = f"{theirs}, which is {ours_by_theirs[theirs]} already"
            raise InputError(f"{described_by}: columns.{ours}: found {found}, expected another column")
        ours_by_theirs[theirs] = ours
        if theirs not in frame:
            raise InputError(f"{described_by}: columns.{ours}: found {theirs}, expected a column of {path.name}")
    for name, values in description.only.items():
        if name not in frame:
            raise InputError(f"{described_by}: only: found {name}, expected a column of {path.name}")
        if unknown := sorted(set(values) - set(frame[name].astype(str))):
            raise InputError(f"{described_by}: only.{name}: found {unknown[0]}, expected values of that column")
        frame = frame[frame[name].astype(str).isin(values)]
    frame = frame.rename(columns=ours_by_theirs)
    if doubled := [name for name in description.columns if list(frame.columns).count(name) > 1]:
        raise InputError(f"{described_by}: columns.{doubled[0]}: found it in {path.name} as well, expected it once")
    if "energy_kwh" in frame:
        frame = frame.assign(energy_kwh=numbers(frame, "energy_kwh") * KWH_PER_UNIT[description.energy_unit])
    if "energy_kind" in frame:
        is_other = frame["energy_kind"].notna() & (frame["energy_kind"] != description.energy_kind)
        refuse(frame, "energy_kind", is_other, f"{description.energy_kind} as in {described_by.name}")
    if "phase" not in frame and description.phase is not None:
        frame = frame.assign(phase=description.phase)
    frame = measurements.completed(frame.assign(energy_kind=description.energy_kind), str(path))
    return ReferenceTable(path.stem, description, frame.reset_index(drop=True))


def doubts_in_words(table: ReferenceTable) -> list[str]:
    """Say which rows of a table are likely in another unit, of different work, or misspelt."""
    return [f"warning: {table.name}: {said}" for said in questions(table.frame)]


def in_words(table: ReferenceTable) -> str:
    """Say what a table is, by whom, and how far it can be trusted."""
    frame, description = table.frame, table.description
    unverified = "; numbers derived from it are unverified" if description.unverified else ""
    return (
        f"{table.name}: {frame['architecture'].nunique()} systems on {frame['gpu'].nunique()} platforms, "
        f"{description.energy_kind} ({description.instrument}); {' '.join(description.source.split())}; "
        f"{description.licence}{unverified}"
    )
