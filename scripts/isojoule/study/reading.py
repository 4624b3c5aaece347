"""Read the configuration of a study, refuse what is wrong with it by name, and store it with its defaults."""

from pathlib import Path
from typing import Any

from isojoule.configuration import checking, yaml_reader
from isojoule.errors import InputError
from isojoule.files import write_text
from isojoule.workloads import interface
from isojoule.workloads.interface import Configuration


def load(path: Path) -> Configuration:
    """Read, check and complete the configuration in the YAML file `path`.

    Raises:
        InputError: the file cannot be read, is not YAML, or is no configuration of a study.
    """
    return check(yaml_reader.read(path), str(path))


def check(content: Any, source: str = "configuration") -> Configuration:
    """Check and complete a configuration that has been parsed already, such as that of Snakemake.

    Args:
        content: the parsed configuration.
        source: what the messages call the configuration.

    Raises:
        InputError: as `isojoule.configuration.checking.check`.
    """
    return checking.check(content, source, interface.names(), interface.load)


def check_files(configuration: Configuration) -> None:
    """Refuse a study whose own tables do not exist, before any of its jobs run.

    Raises:
        InputError: a table does not exist; the message names the key and the folder.
    """
    table = configuration.analysis.quality_table
    if table and not Path(table).is_file():
        raise InputError(f"analysis.quality_table: found no file {table} in {Path.cwd()}, expected a CSV of qualities")


def store(configuration: Configuration, path: Path) -> None:
    """Write `configuration` to `path` as YAML, unless it is there already."""
    text = yaml_reader.text(configuration.plain())
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
