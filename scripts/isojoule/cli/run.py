"""Measure any program from its start to its end.

    isojoule run --name mynet --append mine.csv -- python3 -c "print(sum(range(10**7)))"

The energy is that of all GPUs that the program sees, or of the CPU where it
sees none. Its streams, its terminal, its signals and its exit code are those
that it would have without isojoule, which says what it measured behind it. The
record is a JSON file in isojoule-runs/, also where the program fails. With
--append the run is a row of a table that every command takes.
"""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero
from isojoule.errors import InputError

if TYPE_CHECKING:
    from isojoule.programs.program import CannotStartError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("command", metavar="COMMAND", nargs="+", help="the program and its arguments, behind --")
    parser.add_argument("--name", metavar="SYSTEM", help="name of the system (default: that of the script)")
    parser.add_argument(
        "--phase", default="train", choices=("train", "test"), help="what the program does (default: train)"
    )
    parser.add_argument("--gpu-label", metavar="GPU", help="name of the platform (default: that of the device)")
    parser.add_argument("--flops", type=count, help="forward FLOPs of one example")
    parser.add_argument("--params", type=count, help="number of parameters")
    parser.add_argument(
        "--quality", metavar="KEY=VALUE", type=quality, action="append", default=[], help="quality; more is better"
    )
    arguments.output(parser, "JSON file of the record (default: one in isojoule-runs/)", required=False)
    arguments.append(parser)
    parser.add_argument("--cpu", action="store_true", help="read the CPU although there are GPUs")
    parser.add_argument("--allow-shared", action="store_true", help="measure although others are on a GPU")
    parser.add_argument("--country", metavar="CODE", help="country of CodeCarbon's emissions, such as FRA")
    parser.add_argument("--cpu-max-power-w", type=above_zero, help="thermal design power of all CPUs, for an estimate")


def run(options: argparse.Namespace) -> int:
    """Run the program, measure it, say what it used, and return its exit code."""
    from isojoule.programs.launch import launch, marked_environment
    from isojoule.programs.program import CannotStartError, cannot_start, check_exists

    try:
        check_exists(options.command[0])
    except CannotStartError as error:
        return told_why_not(error)
    started = launch(os.environ)
    if started.local_rank:
        # another process of this node has the meter
        try:
            os.execvpe(options.command[0], options.command, marked_environment(os.environ, started.mark))
        except OSError as error:
            return told_why_not(cannot_start(options.command[0], error))
    from isojoule.programs import run as running
    from isojoule.programs.description import Description, name_of
    from isojoule.programs.keeping import Keeper, default_path
    from isojoule.records import provenance

    if started.nodes > 1 and options.append:
        raise InputError(
            f"--append: found a run on {started.nodes} nodes, of which each has a record of its own, expected none: "
            "add their energies up"
        )
    if len(qualities := dict(options.quality)) < len(options.quality):
        raise InputError("--quality: found a name twice, expected each once")
    description = Description(
        name_of(options.command) if options.name is None else options.name,
        options.phase,
        options.gpu_label,
        options.flops,
        options.params,
        qualities,
    )
    path = options.output or default_path(description.name, options.phase, provenance.now(), os.getpid())
    reading = running.Reading(options.cpu, options.allow_shared, options.country, options.cpu_max_power_w)
    try:
        record = running.run(options.command, description, reading, Keeper(path, options.append), started)
    except CannotStartError as error:
        return told_why_not(error)
    for sentence in running.in_words(record, path):
        print(f"isojoule: {sentence}", file=sys.stderr)
    return record.exit_code or 0


def told_why_not(error: "CannotStartError") -> int:
    """Say why a program cannot be started, and return the exit code that a shell has for it."""
    print(f"error: {error}", file=sys.stderr)
    return error.exit_code


def quality(text: str) -> tuple[str, float]:
    """Read a quality, of the form name=value."""
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not name.isidentifier() or not abs(number) < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text}, expected a name and a number, such as psds1=0.327")
    return name, number


def count(text: str) -> int:
    """Read a large number, which may be written as 1.5e9."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (1 <= number < 2**63 and number == int(number)):
        raise argparse.ArgumentTypeError(f"found {text}, expected a whole number above 0, such as 1500000 or 1.5e6")
    return int(number)
