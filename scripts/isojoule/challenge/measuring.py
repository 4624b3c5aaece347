"""Measure the references of a kit on this machine, as a study of its own, and make a submission of what came out."""

import json
from pathlib import Path

from isojoule.challenge.kit import checksum
from isojoule.errors import InputError
from isojoule.files import write_json
from isojoule.measuring.whole_study import BlockOutcome, measure_study
from isojoule.readable import counted
from isojoule.records import Certificate, MeasurementRecord, provenance, read_record
from isojoule.records.challenge import Kit, Measured, Submission

GPU = "mine"


def measure(kit: Kit, team: str, folder: Path, *, is_cpu: bool, threads: int, allow_shared: bool) -> Submission:
    """Measure the references; what is in the folder from an earlier call is not measured again.

    Args:
        kit: of the organizers.
        team: its name.
        folder: for records, features and certificates.
        is_cpu: whether the CPU computes.
        threads: of the computation on a CPU.
        allow_shared: whether others may be on the GPU.

    Raises:
        InputError: the kit is of another version, or a reference has no record.
    """
    here = provenance.software()["isojoule"]
    if kit.software["isojoule"] != here:
        raise InputError(
            f"kit: found one of isojoule {kit.software['isojoule']}, expected {here}, which is installed here; install "
            "the version of the kit, which the organizers give"
        )
    entry = {"device": "cpu", "threads": threads} if is_cpu else {"device": "cuda"}
    content = kit.configuration | {"gpus": {GPU: entry}}
    energy = content.get("energy")
    if not isinstance(energy, dict):
        raise InputError(f"kit: configuration.energy: found {energy}, expected the settings of the meter")
    content["energy"] = energy | {"allow_shared": allow_shared}
    config = folder / "config.json"
    # the same kit on another device is another study
    if config.exists() and json.loads(config.read_text(encoding="utf-8")) != content:
        raise InputError(f"{folder}: found the references of another kit or device, expected a folder of its own")
    write_json(config, content)
    outcomes = measure_study(config, [GPU], folder)
    records = [read_record(path, MeasurementRecord) for path in sorted((folder / "records").rglob("*.json"))]
    if not records or BlockOutcome.CELLS_LEFT in outcomes:
        raise InputError(
            f"{folder}: found {counted(len(records), 'record')}, expected some of every reference; see above"
        )
    certificates = [read_record(path, Certificate) for path in sorted((folder / "certificates").glob("*.json"))]
    return Submission(
        team=team,
        kit=checksum(kit),
        phase=kit.phase,
        quality=kit.quality,
        references=[Measured.of(record) for record in records],
        certificates={certificate.name: certificate.findings for certificate in certificates},
        hardware=records[0].hardware,
        software=records[0].provenance.software,
        made_at=provenance.now(),
    )
