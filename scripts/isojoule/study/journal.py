"""The journal of a study keeps every attempt to measure a cell, whatever became of it, and publishes the records.

Snakemake may delete the outputs of jobs, but does not know the journal. A cell with a final attempt in the journal is
not measured again as long as its code, configuration and data are the same.
"""

import fcntl
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from isojoule.errors import InputError
from isojoule.files import written_whole
from isojoule.readable import counted
from isojoule.records import MeasurementRecord, read_record
from isojoule.records.measurement import FINAL, Outcome
from isojoule.records.reading import OtherVersionError
from isojoule.records.writing import as_text, persist, write_record
from isojoule.study.cells import Cell, architectures, cells
from isojoule.study.reruns import fingerprints
from isojoule.workloads import interface
from isojoule.workloads.interface import Configuration


class Journal:
    """The attempts and records below the folder `results` of a study.

    The files are `attempts/<gpu>/<architecture>/<phase>-<repeat>.<attempt>.json` and
    `records/<gpu>/<architecture>/<phase>-<repeat>.json`. Beside each lies the trace of its window, `.parquet`.
    """

    def __init__(self, results: Path) -> None:
        self._results = results

    def attempts(self, cell: Cell) -> list[MeasurementRecord]:
        """Read every attempt that ended, the first one first, but for those that another isojoule wrote."""
        records = []
        for number, path in self._numbered(cell):
            with suppress(OtherVersionError):
                record = read_record(path, MeasurementRecord)
                if (*record.identity, record.provenance.attempt) != (*_identity(cell), number):
                    raise InputError(
                        f"{path}: found attempt {record.provenance.attempt} at {record.architecture} on {record.gpu}, "
                        f"{record.phase}, repeat {record.repeat}, expected attempt {number} at {cell}, as its name says"
                    )
                records.append(record)
        return records

    def next_attempt(self, cell: Cell) -> int:
        """Return the number of an attempt that begins now: 1, 2, ..."""
        return max((number for number, _ in self._numbered(cell)), default=0) + 1

    def failed(self, cell: Cell, fingerprints: dict[str, str]) -> int:
        """Count the attempts of this code, configuration and data that began and came to nothing."""
        same = (record for record in self.attempts(cell) if record.is_of(fingerprints))
        return sum(record.outcome not in (*FINAL, "refused") for record in same)

    def longest_s(self, gpu: str) -> float:
        """Return how many seconds the longest attempt on this GPU took, 0 where there is none."""
        paths = (self._results / "attempts" / gpu).glob("*/*.json")
        durations_s = [0.0]
        for path in paths:
            with suppress(InputError):
                record = read_record(path, MeasurementRecord)
                began, ended = (datetime.fromisoformat(text) for text in (record.started_at, record.ended_at))
                durations_s.append((ended - began).total_seconds())
        return max(durations_s)

    def _numbered(self, cell: Cell) -> list[tuple[int, Path]]:
        """List number and file of every attempt at a cell, by number."""
        folder, start = self._results / "attempts" / cell.gpu / cell.architecture, f"{cell.phase}-{cell.repeat}."
        numbers = [(path.name[len(start) : -len(".json")], path) for path in folder.glob(f"{start}*.json")]
        return sorted((int(number), path) for number, path in numbers if number.isdigit())

    def kept(
        self, cell: Cell, fingerprints: dict[str, str], attempts: list[MeasurementRecord] | None = None
    ) -> MeasurementRecord | None:
        """Return the last final attempt of this code, configuration and data, or None where there is none."""
        for record in reversed(self.attempts(cell) if attempts is None else attempts):
            if record.outcome in FINAL and record.is_of(fingerprints):
                return record
        return None

    def last(
        self, cell: Cell, fingerprints: dict[str, str], attempts: list[MeasurementRecord] | None = None
    ) -> MeasurementRecord | None:
        """Return the last attempt of this code, configuration and data, whatever became of it, or None."""
        of_cell = self.attempts(cell) if attempts is None else attempts
        return next((record for record in reversed(of_cell) if record.is_of(fingerprints)), None)

    def publish(self, record: MeasurementRecord) -> None:
        """Copy the record of a final attempt into `records/`, unless it is there already."""
        path = published(self._results, Cell(*record.identity))
        text = self._attempt(record).read_bytes().decode()
        if not path.is_file() or path.read_bytes() != text.encode():
            persist(path, text)
        trace, beside = self.trace(record), path.with_suffix(".parquet")
        if not trace.is_file():
            beside.unlink(missing_ok=True)
        elif not beside.is_file() or beside.read_bytes() != trace.read_bytes():
            with written_whole(beside) as temporary:
                shutil.copyfile(trace, temporary)

    def trace(self, record: MeasurementRecord) -> Path:
        """Return where the samples of an attempt's window lie, if any; `publish` copies them beside the record."""
        return self._attempt(record).with_suffix(".parquet")

    @contextmanager
    def held(
        self, gpu: str, repeat: int, waiting: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> Iterator[None]:
        """Hold the cells of a GPU and repeat.

        Args:
            gpu: key of the configuration's `gpus`.
            repeat: number of the repeat.
            waiting: context to be in while another program measures these cells.
        """
        with _opened(self._lock(gpu, repeat)) as file:
            if not _locked(file):
                print(self._who_measures(gpu, repeat), file=sys.stderr, flush=True)
                with waiting():
                    while not _locked(file):
                        time.sleep(1)
            self._recover(gpu, repeat)
            yield

    def begin(self, record: MeasurementRecord) -> None:
        """Note that the attempt `record` runs now.

        Raises:
            InputError: the journal cannot be written; then nothing should be measured.
        """
        write_record(self._running(record.gpu, record.repeat), record)

    def end(self, record: MeasurementRecord) -> None:
        """Note what became of the attempt that runs, and publish its record if it is final."""
        persist(self._attempt(record), as_text(record))
        if record.outcome in FINAL:
            self.publish(record)
        with suppress(OSError):
            self._running(record.gpu, record.repeat).unlink(missing_ok=True)

    def running(self, gpu: str, repeat: int) -> tuple[MeasurementRecord, bool] | None:
        """Return the attempt that runs and whether its program still lives, or None where no attempt runs."""
        try:
            record = read_record(self._running(gpu, repeat), MeasurementRecord)
        except InputError:
            return None
        try:
            with self._lock(gpu, repeat).open("rb") as file:
                return record, not _locked(file, fcntl.LOCK_SH)
        except OSError:
            return record, False

    def end_vanished(self, gpu: str, repeat: int) -> None:
        """End the attempt at a cell of this GPU and repeat whose program vanished, unless one measures there now."""
        if self._running(gpu, repeat).is_file():
            with _opened(self._lock(gpu, repeat)) as file:
                if _locked(file):
                    self._recover(gpu, repeat)

    def _recover(self, gpu: str, repeat: int) -> None:
        """End the attempt whose program vanished before it could do so."""
        running = self.running(gpu, repeat)
        if running is None:
            return
        attempt = running[0]
        if self._attempt(attempt).is_file():
            self._running(gpu, repeat).unlink()
        else:
            self.end(ended(attempt, "lost", "ended without a word: killed, over time or memory, or its node went down"))

    def _who_measures(self, gpu: str, repeat: int) -> str:
        """Say which other program measures these cells."""
        other = self.running(gpu, repeat)
        if other is None:
            return f"waiting: another program measures repeat {repeat} on {gpu}; what it measures is kept"
        record = other[0]
        job = f"SLURM job {record.provenance.slurm.job_id}" if record.provenance.slurm else "a program"
        return (
            f"waiting: {job} on {record.hardware.hostname} measures repeat {repeat} on {gpu} "
            f"since {record.started_at}; what it measures is kept"
        )

    def _attempt(self, record: MeasurementRecord) -> Path:
        return self._results / "attempts" / _path(record, record.provenance.attempt)

    def _lock(self, gpu: str, repeat: int) -> Path:
        return self._results / "attempts" / gpu / f".lock-{repeat}"

    def _running(self, gpu: str, repeat: int) -> Path:
        return self._results / "attempts" / gpu / f"running-{repeat}.json"


def retire_stale_records(configuration: Configuration, results: Path) -> None:
    """Take records of other code, configuration or data out of `records/`; they stay in the journal.

    Otherwise Snakemake would take such a record for the output of a job that failed before it could write its own.
    """
    if not (data := fingerprint_of_data(results)):
        return
    architectures_by_name = architectures(configuration)
    stale = 0
    for cell in cells(configuration):
        path = published(results, cell)
        try:
            record = read_record(path, MeasurementRecord) if path.is_file() else None
            is_stale = record is not None and not record.is_of(
                fingerprints(configuration, cell, data, architectures_by_name)
            )
        except OtherVersionError:
            is_stale = True
        except InputError:
            continue
        if is_stale:
            path.unlink()
            path.with_suffix(".parquet").unlink(missing_ok=True)
            stale += 1
    if stale:
        where = results / "attempts"
        print(
            f"{counted(stale, 'record is', 'records are')} of other code, configuration or data, and kept in {where}",
            file=sys.stderr,
        )


def published(results: Path, cell: Cell) -> Path:
    """Return the file of a cell's record in the folder `results` of its study."""
    return results / "records" / cell.gpu / cell.architecture / f"{cell.phase}-{cell.repeat}.json"


def fingerprint_of_data(results: Path) -> str | None:
    """Return the fingerprint of the data of a study, or None where no features are extracted yet."""
    try:
        return interface.data_fingerprint(results / "features")
    except InputError:
        return None


def ended(
    record: MeasurementRecord, outcome: Outcome, message: str | None, ended_at: str | None = None
) -> MeasurementRecord:
    """Return the attempt `record` with what became of it, when it came to nothing."""
    # a clock may have been put back, and a library may say anything
    ended_at = max(ended_at or record.started_at, record.started_at)
    readable = message and message.replace("\0", "\\0")
    return record.model_copy(update={"outcome": outcome, "message": readable, "ended_at": ended_at})


def _identity(cell: Cell) -> tuple[str, str, str, int]:
    return cell.gpu, cell.architecture, cell.phase, cell.repeat


def _path(record: MeasurementRecord, attempt: int | None = None) -> Path:
    number = "" if attempt is None else f".{attempt}"
    return Path(record.gpu, record.architecture, f"{record.phase}-{record.repeat}{number}.json")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be written: {error.strerror or error}") from error
    with file:
        yield file


def _locked(file: BinaryIO, kind: int = fcntl.LOCK_EX) -> bool:
    """Take the lock, and return whether that worked; a file system without locks counts as free."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
