"""Extract the features of all clips of a study, once, and record what that cost.

    python scripts/extract_features.py --config config/demo.yaml --dataset results/demo/dataset \\
        --output results/demo/features --workers 2

Needs the manifest of scripts/prepare_dataset.py. Writes the features, statistics.json and record.json.
"""

import argparse
import os
from pathlib import Path

from isojoule.alone import Device
from isojoule.programs import CONFIG_HELP, command_line, run_computing


def main(options: argparse.Namespace, machine: Device) -> None:
    """Extract inside one window of the energy meter, then write the record."""
    from isojoule import configuration, provenance, workloads
    from isojoule.cells import features_code, features_slice, fingerprint
    from isojoule.energy import Meter
    from isojoule.files import write_text
    from isojoule.records import ExtractionRecord

    study = configuration.load(options.config)
    started_at = provenance.now()
    decided_by = fingerprint(features_slice(study)), features_code(study)
    meter = Meter(study["energy"]["country_iso_code"], idle_s=study["energy"]["idle_s"])
    extraction = workloads.part(study["workload"], "extraction")
    with machine.alone(), meter as window:
        clips = extraction.extract_study(study, options.dataset, options.output, options.workers)
    energy = window.energy
    record = ExtractionRecord(
        study=study["study"],
        workload=study["workload"],
        started_at=started_at,
        ended_at=provenance.now(),
        clips=clips,
        clips_per_s=clips / energy.duration_s,
        workers=options.workers,
        energy=energy,
        hardware=provenance.hardware(),
        provenance=provenance.provenance(1, *decided_by),
    )
    write_text(options.output / "record.json", record.model_dump_json(indent=2) + "\n")
    print(f"{options.output}: {clips} clips in {energy.duration_s:.1f} s, {record.clips_per_s:.0f} clips/s", flush=True)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--config", type=Path, required=True, help=CONFIG_HELP)
    parser.add_argument("--dataset", type=Path, required=True, help="folder of the manifest")
    parser.add_argument("--output", type=Path, required=True, help="folder of the features")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="threads that decode (default: all cores)")
    run_computing(main, parser)
