"""Estimate what a study will cost before it starts.

    isojoule plan --config config/demo.yaml

The plan has cells, GPU hours, kWh, CO2e and disk. It is an estimate from the
counts of compute, from peak_tflops, memory_gb_per_s and max_power_w of each
GPU, and from the records that are there already. An architecture that the
results have no count of is counted now, on the CPU, and nothing is written.
"""

import argparse
from pathlib import Path

from isojoule.cli import arguments
from isojoule.measuring.device_lock import Device

COMPUTES = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.config(parser)
    parser.add_argument("--results", type=Path, help="folder of the study's results (default: results/<study>)")


def run(options: argparse.Namespace, _: Device) -> None:
    """Count what is not counted yet, estimate and say."""
    from isojoule.files import check_folder
    from isojoule.progress import heartbeat
    from isojoule.readable import counted
    from isojoule.records import ComputeRecord, read_record
    from isojoule.study import reading
    from isojoule.study.cells import architectures
    from isojoule.study.cost import plan
    from isojoule.study.reruns import compute_fingerprint

    study = reading.load(options.config)
    results = options.results or Path("results") / study.study
    check_folder(results)
    architectures_by_name = architectures(study)
    counts: dict[str, ComputeRecord] = {}
    with heartbeat(lambda: f"{len(counts)} of {counted(len(architectures_by_name), 'architecture')} counted"):
        for name, architecture in architectures_by_name.items():
            path = results / "compute" / f"{name}.json"
            count = read_record(path, ComputeRecord) if path.is_file() else None
            if count is None or count.configuration_fingerprint != compute_fingerprint(study, architecture):
                from isojoule.compute import counting

                count = counting.count(study, architecture)
            counts[name] = count
    print(plan(study, results, counts), flush=True)
