"""Measure a study without Snakemake, for as long as a time budget allows.

    isojoule measure-study --config config/demo.yaml --results results/demo \\
        --budget-s 1500 --archive demo.tar.gz

The command is for a machine that you may use for a while, and needs no
network. It extracts the features if they are not there yet, then measures one
repeat after the other on every entry of the configuration's gpus. The same
command goes on where it was cut off, and exits with 75 while cells are left.
It writes the archive again after every job: records, journal, traces and what
identifies the data. Unpack it into results/ elsewhere, where
`isojoule count-compute` and `isojoule aggregate` make the table.
"""

import argparse
import math
import signal
from collections import Counter
from pathlib import Path

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero, one_of
from isojoule.cli.running import stop
from isojoule.errors import OVER_BUDGET, InputError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    parser.add_argument("--gpu", nargs="+", help="entries of the configuration's gpus (default: all)")
    arguments.results(parser)
    parser.add_argument(
        "--budget-s",
        type=above_zero,
        default=math.inf,
        help="time budget in seconds, of which the start of each job takes 20 (default: none)",
    )
    parser.add_argument("--archive", type=Path, help="archive of all that was measured, a .tar.gz file")


def run(options: argparse.Namespace) -> int:
    """Extract, measure block by block, pack."""
    from isojoule.measuring.whole_study import BlockOutcome, measure_study
    from isojoule.study import reading

    signal.signal(signal.SIGTERM, stop)
    if options.archive and not options.archive.name.endswith(".tar.gz"):
        raise InputError(f"--archive: found {options.archive}, expected a name that ends in .tar.gz")
    study = reading.load(options.config)
    gpus = [one_of(list(study.gpus), "--gpu", name) for name in options.gpu or study.gpus]
    outcomes = measure_study(options.config, gpus, options.results, options.budget_s, options.archive)
    numbers = Counter(outcomes)
    parts = ", ".join(f"{numbers[outcome]} {outcome.value}" for outcome in BlockOutcome)
    print(f"{len(outcomes)} blocks: {parts}", flush=True)
    if numbers[BlockOutcome.FAILED]:
        return 2
    return OVER_BUDGET if numbers[BlockOutcome.CELLS_LEFT] else 0
