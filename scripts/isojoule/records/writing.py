"""Write records so that nothing that was measured is lost: patiently, and where that fails, somewhere else."""

import tempfile
from pathlib import Path

from isojoule.errors import InputError
from isojoule.files import patiently, write_text
from isojoule.records.base import Record
from isojoule.seals import sealed


def as_text(record: Record) -> str:
    """Return the JSON text that a record's file holds, sealed now."""
    return sealed(record.model_dump_json(indent=2), record.MADE_BY)


def write_record(path: Path, record: Record) -> None:
    """Write a record to `path`, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    write_text(path, as_text(record))


def persist(path: Path, text: str) -> None:
    """Write what was measured, and try patiently; write it into the user's home or /tmp rather than lose it.

    Raises:
        InputError: the text could not be written to `path`; the message names the file that has it.
    """
    try:
        patiently(lambda: write_text(path, text))
    except InputError as error:
        raise InputError(f"{error}; what was measured is in {_rescued(path.name, text)}: copy it to {path}") from error


def _rescued(name: str, text: str) -> Path:
    """Write the text into the home folder or /tmp, but not TMPDIR, which many clusters empty when a job ends."""
    for folder in (Path.home(), Path("/tmp")):
        try:
            rescue = Path(tempfile.mkdtemp(prefix="isojoule-rescued-", dir=folder)) / name
            rescue.write_text(text, encoding="utf-8")
            return rescue
        except OSError:
            continue
    raise InputError(f"{name}: found no place to write to, neither in the home folder nor in /tmp; it reads\n{text}")
