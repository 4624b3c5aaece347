"""The form of a table in a text file: one header, as many values in every row, and nothing that hides a difference."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from isojoule.errors import InputError

DELIMITERS = {";": "semicolons", "\t": "tabs"}
CHARACTERS_SHOWN = 60


def in_one_line(text: str) -> str:
    """A text as a message shows it: short, and in one line; signs that look like others are shown by their number."""
    short = text if len(text) <= CHARACTERS_SHOWN else f"{text[:CHARACTERS_SHOWN]}..."
    if not unicodedata.is_normalized("NFC", short):
        return ascii(short)
    return short if short.isprintable() else repr(short)


def checked_text(path: Path, what: str) -> tuple[str, list[int]]:
    """Return the text of a CSV file whose form is right, and the line of the file that each row begins in.

    Args:
        path: the file.
        what: the file is expected to hold, for the messages.

    Raises:
        InputError: it is no text, a column is there twice or has no name, a row has more or fewer values than the
            header, or a name has blanks around it; the message names file, line and column.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: is not {what}: found a byte that is no UTF-8 in line "
            f"{path.read_bytes()[: error.start].count(10) + 1}, expected a text in UTF-8"
        ) from error
    if "\0" in text:
        raise InputError(f"{path}: is not {what}: found a NUL in line {text[: text.index(chr(0))].count(chr(10)) + 1}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    lines: list[int] = []
    begins = 1
    try:
        for row in reader:
            if header is None and row:
                header = row
                _check_header(path, what, row)
            elif header is not None and row:
                _check_row(path, header, row, begins)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}: is not {what}: line {reader.line_num}: {error}") from error
    if header is None:
        raise InputError(f"{path}: is not {what}: found nothing in it, expected a header and rows")
    return text, lines


def _check_header(path: Path, what: str, header: Sequence[str]) -> None:
    if len(header) == 1:
        for delimiter, name in DELIMITERS.items():
            if delimiter in header[0]:
                raise InputError(f"{path}: is not {what}: found {name} between the columns, expected commas")
    for number, name in enumerate(header):
        if not name.strip():
            raise InputError(f"{path}: found no name of column {number + 1} in the header, expected one")
        if not name.isprintable():
            raise InputError(f"{path}: found the column {in_one_line(name)}, expected a name of one line")
        if name != name.strip():
            raise InputError(
                f"{path}: found the column {name[:CHARACTERS_SHOWN]!r} with blanks around it, expected {name.strip()}"
            )
        if name in header[:number]:
            raise InputError(f"{path}: found the column {name} twice, expected each once")


def _check_row(path: Path, header: Sequence[str], row: Sequence[str], line: int) -> None:
    if len(row) != len(header):
        raise InputError(
            f"{path}: found {len(row)} values in line {line}, expected {len(header)} as in the header; a comma inside "
            "a value needs quotes around it"
        )
    for name, value in zip(header, row, strict=True):
        if value != value.strip() and not _is_number(value):
            raise InputError(
                f"{path}: column {name}: found {value[:CHARACTERS_SHOWN]!r} with blanks around it in line {line}, "
                f"expected {in_one_line(value.strip()) or 'nothing or a value'}"
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
