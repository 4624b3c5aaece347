"""A kit: one file with all that a participant needs to measure the references, and an organizer to normalize."""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from isojoule.errors import InputError
from isojoule.files import unreadable, written_whole
from isojoule.normalization.pairs import SEPARATOR
from isojoule.normalization.reference_sets import reference_sets
from isojoule.normalization.user_system import systems_on_target
from isojoule.records import provenance, read_record
from isojoule.records.challenge import Kit
from isojoule.records.writing import as_text
from isojoule.seals import ChangedError
from isojoule.study.cells import architectures
from isojoule.tables.columns import COLUMNS as COLUMNS_OF_TABLES
from isojoule.tables.measurements import completed
from isojoule.tables.text_file import checked_text
from isojoule.workloads.interface import Configuration

KIT, STUDY, README = "kit.json", "study.csv", "README.txt"
# what normalization reads of a study
COLUMNS = (
    *("gpu", "architecture", "family", "phase", "repeat", "outcome", "energy_kwh", "energy_kind", "duration_s"),
    *("flops", "params", "samples", "device_name"),
)
# keys of a study that say where it was measured, and how it was analysed
LEFT_OUT = ("gpus", "normalization", "pareto", "figures", "analysis", "architectures", "dataset", "phases")
# a kit of any size is read whole
LARGEST_BYTES = 2**28
# the classes of clips that are made up
CLASSES, FEWEST_CLIPS = 10, 20
# what says which model a reference is
DESCRIBED = ("name", "family", "model", "arguments")


def make(
    configuration: Configuration,
    frame: pd.DataFrame,
    target: str,
    phase: str,
    references: Sequence[str] | int,
    quality: str,
    repeats: int,
) -> tuple[Kit, str]:
    """Make the content of a kit: its record, and the study's rows as CSV.

    Args:
        configuration: of the study.
        frame: its table of measurements.
        target: GPU of the study that all energies are normalized to.
        phase: `train` or `test`.
        references: names of the references, the first of which scores are relative to, or how many to choose.
        quality: name of the quality that systems are ranked by.
        repeats: how often participants measure each reference.

    Raises:
        InputError: the study has no such GPU or reference, or participants could not measure it without its data.
    """
    column = COLUMNS_OF_TABLES.get(quality)
    is_other = column is not None and not str(column.source).startswith("record.quality.")
    if not quality.isidentifier() or is_other:
        raise InputError(f"--quality: found {quality or 'nothing'}, expected a name that teams can give, such as psds1")
    of_phase = frame[(frame["phase"] == phase) & (frame["outcome"] == "ok")]
    on_target = systems_on_target(frame, target, phase)
    names = list(references) if not isinstance(references, int) else _chosen(frame, phase, references)
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError(f"references: found {', '.join(names) or 'none'}, expected two or more, each once")
    for name in names:
        if name not in on_target.index:
            raise InputError(f"references: found {name}, which was not measured on {target}, expected one that was")
    text = of_phase[[column for column in COLUMNS if of_phase[column].notna().any()]].to_csv(index=False)
    rows = of_phase[of_phase["gpu"] == target]
    device = rows["device_name"].dropna()
    kit = Kit(
        study=configuration.study,
        phase=phase,
        target=target,
        target_device=device.iloc[0] if len(device) else None,
        references_kwh={name: float(on_target.loc[name, "energy_kwh"]) for name in names},
        baseline=names[0],
        quality=quality,
        configuration=_to_measure(configuration, of_phase, phase, names, repeats),
        study_sha256=hashlib.sha256(text.encode()).hexdigest(),
        software=provenance.software(),
        made_at=provenance.now(),
    )
    return kit, text


def write(path: Path, kit: Kit, study: str) -> None:
    """Write a kit into one file, whole or not at all.

    Raises:
        InputError: the file has another ending than .zip, or cannot be written.
    """
    if path.suffix != ".zip":
        raise InputError(f"{path}: found the ending {path.suffix or 'none'}, expected .zip")
    readme = (
        f"A kit of a challenge: {len(kit.references_kwh)} references of {kit.study}, to be measured on your GPU.\n\n"
        f"    pip install './isojoule-{kit.software['isojoule']}-py3-none-any.whl[measure,analysis]'\n"
        f"    isojoule challenge run {path.name} --team NAME --output submission.json\n"
        "    isojoule run --name SYSTEM --append submission.json "
        f"--phase {kit.phase} --quality {kit.quality}=VALUE -- COMMAND\n"
    )
    with written_whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in ((KIT, as_text(kit)), (STUDY, study), (README, readme)):
            packed.writestr(name, text)


def read(path: Path) -> tuple[Kit, pd.DataFrame]:
    """Read a kit; its checksum is `kit.seal.sha256`.

    Returns:
        its record, and the study's table of measurements as far as it is in the kit.

    Raises:
        InputError: there is no such file, it is no kit, is cut off, was edited, or is of another version.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > LARGEST_BYTES:
                raise InputError(f"{path}: is not a kit: found more than {LARGEST_BYTES:,} bytes in it")
            texts = {name: packed.read(name) for name in (KIT, STUDY)}
    except OSError as error:
        raise unreadable(path, error, "a kit, the .zip file of the organizers") from error
    except KeyError as error:
        raise InputError(f"{path}: is not a kit: found no {KIT} and {STUDY} in it") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError(f"{path}: is not a kit, or was cut off: {error}; expected that of the organizers") from error
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / KIT
        inside.write_bytes(texts[KIT])
        table = Path(folder) / STUDY
        table.write_bytes(texts[STUDY])
        try:
            kit = read_record(inside, Kit)
            if hashlib.sha256(texts[STUDY]).hexdigest() != kit.study_sha256:
                raise InputError(f"{table}: was edited, expected the file of the organizers")
            if kit.seal is None:
                raise InputError(f"{inside}: was edited, expected the file of the organizers")
            text, _ = checked_text(table, "the table of a kit")
        except ChangedError as error:
            raise InputError(f"{path}/{KIT}: was edited, expected the file of the organizers") from error
        except InputError as error:
            raise InputError(str(error).replace(folder, str(path))) from error
    frame = pd.read_csv(io.StringIO(text), dtype=dict.fromkeys(("gpu", "architecture", "family"), "str"))
    return kit, completed(frame, f"{path}/{STUDY}")


def checksum(kit: Kit) -> str:
    """Return what tells one kit from another."""
    return kit.seal.sha256 if kit.seal else ""


def _chosen(frame: pd.DataFrame, phase: str, count: int) -> list[str]:
    """Choose references; the one of middle energy comes first."""
    sets = reference_sets(frame, phase, 10.0)
    if count not in set(sets["references"]):
        low, high = sets["references"].min(), sets["references"].max()
        raise InputError(f"references: found {count}, expected {low} to {high} of this study")
    names = sets.loc[sets["references"] == count, "reference_names"].item().split(SEPARATOR)
    energies = frame[frame["phase"] == phase].groupby("architecture")["energy_kwh"].mean()
    ordered = sorted(names, key=lambda name: energies[name])
    middle = ordered[len(ordered) // 2]
    return [middle, *(name for name in ordered if name != middle)]


def _to_measure(
    configuration: Configuration, rows: pd.DataFrame, phase: str, names: Sequence[str], repeats: int
) -> dict[str, Any]:
    """Return the configuration of the references' measurement, which needs no data of the study."""
    if configuration.workload != "tagging":
        raise InputError(f"workload: found {configuration.workload}, expected tagging, whose clips can be made up")
    by_name = architectures(configuration)
    if unknown := [name for name in names if name not in by_name]:
        raise InputError(
            f"references: found {', '.join(unknown)}, which the table has and the configuration has not, expected the "
            "configuration that the table was measured with"
        )
    if foreign := [name for name in names if not by_name[name].model.startswith("isojoule.")]:
        raise InputError(f"references: found {foreign[0]}, which is code of yours, expected one of isojoule")
    chosen = [by_name[name] for name in names]
    if (classes := chosen[0].arguments.get("n_classes", CLASSES)) != CLASSES:
        raise InputError(f"dataset: found {classes} classes, expected {CLASSES}, which clips can be made up of")
    content = json.loads(json.dumps(configuration.plain()))
    dataset = content["dataset"]
    if dataset["source"] != "synthetic":
        clips = rows["samples"] / rows["epochs"]
        if clips.isna().any():
            raise InputError("samples: found no number of clips in a row, expected samples and epochs in every one")
        number = max(int(clips.iloc[0]), FEWEST_CLIPS)
        dataset = {"source": "synthetic", "train_clips": number, "test_clips": number, "seed": 0}
    to_measure: dict[str, Any] = {key: value for key, value in content.items() if key not in LEFT_OUT}
    return to_measure | {
        "study": "challenge",
        "repeats": repeats,
        "phases": {phase: content["phases"][phase]},
        "dataset": dataset,
        "architectures": {"custom": [{name: getattr(one, name) for name in DESCRIBED} for one in chosen]},
    }
