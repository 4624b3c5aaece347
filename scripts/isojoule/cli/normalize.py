"""Estimate energies on another GPU: mine on one of a study, or its on mine.

    grep -E "^study|,cpu-2threads,.*,train,0," results/demo/measurements.csv > mine.csv
    isojoule normalize results/demo/measurements.parquet --target cpu-1thread \\
        --phase train --references mine.csv --energy-kwh 1.2e-6

The references are architectures of the study, measured on my GPU: rows with the
columns architecture, energy_kwh and, if it is known for all, duration_s, such
as `isojoule run --append mine.csv` writes them. My GPU need not be in the study;
if it is, --source names it, and the rows of the study are the references.

My system is --energy-kwh, or every row of --systems, or else every row of
--references that is no architecture of the study. Repeats are averaged, and their spread is in
the interval. With --quality and --reference the command adds the energy-weighted
score of DCASE task 4.

The other way round, --new-target names a GPU of mine that the study lacks, and
--references are what I measured there of its architectures: what would all others
use on it? Where the study has rows of that GPU, these are the references.

    grep -v ",cpu-2threads," results/demo/measurements.csv > study.csv
    grep -E "^study|,cpu-2threads,(mlp|cnn)-.*,train,0," results/demo/measurements.csv > few.csv
    isojoule normalize study.csv --new-target cpu-2threads --phase train --references few.csv
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero
from isojoule.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from isojoule.normalization.user_rows import Repeats

MINE = "my system"
TABLES = (".csv", ".parquet")
# options that say what my systems are, which a new target has none of
OF_MY_SYSTEMS = ("source", "systems", "energy_kwh", "duration_s", "flops", "params", "quality", "reference")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser, "the study's table of measurements, parquet or CSV")
    targets = parser.add_mutually_exclusive_group(required=True)
    targets.add_argument("--target", metavar="GPU", help="GPU of the study to normalize my systems to")
    targets.add_argument("--new-target", metavar="GPU", help="GPU to estimate all systems of the study on")
    arguments.phase(parser)
    parser.add_argument("--references", type=Path, help="what was measured on my GPU, CSV or parquet")
    parser.add_argument("--source", metavar="GPU", help="my GPU, where it is in the study")
    parser.add_argument("--gpu", help="my GPU as my rows name it, where they are of several")
    parser.add_argument("--systems", type=Path, help="rows of my systems on my GPU (default: those of --references)")
    parser.add_argument("--energy-kwh", type=above_zero, help="energy of my only system on my GPU, in kWh")
    parser.add_argument("--duration-s", type=above_zero, help="duration of the same run, in seconds")
    parser.add_argument(
        "--flops", type=above_zero, help="forward FLOPs of my system for one example, counted as flops in the study"
    )
    parser.add_argument("--params", type=above_zero, help="number of parameters of my system")
    parser.add_argument(
        "--quality", type=float, help="quality of my system, for the energy-weighted score; more is better"
    )
    parser.add_argument("--reference", help="system that the score is relative to, one of the references")
    arguments.kinds(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of sentences")
    arguments.output(
        parser, "JSON file to write it to as well, or a table of several systems, CSV or parquet", required=False
    )


def run(options: argparse.Namespace) -> None:
    """Read, normalize, print."""
    if options.new_target is None:
        run_own(options)
    else:
        run_new_target(options)


def run_new_target(options: argparse.Namespace) -> None:
    """Estimate all systems of the study on a new GPU."""
    import pandas as pd

    from isojoule.files import write_text
    from isojoule.naming import check_name
    from isojoule.normalization.user_new_gpu import on_new_gpu
    from isojoule.normalization.user_rows import kinds_of, qualities_on_any_gpu
    from isojoule.normalization.user_words import of_new_gpu_in_words
    from isojoule.tables import measurements
    from isojoule.tables.kinds import check_one_kind
    from isojoule.tables.writing import write_table

    for name in OF_MY_SYSTEMS:
        if getattr(options, name) is not None:
            raise InputError(
                f"--{name.replace('_', '-')}: found it with --new-target, which is about the systems of the study, "
                "expected --target, or no such option"
            )
    check_name("--new-target", options.new_target)
    frame, sentences = measurements.read_unmixed(options.table, options.kinds)
    references, said = new_references(options, frame)
    of_study = frame[(frame["phase"] == options.phase) & (frame["outcome"] == "ok")]
    check_one_kind(
        kinds_of(references),
        of_study.loc[of_study["gpu"] != options.new_target, "energy_kind"].unique(),
        options.kinds,
        str(options.references or options.new_target),
    )
    estimates, left_out = on_new_gpu(frame, options.new_target, options.phase, references)
    if not estimates:
        raise InputError(f"references: found all systems of {options.table} among them, expected some to estimate")
    sentences += [*said, *left_out]
    records = {
        name: normalized.record() | {"warnings": [*sentences, *normalized.warnings]}
        for name, normalized in estimates.items()
    }
    content = json.dumps([{"architecture": name, **record} for name, record in records.items()], indent=2)
    if options.output is not None and options.output.suffix in TABLES:
        table = pd.DataFrame([row_of(name, record) for name, record in records.items()])
        further = qualities_on_any_gpu(frame[frame["outcome"] == "ok"])
        write_table(table.join(further[further.columns.difference(table.columns)], on="architecture"), options.output)
    elif options.output:
        write_text(options.output, content + "\n")
    print(content if options.json else "\n".join(of_new_gpu_in_words(records)))


def new_references(options: argparse.Namespace, frame: "pd.DataFrame") -> tuple[dict[str, "Repeats"], list[str]]:
    """Return the references on the new GPU, and sentences on what is odd of them or was left out.

    Args:
        options: of the command.
        frame: the study's table of measurements.

    Raises:
        InputError: they cannot be read, are of several devices, or stand in both places or in none.
    """
    from isojoule.normalization.user_devices import check_one_device
    from isojoule.normalization.user_rows import (
        doubts_in_words,
        left_out_in_words,
        read_frame,
        read_rows,
        rows_of_study,
    )

    target, phase, path = options.new_target, options.phase, options.references
    of_study = rows_of_study(frame, target, phase)
    if path is None:
        if not of_study:
            raise InputError(
                f"references: found neither --references nor {phase} energies on {target} in {options.table}, expected "
                "what was measured on the new GPU"
            )
        return of_study, []
    if of_study:
        raise InputError(
            f"--new-target: found {target}, which {options.table} has measured, and --references, expected a GPU that "
            "it lacks, or no --references"
        )
    rows, names = read_frame(path, phase, options.gpu), set(frame["architecture"])
    check_one_device(rows, rows, (str(path), str(path)))
    if "gpu" in rows and rows["gpu"].iloc[0] in set(frame["gpu"]):
        raise InputError(
            f"{path}: found rows of {rows['gpu'].iloc[0]}, which is a GPU of the study, expected what was measured on "
            f"the new one, {target}"
        )
    read = read_rows(path, phase, options.gpu)
    sentences = left_out_in_words(path, phase, options.gpu)
    # the names and the work of the references are compared with those on all GPUs of the study
    sentences += doubts_in_words(rows, frame.assign(gpu=target), target, phase)
    if foreign := [name for name in read if name not in names]:
        sentences.append(f"left out: {', '.join(foreign)} of {path}, which the study does not have")
    return {name: repeats for name, repeats in read.items() if name in names}, sentences


def run_own(options: argparse.Namespace) -> None:
    """Estimate my own systems on a GPU of the study."""
    import pandas as pd

    from isojoule.files import write_text
    from isojoule.normalization.user_repeats import normalize_repeats
    from isojoule.normalization.user_rows import (
        doubts_in_words,
        kinds_of,
        left_out_in_words,
        read_frame,
        systems_of,
    )
    from isojoule.normalization.user_score import scores_on_both_gpus
    from isojoule.normalization.user_words import in_words
    from isojoule.tables import measurements
    from isojoule.tables.kinds import check_one_kind
    from isojoule.tables.plausibility import doubts
    from isojoule.tables.writing import write_table

    is_table = options.output is not None and options.output.suffix in TABLES
    frame, sentences = measurements.read_unmixed(options.table, options.kinds)
    references, own = rows_of(options, frame)
    is_of_phase = (frame["phase"] == options.phase) & (frame["outcome"] == "ok")
    paths = dict.fromkeys(filter(None, (options.references, options.systems)))
    origin = " and ".join(map(str, paths)) or options.source
    check_one_kind(
        kinds_of({**references, **own}), frame.loc[is_of_phase, "energy_kind"].unique(), options.kinds, origin
    )
    sentences += check_device(options, frame)
    for path in paths:
        sentences += left_out_in_words(path, options.phase, options.gpu)
        sentences += doubts_in_words(read_frame(path, options.phase, options.gpu), frame, options.target, options.phase)
    if options.energy_kwh is not None:
        sentences += doubts(pd.DataFrame([{"architecture": MINE, **asdict(own[MINE].system)}], dtype=object))
    records = {}
    for name, normalized in normalize_repeats(frame, options.target, options.phase, references, own).items():
        record = normalized.record()
        record["warnings"] = [*sentences, *normalized.warnings]
        if options.quality is not None or options.reference is not None:
            systems = systems_of(references), own[name].system
            record |= scores_on_both_gpus(frame, normalized, *systems, options.quality, options.reference)
        records[name] = record
    is_single = options.energy_kwh is not None
    content = json.dumps(
        records[MINE] if is_single else [{"architecture": name, **record} for name, record in records.items()], indent=2
    )
    if is_table:
        table = pd.DataFrame([row_of(name, record) for name, record in records.items()])
        if not is_single:
            own_qualities = qualities(options)
            further = own_qualities.columns.difference(table.columns)
            table = table.join(own_qualities[further], on="architecture")
        write_table(table, options.output)
    elif options.output:
        write_text(options.output, content + "\n")
    if options.json:
        print(content)
        return
    for name, record in records.items():
        print("\n".join([*([] if is_single else [f"{name}:"]), *in_words(record)]))


def rows_of(options: argparse.Namespace, frame: "pd.DataFrame") -> tuple[dict[str, "Repeats"], dict[str, "Repeats"]]:
    """Return what was measured on my GPU: the references, and my systems.

    Args:
        options: of the command.
        frame: the study's table of measurements.

    Raises:
        InputError: they cannot be read, or nothing says which they are.
    """
    from isojoule.normalization.user_rows import Repeats, read_rows, references_of_study
    from isojoule.normalization.user_system import System

    if (options.references is None) == (options.source is None):
        raise InputError(
            "references: found neither --references nor --source, expected my rows or my GPU in the study"
            if options.source is None
            else "references: found --references and --source, expected one of them"
        )
    if options.energy_kwh is not None and options.systems is not None:
        raise InputError("--energy-kwh: found it with --systems, expected one of them: either says what my systems use")
    of_only_system = {"--duration-s": options.duration_s, "--flops": options.flops, "--params": options.params}
    if options.energy_kwh is None and (given := [name for name, value in of_only_system.items() if value is not None]):
        raise InputError(f"{given[0]}: found it without --energy-kwh, expected it in my rows, or both")
    names = set(frame["architecture"])
    read = {} if options.references is None else read_rows(options.references, options.phase, options.gpu)
    own = {name: repeats for name, repeats in read.items() if name not in names}
    if options.systems is not None:
        own = read_rows(options.systems, options.phase, options.gpu)
    if options.energy_kwh is not None:
        system = System(options.energy_kwh, options.duration_s, options.flops, options.params)
        own = {MINE: Repeats(system, (options.energy_kwh,))}
        references = read
    else:
        references = {name: repeats for name, repeats in read.items() if name in names}
        if options.source is None and not references:
            raise InputError(
                f"{options.references}: found {', '.join(list(read)[:3])}, none of which is in the study, expected "
                f"rows of its architectures, such as {', '.join(sorted(names)[:3])}"
            )
        if not own:
            origin = options.systems or options.references or "--source"
            raise InputError(
                f"{origin}: found no system beside those of the study, expected rows of yours, or --energy-kwh"
            )
    if options.source is not None:
        references = references_of_study(frame, options.source, options.target, options.phase)
    return references, own


def check_device(options: argparse.Namespace, frame: "pd.DataFrame") -> list[str]:
    """Refuse systems that were measured on another GPU than the references; return what is odd of them in sentences.

    Args:
        options: of the command.
        frame: the study's table of measurements.

    Raises:
        InputError: they were.
    """
    from isojoule.normalization.user_devices import check_one_device
    from isojoule.normalization.user_rows import read_frame

    if options.references is not None:
        references, origin = read_frame(options.references, options.phase, options.gpu), str(options.references)
    else:
        is_of_source = (frame["phase"] == options.phase) & (frame["outcome"] == "ok") & (frame["gpu"] == options.source)
        references, origin = frame[is_of_source], options.source
    own = options.systems if options.energy_kwh is None else None
    systems = references if own is None else read_frame(own, options.phase, options.gpu)
    return check_one_device(references, systems, (origin, str(own or origin)))


def qualities(options: argparse.Namespace) -> "pd.DataFrame":
    """Return the qualities of my systems by name, means over repeats, from the file that has the systems."""
    from isojoule.normalization.user_rows import qualities_of, read_frame

    return qualities_of(read_frame(options.systems or options.references, options.phase, options.gpu))


def row_of(name: str, record: dict[str, object]) -> dict[str, object]:
    """Return a normalized energy as a row of a table of measurements."""
    columns = ("phase", "energy_kwh", "energy_kind", "low_kwh", "high_kwh", "method")
    return {"architecture": name, "gpu": record["target"], **{column: record[column] for column in columns}}
