"""Extract the features of a study once, inside one window of the meter, and record what that cost."""

import os
from pathlib import Path

from isojoule import seals
from isojoule.energy import Meter
from isojoule.errors import InputError
from isojoule.files import read_json
from isojoule.measuring.device_lock import Device
from isojoule.records import ExtractionRecord, provenance, read_record
from isojoule.records.writing import write_record
from isojoule.study.reruns import features_code, features_slice, fingerprint
from isojoule.workloads import clip_files, interface
from isojoule.workloads.interface import Configuration

RECORD = "record.json"
MANIFEST = "manifest.tsv"
STATISTICS = "statistics.json"
PREPARES = "isojoule prepare-dataset"


def extract_features(
    configuration: Configuration, dataset: Path, folder: Path, workers: int, machine: Device
) -> ExtractionRecord:
    """Extract the features of all clips, and write the record of the extraction beside them.

    Args:
        configuration: the whole study.
        dataset: folder of the manifest.
        folder: folder where the features go.
        workers: number of threads that decode.
        machine: the right to compute on this machine's CPU.

    Raises:
        InputError: as the workload's `extract_study`.
        ChangedError: the manifest was changed since it was made, or a clip since then.
    """
    seals.check(dataset / MANIFEST)
    files = clip_files.check(dataset / MANIFEST, workers, PREPARES)
    started_at = provenance.now()
    energy = configuration.energy
    meter = Meter(country_iso_code=energy.country_iso_code, idle_s=energy.idle_s)
    extraction = interface.part(configuration.workload, "extraction")
    with machine.alone(), meter as window:
        clips = extraction.extract_study(configuration, dataset, folder, workers)
    _seal(configuration, folder)
    if MANIFEST in configuration.FEATURES:
        files.remember(folder / MANIFEST)
    record = ExtractionRecord(
        study=configuration.study,
        workload=configuration.workload,
        started_at=started_at,
        ended_at=max(provenance.now(), started_at),
        clips=clips,
        clips_per_s=clips / window.energy.duration_s,
        workers=workers,
        energy=window.energy,
        hardware=provenance.hardware(),
        provenance=provenance.provenance(1, *_decided_by(configuration)),
    )
    write_record(folder / RECORD, record)
    return record


def are_extracted(configuration: Configuration, folder: Path) -> bool:
    """Say whether a folder holds the features of this configuration and code.

    Raises:
        ChangedError: their record was changed since it was written.
    """
    try:
        made_by = read_record(folder / RECORD, ExtractionRecord).provenance
    except seals.ChangedError:
        raise
    except InputError:
        return False
    files = (*configuration.FEATURES, STATISTICS)
    decided_by = (made_by.configuration_fingerprint, made_by.code_fingerprint)
    return decided_by == _decided_by(configuration) and all((folder / name).is_file() for name in files)


def check_features(configuration: Configuration, folder: Path) -> None:
    """Refuse features that were changed since they were extracted, and say so where nobody can tell.

    The clips are checked as well where the work decodes them again.

    Raises:
        ChangedError: a file was changed; the message names it.
        InputError: a file is missing, or of another extraction.
    """
    found = {name: seals.check(folder / name) for name in (*configuration.FEATURES, STATISTICS)}
    # a copy may lack the seals beside the files, which the statistics name as well
    hashes = seals.read_json(folder / STATISTICS).get("sha256", {})
    if unsealed := [name for name, seal in found.items() if seal is None and name not in hashes]:
        print(f"{folder}: not sealed, nobody can tell whether it was changed: {', '.join(unsealed)}", flush=True)
    if configuration.session_settings().get("features") == "in_loop":
        clip_files.check(folder / MANIFEST, os.cpu_count() or 1, PREPARES)
    for name, seal in found.items():
        if name in hashes and hashes[name] != (seal.sha256 if seal else seals.content_hash(folder / name)):
            raise InputError(
                f"{folder / name}: was changed, or is of another extraction than {STATISTICS}; "
                f"{ExtractionRecord.MADE_BY} makes both"
            )


def _seal(configuration: Configuration, folder: Path) -> None:
    """Seal the features, and let their statistics name the hash of each file and the fingerprint of them all.

    What was measured on data of the same fingerprint need not be measured again, wherever the clips lie.
    """
    statistics = read_json(folder / STATISTICS)
    hashes = {name: seals.seal(folder / name, ExtractionRecord.MADE_BY) for name in configuration.FEATURES}
    of_data = fingerprint([statistics, {name: sha256 for name, sha256 in hashes.items() if name != MANIFEST}])
    sealed = {**statistics, "fingerprint": of_data, "sha256": hashes}
    seals.write_json(folder / STATISTICS, sealed, ExtractionRecord.MADE_BY)


def _decided_by(configuration: Configuration) -> tuple[str, str]:
    """The fingerprints of the configuration and the code that decide the features."""
    return fingerprint(features_slice(configuration)), features_code(configuration)
