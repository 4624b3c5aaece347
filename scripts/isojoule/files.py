"""Write files whole or not at all: under a temporary name in the same folder first, which is then renamed."""

import fcntl
import glob
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from isojoule.errors import InputError

PATIENCE_S = 600.0
RETRY_S = 15.0


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it onto `path` on success, remove it on any failure.

    What replaces a file has no seal at first, and does not get the old one's.

    Raises:
        InputError: the folder or the file cannot be written (permissions, full disk).
    """
    check_named(path)
    start = f".{path.name}.{platform.node()}"
    temporary = path.with_name(f"{start}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_behind(path.parent, start)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        seal_beside(path).unlink(missing_ok=True)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {_reason(error)}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    """Return the system's words for its error: those of a library may have more around them, or none of them."""
    return os.strerror(error.errno) if error.errno else str(error)


def seal_beside(path: Path) -> Path:
    """Return the hidden file that has the seal of a file that is not JSON."""
    return path.with_name(f".{path.name}.seal")


def _remove_left_behind(folder: Path, start: str) -> None:
    """Remove the temporary files of programs on this machine that were killed before they could do so themselves."""
    for temporary in folder.glob(f"{glob.escape(start)}.*.tmp"):
        pid = temporary.suffixes[-2].lstrip(".")
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            temporary.unlink(missing_ok=True)


def check_named(path: Path) -> None:
    """Refuse `.`, `/` and whatever else is a folder and never the name of a file.

    Raises:
        InputError: it is.
    """
    if path.name in ("", ".."):
        raise InputError(f"{path}: found a folder, expected a file")


def check_folder(folder: Path) -> Path:
    """Return what exists of the path of a folder, which need not exist itself.

    Raises:
        InputError: a file is in the way; the message names it.
    """
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise InputError(f"{folder}: {nearest} is a file, expected a folder")
    return nearest


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until nobody else changes a file in which several programs put something, and keep it so.

    Raises:
        InputError: the folder cannot be written, or its file system has no locks.
    """
    check_named(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock").open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {_reason(error)}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise InputError(
                f"{path}: its folder has no locks ({_reason(error)}), expected one where programs can take turns"
            ) from error
        yield


def check_writable(folder: Path) -> None:
    """Refuse a folder that cannot be written or made, without making it.

    Raises:
        InputError: a file or folder is in the way; the message names it.
    """
    nearest = check_folder(folder)
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: cannot be written: no permission to write into {nearest}")


def patiently(write: Callable[[], None]) -> None:
    """Call `write` until it succeeds, for at most ten minutes, in which the disk may be full or read-only.

    Raises:
        InputError: the last call failed, or something that is no file has its name.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return write()
        except InputError as error:
            # what is in the way of a file does not go by itself
            is_in_the_way = isinstance(error.__cause__, IsADirectoryError | NotADirectoryError)
            if is_in_the_way or time.monotonic() >= deadline_s:
                raise
            print(f"{error}; nothing is lost yet, next try in {RETRY_S:g} s", file=sys.stderr, flush=True)
            time.sleep(RETRY_S)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write `content` to `path`, whole or not at all.

    NumPy and libsndfile do not tell why they could not write a file, so that what they make goes into memory first.
    """
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` as indented JSON, whole or not at all; NaN and infinity are refused."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def unreadable(path: Path, error: OSError, expected: str) -> InputError:
    """Say that a file is not there, or why it cannot be read, and what was expected in its place.

    Args:
        path: the file.
        error: of the attempt to read it.
        expected: what the file should have been, such as `a configuration, a YAML file`.
    """
    if isinstance(error, FileNotFoundError | IsADirectoryError):
        found = "a folder" if path.is_dir() else "no such file"
        return InputError(f"{path}: found {found}, expected {expected}")
    return InputError(f"{path}: cannot be read: {error.strerror or error}; expected {expected}")


def read_json(path: Path) -> Any:
    """Read the JSON file `path`.

    Raises:
        InputError: the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error, "a JSON file") from error
    except ValueError as error:
        raise InputError(f"{path}: is not JSON: {error}") from error
