"""Analyse a study as it is: table, figures and report of the cells that have a result, where a run did not measure all.

Snakemake makes nothing from a job that failed. A second Snakemake, in whose environment a variable is, knows no rule
that measures, and takes the records and counts that are there for all that there will be.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from isojoule.study.cells import architectures, cells
from isojoule.study.journal import Journal, fingerprint_of_data, published
from isojoule.study.reruns import fingerprints
from isojoule.workloads.interface import Configuration

VARIABLE = "ISOJOULE_AS_IT_IS"
_STOPPED_BY: list[int] = []


def is_asked_for() -> bool:
    """Return whether this run analyses a study as it is, and measures nothing."""
    return bool(os.environ.get(VARIABLE))


def listen_for_ctrl_c(workflow: Any) -> None:
    """Remember that the user pressed Ctrl-C, of which Snakemake tells its handlers nothing.

    Args:
        workflow: Snakemake's, whose scheduler is none before any job can run. Until then Snakemake would end with a
            traceback.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        return

    def holds_lock() -> bool:
        # Snakemake's own lock of the folder, which only its orderly end gives back; its persistence tells nobody else
        return workflow.persistence is not None and getattr(workflow.persistence, "_lockfile", True) != {}

    def note(number: int, frame: FrameType | None) -> None:
        _STOPPED_BY.append(number)
        if workflow.scheduler is None and not holds_lock():
            print("stopped by you; the same command goes on", file=sys.stderr, flush=True)
            # an exception would be told by the loop of events that it comes out of
            os._exit(130)
        before(number, frame)

    with suppress(ValueError):
        # not in the main thread, where nobody presses Ctrl-C
        signal.signal(signal.SIGINT, note)


def was_stopped(scheduler: object) -> bool:
    """Return whether the user pressed Ctrl-C, or Snakemake's `scheduler` was told by SIGTERM to stop."""
    return bool(_STOPPED_BY or getattr(scheduler, "_user_kill", None))


def outcomes(configuration: Configuration, results: Path) -> dict[str, str]:
    """Return what became of the last attempt at each cell that has no record."""
    journal, architectures_by_name = Journal(results), architectures(configuration)
    data = fingerprint_of_data(results)
    without_record = [cell for cell in cells(configuration) if not published(results, cell).is_file()]
    if not data:
        return {str(cell): "missing" for cell in without_record}
    attempts = {
        cell: journal.last(cell, fingerprints(configuration, cell, data, architectures_by_name))
        for cell in without_record
    }
    return {str(cell): last.outcome if last else "missing" for cell, last in attempts.items()}


def settle(configuration: Configuration, results: Path) -> None:
    """End the attempts whose program vanished, and publish again what the journal keeps.

    Snakemake removes the records of a job that failed, unless it is told not to, and does not know the journal.
    """
    journal, architectures_by_name = Journal(results), architectures(configuration)
    if not (data := fingerprint_of_data(results)):
        return
    for gpu in configuration.gpus:
        for repeat in range(configuration.repeats):
            journal.end_vanished(gpu, repeat)
    for cell in cells(configuration):
        if not published(results, cell).is_file():
            kept = journal.kept(cell, fingerprints(configuration, cell, data, architectures_by_name))
            if kept:
                journal.publish(kept)


def analyse(words: Collection[str], records: Collection[str]) -> None:
    """Start Snakemake a second time, by the words of the first, while the first one still holds its lock.

    Args:
        words: the command line of the first Snakemake.
        records: all records that the study can have, none of which may be a target.
    """
    print("table, figures and report are made from the cells that have a result", file=sys.stderr, flush=True)
    # the second Snakemake stores its configurations itself
    environment = {name: value for name, value in os.environ.items() if not re.fullmatch(r"ISOJOULE_[0-9a-f]+", name)}
    is_elsewhere = not {"-d", "--directory"}.isdisjoint(word.partition("=")[0] for word in words)
    subprocess.run(
        # -P, since no file of the user's folder is a module of Python's or of Snakemake's
        [
            *(sys.executable, "-P", "-m", "snakemake", "--nolock", "--no-hooks"),
            *(word for word in words if word not in records),
        ],
        env={**environment, VARIABLE: "1"},
        # the words are relative to the folder in which the user typed them
        cwd=os.environ.get("PWD") if is_elsewhere else None,
        check=False,
    )
