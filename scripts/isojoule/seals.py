"""Seals: the hash of a file's content, kept with the file, so that whoever reads it sees a change since it was made.

A JSON file has its seal as its last key, any other file in a hidden file beside it, so that a table stays a table for
everybody. The hash is of the fields, of the lines or of the array, and not of how they are written; that of parquet and
of any other file is of its bytes, which nobody writes but the stage that made it. A seal keeps no forger out. What has
none is read as it is: it is somebody's own, or older than seals.
"""

import ast
import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError
from pydantic_core import from_json, to_json

from isojoule.errors import InputError
from isojoule.files import seal_beside, write_text
from isojoule.readable import counted

TEXTS = (".csv", ".tsv", ".svg")
ARRAY_FORMATS = [b"\x93NUMPY" + bytes([version, 0]) for version in (1, 2, 3)]
BLOCK_BYTES = 2**20
LONGEST_HEADER_BYTES = 10_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ChangedError(InputError):
    """A file is no longer what the stage that made it wrote."""


class Seal(BaseModel):
    """What a file held when it was made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the content.")
    rows: NonNegativeInt | None = Field(default=None, description="Rows of a table, or of an array.")
    made_at: str = Field(description="UTC, ISO 8601.")
    made_by: str = Field(description="The command that made the file, and makes it again.")


class _Content(NamedTuple):
    sha256: str
    rows: int | None = None


def sealed(text: str, made_by: str) -> str:
    """Return the text of a JSON object, as pydantic writes it with an indent of 2, with its seal as the last key.

    Args:
        text: the object, with one key or more.
        made_by: the command that makes it, such as `isojoule measure`.
    """
    body = text.rstrip().removesuffix("}").rstrip()
    return body + _end(_seal(_Content(_sha256(body.encode())), made_by))


def check_json(path: Path, content: bytes, seal: Seal) -> None:
    """Refuse a JSON object whose fields are not those of its seal.

    Args:
        path: the file.
        content: what the file holds.
        seal: the seal in it.

    Raises:
        ChangedError: it was changed; the message names the file, when it was made and how to make it again.
    """
    end = _end(seal).encode()
    if content.endswith(end) and _sha256(content.removesuffix(end)) == seal.sha256:
        return
    # spaces between the fields are no change
    fields = from_json(content)
    fields.pop("seal")
    if _sha256(to_json(fields, indent=2).removesuffix(b"\n}")) != seal.sha256:
        raise _changed(path, seal, "its fields are not those that were sealed")


def seal(path: Path, made_by: str) -> str:
    """Seal a file that a stage has just written, and return the hash of its content.

    Args:
        path: a table or a picture as text, an array (.npy), or any other file but JSON, which is sealed by its bytes.
        made_by: the command that makes it, such as `isojoule aggregate`.

    Raises:
        InputError: the file cannot be read, or the seal cannot be written.
    """
    content = _content(path)
    write_text(seal_beside(path), _text(_seal(content, made_by)) + "\n")
    return content.sha256


def write_json(path: Path, fields: dict[str, Any], made_by: str) -> None:
    """Write a JSON object with its seal, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    write_text(path, sealed(to_json(fields, indent=2).decode(), made_by))


def read_json(path: Path) -> Any:
    """Read a JSON file that another stage may have sealed.

    Raises:
        ChangedError: it was changed since.
        InputError: the file is missing, unreadable or not JSON.
    """
    content = _bytes(path)
    if (seal := _seal_in(path, content)) is not None:
        check_json(path, content, seal)
    return from_json(content)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file that another file names with its hash.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(path: Path) -> str:
    """Return the hash of a file's content as `seal` returns it, whether the file is sealed or not.

    Raises:
        InputError: the file cannot be read.
    """
    return _content(path).sha256


def check(path: Path) -> Seal | None:
    """Refuse a file that was changed since it was made.

    Args:
        path: a file that exists.

    Returns:
        its seal, or None where it has none.

    Raises:
        ChangedError: it was changed.
        InputError: the file cannot be read, or what should be its seal is none.
    """
    if path.suffix == ".json":
        content = _bytes(path)
        if (seal := _seal_in(path, content)) is not None:
            check_json(path, content, seal)
        return seal
    try:
        text = seal_beside(path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{seal_beside(path)}: cannot be read: {error.strerror or error}") from error
    try:
        seal = Seal.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            f"{seal_beside(path)}: is not a seal: {error.errors()[0]['msg']}; "
            f"without this file {path.name} is read as it is"
        ) from error
    content_now = _content(path)
    if content_now.rows != seal.rows:
        raise _changed(path, seal, f"found {_number(content_now.rows)}, expected {_number(seal.rows)}")
    if content_now.sha256 != seal.sha256:
        raise _changed(path, seal, "its content is not what was sealed")
    return seal


def rule(command: str) -> str:
    """Return the rule of the workflow that calls a command."""
    return command.removeprefix("isojoule ").replace("-", "_")


def _end(seal: Seal) -> str:
    """The end of a JSON object that has a seal."""
    return f',\n  "seal": {_text(seal)}\n}}\n'


def _text(seal: Seal) -> str:
    return seal.model_dump_json(exclude_none=True)


def _seal(content: _Content, made_by: str) -> Seal:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Seal(sha256=content.sha256, rows=content.rows, made_at=now, made_by=made_by)


def _seal_in(path: Path, content: bytes) -> Seal | None:
    try:
        fields = from_json(content)
        found = fields.get("seal") if isinstance(fields, dict) else None
        return None if found is None else Seal.model_validate(found)
    except ValidationError as error:
        raise InputError(f"{path}: seal: is not a seal: {error.errors()[0]['msg']}") from error
    except ValueError as error:
        raise InputError(f"{path}: is not JSON: {error}") from error


def _changed(path: Path, seal: Seal, difference: str) -> ChangedError:
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    if seal.made_by.startswith("isojoule challenge"):
        # no rule makes what teams and organizers send each other
        return ChangedError(
            f"{path}: was changed since {seal.made_at}, when isojoule wrote it (it was last written at {written}): "
            f"{difference}; put back the file that isojoule wrote"
        )
    # pictures are made by a rule for each table, and Snakemake makes a file by its name as well
    forced = path if path.suffix == ".svg" else rule(seal.made_by)
    return ChangedError(
        f"{path}: was changed since {seal.made_at}, when `{seal.made_by}` made it (it was last written at {written}): "
        f"{difference}; put it back, or remove it and let that command make it again, in a study by "
        f"`snakemake --forcerun {forced}`; a version of your own needs another name"
    )


def _number(rows: int | None) -> str:
    return "no rows" if rows is None else counted(rows, "row")


def _content(path: Path) -> _Content:
    try:
        if path.suffix == ".npy":
            with path.open("rb") as file:
                return _of_array(file)
        if path.suffix in TEXTS:
            return _of_lines(path.read_bytes(), is_table=path.suffix != ".svg")
        return _Content(file_hash(path), _rows_of_parquet(path) if path.suffix == ".parquet" else None)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _of_array(file: BufferedReader) -> _Content:
    """Hash type, shape and values of an array; what is none has the hash of its bytes, which no array has.

    The values are hashed in blocks, by as many threads as there are cores: they may be as many as memory holds.
    """
    header = _array_header(file)
    begins = 0 if header is None else file.tell()
    number, of_thread = file.fileno(), threading.local()

    def digest(start: int) -> bytes:
        # new memory for every block would cost as much as its hash
        if not hasattr(of_thread, "block"):
            of_thread.block = memoryview(bytearray(BLOCK_BYTES))
        length = os.preadv(number, [of_thread.block], start)
        return hashlib.sha256(of_thread.block[:length]).digest()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = pool.map(digest, range(begins, os.fstat(number).st_size, BLOCK_BYTES))
        content = hashlib.sha256(f"{sorted((header or {}).items())}\n".encode())
        for of_block in digests:
            content.update(of_block)
    shape = (header or {}).get("shape")
    return _Content(content.hexdigest(), shape[0] if shape else None)


def _array_header(file: BufferedReader) -> dict[str, Any] | None:
    """Read the header of a .npy file as numpy's format 1.0 to 3.0 has it; None where there is none."""
    magic = file.read(8)
    length = file.read(2 if magic == ARRAY_FORMATS[0] else 4)
    if magic not in ARRAY_FORMATS or int.from_bytes(length, "little") > LONGEST_HEADER_BYTES:
        return None
    try:
        header = ast.literal_eval(file.read(int.from_bytes(length, "little")).decode())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    is_array = isinstance(header, dict) and set(header) == {"descr", "fortran_order", "shape"}
    return header if is_array and isinstance(header["shape"], tuple) else None


def _of_lines(content: bytes, *, is_table: bool) -> _Content:
    """Hash lines, whatever ends them and whether a byte order mark stands before them."""
    lines = content.removeprefix(BYTE_ORDER_MARK).replace(b"\r\n", b"\n")
    count = lines.count(b"\n") + (not lines.endswith(b"\n"))
    return _Content(_sha256(lines), max(count - 1, 0) if is_table else None)


def _rows_of_parquet(path: Path) -> int | None:
    from pyarrow import ArrowException, parquet

    try:
        rows: int = parquet.ParquetFile(path).metadata.num_rows
    except (ArrowException, OSError):
        return None
    return rows


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
