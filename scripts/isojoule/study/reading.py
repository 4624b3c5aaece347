"""Read the configuration of a study, refuse what is wrong with it by name, and store it with its defaults."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from isojoule.configuration import checking, yaml_reader
from isojoule.errors import InputError
from isojoule.files import write_text
from isojoule.study import cells
from isojoule.study.emission_factor import kg_per_kwh
from isojoule.workloads import interface
from isojoule.workloads.interface import Configuration


def load(path: Path) -> Configuration:
    """Read, check and complete the configuration in the YAML file `path`.

    Raises:
        InputError: the file cannot be read, is not YAML, or is no configuration of a study.
    """
    return check(yaml_reader.read(path), str(path))


def data_source(configuration: Configuration) -> str | None:
    """Return `dataset.source` of a study; nothing where its workload has no such key."""
    return getattr(getattr(configuration, "dataset", None), "source", None)


def check(content: Any, source: str = "configuration") -> Configuration:
    """Check and complete a configuration that has been parsed already, such as that of Snakemake.

    Args:
        content: the parsed configuration.
        source: what the messages call the configuration.

    Raises:
        InputError: as `isojoule.configuration.checking.check`; or two architectures have one name, or there are too
            many cells.
    """
    configuration = checking.check(content, source, interface.names(), interface.load)
    try:
        cells.check_number(configuration)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    return configuration


def load_merged(config: Mapping[str, Any], files: Sequence[str | Path], values: Mapping[str, Any]) -> Configuration:
    """Check and complete a configuration that Snakemake has read from files, as this module reads the same files.

    Snakemake reads YAML 1.1, in which 3e-3 is text, 010 is 8, and of two equal keys the last one counts.

    Args:
        config: what Snakemake has read: all of it, or a part of it, which another workflow hands to this one as a
            module. What another workflow has made itself is in no file and is checked as it is.
        files: where it has read, in the order in which later ones overwrite the keys of earlier ones. One that is not
            there, since another workflow has changed the folder, is passed over.
        values: what was given by `--config`, which overwrites the keys of all files.

    Raises:
        InputError: as `load`, for every file.
    """
    ours: dict[str, Any] = {}
    snakemakes: dict[str, Any] = {}
    paths = [Path(os.path.relpath(file)) for file in files if Path(file).is_file()]
    for path in paths:
        _overwrite(ours, yaml_reader.read(path))
        _overwrite(snakemakes, yaml_reader.read_1_1(path))
    for content in (ours, snakemakes):
        _overwrite(content, values)
    keys = _keys_of_part(snakemakes, config)
    part: Any = config if keys is None else ours
    for key in keys or ():
        part = part[key]
    return check(part, ", ".join(map(str, paths)) or "configuration")


def _overwrite(content: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Overwrite the keys of nested mappings by those of another one, as Snakemake does."""
    for key, value in other.items():
        if isinstance(value, Mapping):
            if not isinstance(content.get(key), dict):
                content[key] = {}
            _overwrite(content[key], value)
        else:
            content[key] = value


def _keys_of_part(content: Any, part: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return the keys that lead to `part` in nested mappings; none where it is not in them."""
    if content == part:
        return ()
    for key, value in content.items() if isinstance(content, dict) else ():
        if (keys := _keys_of_part(value, part)) is not None:
            return (key, *keys)
    return None


def check_files(configuration: Configuration, results: Path) -> None:
    """Refuse a study whose files do not exist or whose country nobody knows, before any of its jobs run.

    Data is not looked for once the manifest in `results` is made of it: it may be on another machine. Nor is the
    country where CodeCarbon, which knows it, is not installed.

    Raises:
        InputError: a table, the data or the country does not exist; the message names the key and the folder.
    """
    with suppress(ModuleNotFoundError):
        kg_per_kwh(configuration.energy.country_iso_code)
    for key, file in {} if _is_prepared(configuration, results) else configuration.data_files().items():
        if not file.exists():
            raise InputError(f"dataset.{key}: found no {file} in {Path.cwd()}, expected the data of the study")
    other = configuration.report.compared_with
    if other is not None and not Path(other).is_file():
        raise InputError(
            f"report.compared_with: found no file {other} in {Path.cwd()}, expected a table of measurements"
        )
    table = configuration.analysis.quality_table
    if table and not Path(table).is_file():
        raise InputError(f"analysis.quality_table: found no file {table} in {Path.cwd()}, expected a CSV of qualities")


def _is_prepared(configuration: Configuration, results: Path) -> bool:
    """Return whether the manifest was made for this data set, as the configuration beside it says."""
    try:
        before = load(results / "configuration.yaml")
    except InputError:
        return False
    return (
        results / "dataset" / "manifest.tsv"
    ).is_file() and before.dataset_settings() == configuration.dataset_settings()


def store(configuration: Configuration, path: Path) -> None:
    """Write `configuration` to `path` as YAML, unless it is there already."""
    text = yaml_reader.text(configuration.plain())
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
