"""Measure a study on this machine without Snakemake and network, for as long as a time budget allows.

    python scripts/measure_study.py --config config/h200.yaml --results results/h200 --budget-s 1500 \\
        --archive h200.tar.gz

For a machine that is lent for a while. Extracts the features where they are not there yet, then measures repeat after
repeat, one GPU entry after the other; the same command goes on where it was cut off, and exits with 75 while something
is left. The archive is written anew after every block: records, journal, traces and what identifies the data, to be
unpacked into results/ elsewhere, where scripts/count_compute.py and scripts/aggregate.py make the table.
"""

import argparse
import math
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

from isojoule.errors import InputError, StoppedError
from isojoule.programs import CONFIG_HELP, OVER_BUDGET, above_zero, command_line, known, run, stop

SCRIPTS = Path(__file__).parent
# of a block, before its first window: interpreter, imports, CUDA context, idle power
START_S = 20.0
BUDGET_HELP = f"seconds to spend, {START_S:g} of them for the start of each block (default: no end)"
LEFT_BEHIND = {"checkpoints", "dataset", "logs", "features.npy", "targets.npy"}


def main(options: argparse.Namespace) -> int:
    """Extract, measure block by block, pack."""
    from isojoule import configuration

    signal.signal(signal.SIGTERM, stop)
    if options.archive and not options.archive.name.endswith(".tar.gz"):
        raise InputError(f"--archive: found {options.archive}, expected a name that ends in .tar.gz")
    ends_s = time.monotonic() + options.budget_s
    study = configuration.load(options.config)
    gpus = [known("--gpu", name, list(study["gpus"])) for name in options.gpu or study["gpus"]]
    config = ("--config", str(options.config))
    if not has_features(study, options.results):
        dataset, features = str(options.results / "dataset"), str(options.results / "features")
        program("prepare_dataset.py", *config, "--output", dataset)
        program("extract_features.py", *config, "--dataset", dataset, "--output", features)
    codes = []
    blocks = [(gpu, repeat) for repeat in range(study["repeats"]) for gpu in gpus]
    # before the first block as well: a path that cannot be written must not cost a measurement
    pack(options.results, options.archive)
    try:
        for gpu, repeat in blocks:
            left_s = ends_s - time.monotonic()
            if left_s <= START_S:
                codes.append(OVER_BUDGET)
                print(f"{gpu}, repeat {repeat}: not begun, the time budget is used", flush=True)
                continue
            arguments = ("--gpu", gpu, "--repeat", str(repeat), "--results", str(options.results))
            budget = () if left_s == math.inf else ("--budget-s", f"{left_s - START_S:.3f}")
            codes.append(measured(left_s, *config, *arguments, *budget))
            pack(options.results, options.archive)
    except (KeyboardInterrupt, StoppedError):
        pack(options.results, options.archive)
        raise
    failed = sum(code not in (0, OVER_BUDGET) for code in codes)
    over = codes.count(OVER_BUDGET)
    print(
        f"{len(codes)} blocks: {len(codes) - failed - over} whole, {over} with cells left, {failed} failed", flush=True
    )
    return 2 if failed else OVER_BUDGET if over else 0


def has_features(study: dict[str, Any], results: Path) -> bool:
    """Whether the features are those of this configuration and code."""
    from isojoule import workloads
    from isojoule.cells import features_code, features_slice, fingerprint
    from isojoule.records import ExtractionRecord, read_record

    try:
        made = read_record(results / "features" / "record.json", ExtractionRecord).provenance
    except InputError:
        return False
    expected = fingerprint(features_slice(study)), features_code(study)
    files = (*workloads.load(study["workload"]).FEATURES, "statistics.json")
    return (made.configuration_fingerprint, made.code_fingerprint) == expected and all(
        (results / "features" / name).is_file() for name in files
    )


def program(name: str, *arguments: str) -> None:
    """Run one of the stage programs; its words go where ours go.

    Raises:
        InputError: it failed.
    """
    code = subprocess.run([sys.executable, SCRIPTS / name, *arguments], check=False).returncode
    if code:
        raise InputError(f"{name} ended with exit code {code}, nothing was measured")


def measured(left_s: float, *arguments: str) -> int:
    """Measure a block, and stop it when the time is over: the attempt that this ends is in the journal."""
    with subprocess.Popen([sys.executable, SCRIPTS / "measure.py", *arguments]) as running:
        try:
            code = running.wait(None if left_s == math.inf else left_s)
        except subprocess.TimeoutExpired:
            running.terminate()
            running.wait()
            return OVER_BUDGET
        except BaseException:
            running.terminate()
            running.wait()
            raise
    if code in (130, 143):
        raise KeyboardInterrupt
    return code


def pack(results: Path, archive: Path | None) -> None:
    """Write what was measured into a gzipped tar, whole or not at all, where an archive is asked for."""
    from isojoule.files import written_whole

    if archive is None:
        return

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = Path(entry.name).name
        return None if name in (*LEFT_BEHIND, archive.name) or name.startswith(".") else entry

    with written_whole(archive) as temporary, tarfile.open(temporary, "w:gz") as packed:
        packed.add(results, results.name, filter=kept)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--gpu", nargs="+", help="entries of the configuration's gpus (default: all)")
    parser.add_argument("--results", type=Path, required=True, help="folder of the study's results")
    parser.add_argument("--budget-s", type=above_zero, default=math.inf, help=BUDGET_HELP)
    parser.add_argument("--archive", type=Path, help="where to pack what was measured, a .tar.gz file")
    run(main, parser)
