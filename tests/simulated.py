"""Make records as the stages of a study would write them, without a measurement."""

import json

from isojoule.normalization import System, references
from isojoule.normalization.pairs import pair
from isojoule.records import ComputeRecord, MeasurementRecord
from isojoule.records.writing import write_record
from isojoule.study.cells import architectures, cells
from isojoule.study.reruns import compute_fingerprint, fingerprints

DATA = "0123456789abcdef"
MACHINE = {"hostname": "node", "cpu": "CPU", "cpu_cores": 2, "memory_bytes": 1}


def record(study, cell, energy_kwh=1e-3, window=(), **changes):
    """Make a simulated record of a cell; `window` changes keys of its window, `changes` other keys."""
    reading = {"energy_kwh": energy_kwh, "source": "simulation", "kind": "simulated"}
    names = ("cpu_energy_kwh", "gpu_energy_kwh", "ram_energy_kwh", "total_energy_kwh", "emissions_kg_co2e")
    codecarbon = {"version": "0", "country_iso_code": "FRA", **dict.fromkeys(names, 0)}
    codecarbon |= {"total_energy_kwh": 2e-3, "emissions_kg_co2e": 1.12e-4}
    content = {
        "study": study.study,
        "workload": "tagging",
        **vars(cell),
        "family": architectures(study)[cell.architecture].family,
        "outcome": "ok",
        "started_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T00:01:00Z",
        "precision": "fp32",
        "threads": 1,
        "seed": 0,
        "settings": {"features": "resident"},
        "work": {"epochs": 1, "steps": 2, "samples": 16, "batch_size": 8},
        "energy": {
            "duration_s": 36.0,
            "component": "cpu",
            "cpu": reading,
            "codecarbon": codecarbon,
            "window": {
                "duration_s": 36.0,
                "repetitions": 1,
                "instrument_period_s": 0.01,
                "resolution_percent": 0.03,
                **dict(window),
            },
        },
        "quality": {"macro_f1": 0.5} if cell.phase == "test" else {},
        "hardware": MACHINE,
        "place": 0,
        "provenance": {
            "commit": None,
            **fingerprints(study, cell, DATA),
            "software": {"torch": "2"},
            "attempt": 1,
        },
    }
    return MeasurementRecord.model_validate(content | changes)


def write_results(study, results):
    """Write records and counts of a whole study, with an energy that rises from cell to cell; return how many cells."""
    number = 0
    for number, cell in enumerate(cells(study), 1):
        path = results / "records" / cell.gpu / cell.architecture / f"{cell.phase}-{cell.repeat}.json"
        write_record(path, record(study, cell, 1e-3 * number))
    counts = ("parameters", "deepspeed_forward_flops", "forward_flops", "backward_flops")
    sizes = ("weights_bytes", "gradients_bytes", "optimizer_state_bytes", "activations_bytes", "peak_memory_bytes")
    for name, architecture in architectures(study).items():
        content = dict.fromkeys(counts + sizes, 100) | {
            "workload": "tagging",
            "architecture": name,
            "family": architecture.family,
            "training_flops_published": 300,
            "training_flops_exact": 200,
            "batch_size": 8,
            "duration_s": 1.0,
            "software": {},
            "configuration_fingerprint": compute_fingerprint(study, architecture),
        }
        write_record(results / "compute" / f"{name}.json", ComputeRecord.model_validate(content))
    (results / "features").mkdir()
    (results / "features" / "statistics.json").write_text(json.dumps({"fingerprint": DATA}))
    return number


def normalization_task(frame, own_gpu, target, count):
    """The study without the user's GPU, references and systems as measured on it, and the truth on the target."""
    both = pair(frame, "train", own_gpu, target)
    chosen = both.systems.index[references.choose_recommended(both.systems, count)]
    systems = {
        name: System(*both.systems.loc[name, ["energy_kwh", "duration_s", "flops", "params"]])
        for name in both.systems.index
    }
    truth_kwh = dict(zip(both.systems.index, both.target_kwh, strict=True))
    return frame[frame["gpu"] != own_gpu], {name: systems[name] for name in chosen}, systems, truth_kwh
