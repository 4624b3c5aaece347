"""Tell whether the audio files of a manifest are those that it was made of, without reading those that nobody touched.

The manifest has the hash of each file. A hidden file beside it has what the file system said of each one just before it
was hashed: its size, its number, and when it was last written and last changed in any way. Programs cannot set the last
of these, so that a file of which all four are the same is the same. Any other file is read, such as those of a copy.
"""

import csv
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic_core import from_json, to_json

from isojoule import seals
from isojoule.files import write_bytes
from isojoule.progress import listed
from isojoule.readable import counted

# a file may be written twice within a tick of its file system's clock, and its times do not tell
TICK_NS = 2 * 10**9

State = list[int]


class ClipFiles:
    """The hashes of audio files by their paths, and what the file system said of them before they were hashed."""

    def __init__(self, known: dict[str, tuple[str, State]] | None = None) -> None:
        self._known = known or {}

    def hash(self, path: Path | str) -> str:
        """Return the SHA-256 of the bytes of a file; threads may call it at once.

        Raises:
            OSError: the file cannot be read.
        """
        state, now_ns = _state(path), time.time_ns()
        sha256 = seals.file_hash(Path(path))
        if now_ns - state[-1] > TICK_NS:
            self._known[str(path)] = sha256, state
        return sha256

    def knows(self, path: str, sha256: str) -> bool:
        """Say whether the file system tells that a file still has this hash."""
        known = self._known.get(path)
        try:
            return known is not None and known[0] == sha256 and known[1] == _state(path)
        except OSError:
            return False

    def remember(self, manifest: Path) -> None:
        """Write what is known beside a manifest, for whoever checks its files.

        Raises:
            InputError: it cannot be written.
        """
        write_bytes(_beside(manifest), to_json(self._known))


def check(manifest: Path, workers: int, made_by: str) -> ClipFiles:
    """Refuse a manifest whose files are not those that it was made of.

    Args:
        manifest: a manifest of any workload; rows with values in the columns `path` and `sha256` are checked.
        workers: number of threads that read.
        made_by: the command that made the manifest, such as `isojoule prepare-dataset`.

    Returns:
        what is known of the files now.

    Raises:
        ChangedError: files are missing or were changed; the message lists them.
    """
    hashes, files = _hashes(manifest), _remembered(manifest)

    def is_changed(path: str) -> bool:
        try:
            return files.hash(path) != hashes[path]
        except OSError:
            return True

    unknown = [path for path, sha256 in hashes.items() if not files.knows(path, sha256)]
    with ThreadPoolExecutor(workers) as pool:
        changed = [path for path, has in zip(unknown, pool.map(is_changed, unknown), strict=True) if has]
    if changed:
        raise seals.ChangedError(
            f"{counted(len(changed), 'file was', 'files were')} changed or removed since `{made_by}` read the "
            f"data; put back what it read, or call that command again, in a study by `snakemake --forcerun "
            f"{seals.rule(made_by)}`\n       {listed(changed)}"
        )
    return files


def _hashes(manifest: Path) -> dict[str, str]:
    try:
        with manifest.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error):
        # the workload says what is wrong with it
        return {}
    return {row["path"]: row["sha256"] for row in rows if row.get("path") and row.get("sha256")}


def _beside(manifest: Path) -> Path:
    return manifest.with_name(f".{manifest.name}.files")


def _remembered(manifest: Path) -> ClipFiles:
    """Read what is known of the files; nothing where that is missing or broken, so that all of them are read."""
    try:
        known = from_json(_beside(manifest).read_bytes())
        return ClipFiles({path: (sha256, state) for path, (sha256, state) in known.items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return ClipFiles()


def _state(path: Path | str) -> State:
    # a network file system asks its server whenever a file is opened, and not whenever it is looked at
    number = os.open(path, os.O_RDONLY)
    try:
        found = os.fstat(number)
    finally:
        os.close(number)
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]
