"""Measure the references of a challenge on my GPU, and write my submission.

    isojoule challenge run kit.zip --team NAME --output submissions/mine.json

The references of the kit are measured on the GPU of this machine, or on its CPU
where there is none, with clips that are made up. What was measured stays in
--results, so that the same command goes on where it was cut off. My own systems
are added by `isojoule run --append submissions/mine.json`. The submission is a text
with a checksum, so that an edited figure is seen.
"""

import argparse
from pathlib import Path

from isojoule.cli import arguments
from isojoule.cli.arguments import at_least


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("kit", metavar="KIT", type=Path, help="the kit of the organizers, a .zip file")
    parser.add_argument("--team", required=True, help="name of the team")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("challenge-run"),
        help="folder of what is measured (default: challenge-run)",
    )
    parser.add_argument("--cpu", action="store_true", help="measure on the CPU although there is a GPU")
    parser.add_argument("--threads", type=at_least(1), default=1, help="CPU threads of the computation (default: 1)")
    parser.add_argument("--allow-shared", action="store_true", help="measure although others are on the GPU")
    arguments.output(parser, "the submission, a JSON file")


def run(options: argparse.Namespace) -> None:
    """Read the kit, measure, write."""
    from isojoule.challenge import kit as kits
    from isojoule.challenge.measuring import measure
    from isojoule.energy.cuda_list import visible_uuids
    from isojoule.errors import InputError
    from isojoule.files import check_writable
    from isojoule.naming import check_name
    from isojoule.programs.keeping import SUBMISSION
    from isojoule.readable import counted
    from isojoule.records.writing import write_record

    check_name("--team", options.team)
    if options.output.suffix != SUBMISSION:
        raise InputError(f"--output: found {options.output}, expected the ending {SUBMISSION}, which `rank` looks for")
    kit, _ = kits.read(options.kit)
    check_writable(options.output.parent)
    if options.output.exists():
        raise InputError(f"--output: found {options.output}, expected a new file: it may have systems of yours")
    try:
        is_cpu = options.cpu or not visible_uuids()
    except RuntimeError as error:
        raise InputError(f"the GPUs of this machine cannot be listed: {error}") from error
    submission = measure(
        kit, options.team, options.results, is_cpu=is_cpu, threads=options.threads, allow_shared=options.allow_shared
    )
    write_record(options.output, submission)
    outcomes = [run.outcome for run in submission.references]
    print(f"{options.output}: {outcomes.count('ok')} of {counted(len(outcomes), 'run')} of references gave an energy")
