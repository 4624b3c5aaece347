"""Measure a whole study on this machine, block after block, for as long as a time budget allows."""

import math
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from isojoule.errors import OVER_BUDGET, InputError, StoppedError
from isojoule.files import written_whole
from isojoule.measuring.extraction import are_extracted
from isojoule.study import reading

# a block needs this before its first window: interpreter, imports, CUDA context, idle power
START_S = 20.0
LEFT_BEHIND = {"checkpoints", "dataset", "logs", "features.npy", "targets.npy"}


class BlockOutcome(Enum):
    """What became of a block, in the words of a report."""

    WHOLE = "whole"
    CELLS_LEFT = "with cells left"
    FAILED = "failed"


def measure_study(
    config: Path, gpus: Sequence[str], results: Path, budget_s: float = math.inf, archive: Path | None = None
) -> list[BlockOutcome]:
    """Extract the features where they are not there yet, then measure every block, each in a process of its own.

    Args:
        config: file of the study's configuration.
        gpus: entries of the configuration's `gpus`.
        results: folder of the study's results.
        budget_s: time to spend, in seconds.
        archive: file into which to pack what was measured, after every block; by default it is not packed.

    Returns:
        what became of each block, repeat after repeat.

    Raises:
        InputError: there is no such data or country, the data cannot be prepared, or the archive cannot be written.
    """
    ends_s = time.monotonic() + budget_s
    configuration = reading.load(config)
    reading.check_files(configuration, results)
    if not are_extracted(configuration, results / "features"):
        _extract(config, results)
    blocks = [(gpu, repeat) for repeat in range(configuration.repeats) for gpu in gpus]
    outcomes = []
    # before the first block as well: a path that cannot be written must not cost a measurement
    _pack(results, archive)
    try:
        for gpu, repeat in blocks:
            left_s = ends_s - time.monotonic()
            if left_s <= START_S:
                outcomes.append(BlockOutcome.CELLS_LEFT)
                print(f"{gpu}, repeat {repeat}: not begun, the time budget is used", flush=True)
                continue
            block = ("--gpu", gpu, "--repeat", str(repeat))
            outcomes.append(_measure(left_s, "--config", str(config), *block, "--results", str(results)))
            _pack(results, archive)
    except (KeyboardInterrupt, StoppedError):
        _pack(results, archive)
        raise
    return outcomes


def _extract(config: Path, results: Path) -> None:
    dataset, features = str(results / "dataset"), str(results / "features")
    _run("prepare-dataset", "--config", str(config), "--output", dataset)
    _run("extract-features", "--config", str(config), "--dataset", dataset, "--output", features)


def _run(name: str, *arguments: str) -> None:
    """Run another command of ours, whose words go where ours go.

    Raises:
        InputError: the command failed.
    """
    code = subprocess.run([sys.executable, "-P", "-m", "isojoule", name, *arguments], check=False).returncode
    if code:
        raise InputError(f"isojoule {name} ended with exit code {code}, nothing was measured")


def _measure(left_s: float, *arguments: str) -> BlockOutcome:
    """Measure a block, and stop it when the time is over; the journal then has the attempt that this ended."""
    budget = () if left_s == math.inf else ("--budget-s", f"{left_s - START_S:.3f}")
    with subprocess.Popen([sys.executable, "-P", "-m", "isojoule", "measure", *arguments, *budget]) as running:
        try:
            code = running.wait(None if left_s == math.inf else left_s)
        except subprocess.TimeoutExpired:
            running.terminate()
            running.wait()
            return BlockOutcome.CELLS_LEFT
        except BaseException:
            running.terminate()
            running.wait()
            raise
    if code in (130, 143):
        raise KeyboardInterrupt
    return {0: BlockOutcome.WHOLE, OVER_BUDGET: BlockOutcome.CELLS_LEFT}.get(code, BlockOutcome.FAILED)


def _pack(results: Path, archive: Path | None) -> None:
    """Write what was measured into a gzipped tar, whole or not at all, where an archive is asked for."""
    if archive is None:
        return

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = Path(entry.name).name
        return None if name in (*LEFT_BEHIND, archive.name) or name.startswith(".") else entry

    with written_whole(archive) as temporary, tarfile.open(temporary, "w:gz") as packed:
        packed.add(results, results.name, filter=kept)
