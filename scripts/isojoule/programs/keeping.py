"""Where a run is kept: its record from its beginning on, its trace beside it, and a row in a table."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from isojoule.energy.sampler import Trace
from isojoule.errors import InputError
from isojoule.files import check_writable, locked
from isojoule.records import RunRecord
from isojoule.records.challenge import read_submission
from isojoule.records.writing import as_text, persist, write_record

FOLDER = Path("isojoule-runs")
# a row goes into a table, or a run into the submission to a challenge
SUBMISSION = ".json"


@dataclass(frozen=True)
class Keeper:
    """Keeps one run.

    Attributes:
        record: JSON file of the record.
        table: table that gets a row, parquet or CSV, or the JSON file of a submission to a challenge, which gets the
            run; none where nobody asked for one.
    """

    record: Path
    table: Path | None = None

    def check(self, phase: str, quality: Mapping[str, float]) -> None:
        """Refuse, before anything runs, what could not be written behind it.

        Args:
            phase: of the run.
            quality: of the system, by name of the metric.

        Raises:
            InputError: a folder cannot be written, the table is none, or a phase or quality cannot be in it.
        """
        if self.record.is_dir():
            raise InputError(f"{self.record}: found a folder, expected the JSON file of the record")
        check_writable(self.record.parent)
        if self.table is not None and self.table.suffix == SUBMISSION:
            with locked(self.table):
                read_submission(self.table).check_system(phase, quality)
        elif self.table is not None:
            from isojoule.tables.appending import check_row

            check_writable(self.table.parent)
            check_row(self.table, quality)

    def begin(self, record: RunRecord) -> None:
        """Write that the run began: if this process is killed, that is what there is to know."""
        write_record(self.record, record)

    def end(self, record: RunRecord, trace: Trace | None = None) -> RunRecord:
        """Write the record in place of the first one, then the trace and the row; return it with its repeat.

        Raises:
            InputError: the record could not be written there; the message says where it is.
        """
        persist(self.record, as_text(record))
        if trace is not None and trace.samples:
            with self._beside():
                trace.write(self.record.with_suffix(".trace.parquet"))
        if self.table is not None:
            with self._beside():
                record = _appended(self.table, record)
                persist(self.record, as_text(record))
        return record

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """Write something inside this that must not cost the record."""
        try:
            yield
        except InputError as error:
            print(f"isojoule: {error}; the record is in {self.record}", file=sys.stderr, flush=True)


def default_path(name: str, phase: str, started_at: str, number: int) -> Path:
    """Return the file of a record that nobody named."""
    stamp = re.sub(r"[^0-9T]", "", started_at.partition(".")[0])
    return FOLDER / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}-{phase}-{stamp}-{number}.json"


def _appended(table: Path, record: RunRecord) -> RunRecord:
    if table.suffix == SUBMISSION:
        with locked(table):
            submission, repeat = read_submission(table).with_system(record)
            write_record(table, submission)
        return record.model_copy(update={"repeat": repeat})
    from isojoule.tables.appending import append
    from isojoule.tables.rows import row_of_run

    return record.model_copy(update={"repeat": append(table, row_of_run(record))})
