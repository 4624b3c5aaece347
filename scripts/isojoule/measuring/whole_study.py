"""Measure a whole study on this machine, block after block, for as long as a time budget allows."""

import math
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

from isojoule.errors import InputError, StoppedError
from isojoule.files import written_whole
from isojoule.measuring.extraction import are_extracted
from isojoule.workloads.interface import Configuration

# of a block, before its first window: interpreter, imports, CUDA context, idle power
START_S = 20.0
LEFT_BEHIND = {"checkpoints", "dataset", "logs", "features.npy", "targets.npy"}


def measure_study(
    configuration: Configuration,
    path: Path,
    gpus: Sequence[str],
    results: Path,
    budget_s: float,
    archive: Path | None,
    over_budget: int,
) -> list[int]:
    """Extract the features where they are not there yet, then measure every block, each in a process of its own.

    Args:
        configuration: the study.
        path: file of the configuration.
        gpus: entries of the configuration's `gpus`.
        results: folder of the study's results.
        budget_s: seconds to spend.
        archive: where to pack what was measured, after every block.
        over_budget: exit code of a block that the budget did not suffice for.

    Returns:
        the exit code of every block.

    Raises:
        InputError: the data cannot be prepared, or the archive cannot be written.
    """
    ends_s = time.monotonic() + budget_s
    config = ("--config", str(path))
    if not are_extracted(configuration, results / "features"):
        dataset, features = str(results / "dataset"), str(results / "features")
        _run("prepare-dataset", *config, "--output", dataset)
        _run("extract-features", *config, "--dataset", dataset, "--output", features)
    codes = []
    # before the first block as well: a path that cannot be written must not cost a measurement
    _pack(results, archive)
    try:
        for gpu, repeat in [(gpu, repeat) for repeat in range(configuration.repeats) for gpu in gpus]:
            left_s = ends_s - time.monotonic()
            if left_s <= START_S:
                codes.append(over_budget)
                print(f"{gpu}, repeat {repeat}: not begun, the time budget is used", flush=True)
                continue
            words = ("--gpu", gpu, "--repeat", str(repeat), "--results", str(results))
            budget = () if left_s == math.inf else ("--budget-s", f"{left_s - START_S:.3f}")
            code = _measured(left_s, *config, *words, *budget)
            codes.append(over_budget if code is None else code)
            _pack(results, archive)
    except (KeyboardInterrupt, StoppedError):
        _pack(results, archive)
        raise
    return codes


def _run(name: str, *arguments: str) -> None:
    """Run another command of ours, whose words go where ours go.

    Raises:
        InputError: it failed.
    """
    code = subprocess.run([sys.executable, "-m", "isojoule", name, *arguments], check=False).returncode
    if code:
        raise InputError(f"isojoule {name} ended with exit code {code}, nothing was measured")


def _measured(left_s: float, *arguments: str) -> int | None:
    """Measure a block, and stop it when the time is over: the attempt that this ends is in the journal."""
    with subprocess.Popen([sys.executable, "-m", "isojoule", "measure", *arguments]) as running:
        try:
            code = running.wait(None if left_s == math.inf else left_s)
        except subprocess.TimeoutExpired:
            running.terminate()
            running.wait()
            return None
        except BaseException:
            running.terminate()
            running.wait()
            raise
    if code in (130, 143):
        raise KeyboardInterrupt
    return code


def _pack(results: Path, archive: Path | None) -> None:
    """Write what was measured into a gzipped tar, whole or not at all, where an archive is asked for."""
    if archive is None:
        return

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = Path(entry.name).name
        return None if name in (*LEFT_BEHIND, archive.name) or name.startswith(".") else entry

    with written_whole(archive) as temporary, tarfile.open(temporary, "w:gz") as packed:
        packed.add(results, results.name, filter=kept)
