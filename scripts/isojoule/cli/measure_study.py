"""Measure a study on this machine without Snakemake and network, for as long as a time budget allows.

    isojoule measure-study --config config/h200.yaml --results results/h200 --budget-s 1500 \\
        --archive h200.tar.gz

For a machine that is lent for a while. Extracts the features where they are not there yet, then measures repeat after
repeat, one GPU entry after the other; the same command goes on where it was cut off, and exits with 75 while something
is left. The archive is written anew after every block: records, journal, traces and what identifies the data, to be
unpacked into results/ elsewhere, where isojoule count-compute and isojoule aggregate make the table.
"""

import argparse
import math
import signal
from pathlib import Path

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero, known
from isojoule.cli.running import OVER_BUDGET, stop
from isojoule.errors import InputError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    parser.add_argument("--gpu", nargs="+", help="entries of the configuration's gpus (default: all)")
    arguments.results(parser)
    parser.add_argument(
        "--budget-s",
        type=above_zero,
        default=math.inf,
        help="seconds to spend, with 20 for the start of each block (default: no end)",
    )
    parser.add_argument("--archive", type=Path, help="where to pack what was measured, a .tar.gz file")


def run(options: argparse.Namespace) -> int:
    """Extract, measure block by block, pack."""
    from isojoule.measuring.whole_study import measure_study
    from isojoule.study import reading

    signal.signal(signal.SIGTERM, stop)
    if options.archive and not options.archive.name.endswith(".tar.gz"):
        raise InputError(f"--archive: found {options.archive}, expected a name that ends in .tar.gz")
    study = reading.load(options.config)
    gpus = [known("--gpu", name, list(study.gpus)) for name in options.gpu or study.gpus]
    codes = measure_study(study, options.config, gpus, options.results, options.budget_s, options.archive, OVER_BUDGET)
    failed, over = sum(code not in (0, OVER_BUDGET) for code in codes), codes.count(OVER_BUDGET)
    whole = len(codes) - failed - over
    print(f"{len(codes)} blocks: {whole} whole, {over} with cells left, {failed} failed", flush=True)
    return 2 if failed else OVER_BUDGET if over else 0
