"""Measure which share of its device time a study spends inside windows: the demo, and the published study projected.

    python benchmarks study_efficiency

The benchmark times three things on this machine: the start of Snakemake, which every SLURM job has twice, the program
until its first window, and what each further cell costs beside its window. It compares three ways to cut a study into
jobs. The windows of the published study are as long as `isojoule plan` estimates. The time of the CUDA context is
assumed where this machine has no GPU.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import yaml
from suite import PROJECT, Row, command

from isojoule.compute.counting import count
from isojoule.files import write_text
from isojoule.records import ComputeRecord, MeasurementRecord, read_record
from isojoule.study import cost, reading
from isojoule.study.cells import architectures, cells
from isojoule.workloads.interface import Configuration

WIDTHS = [4, 5, 6, 7, 8, 9, 10, 11, 12]
# seconds of context, cuBLAS and cuDNN: assumed where no GPU is here, else in the time of the program
CUDA_S = 0.0 if torch.cuda.is_available() else 4.0
WAYS = ("one job per cell", "one job per architecture", "one job per repeat")
CHOSEN = "one job per repeat"


def measure(rounds: int) -> list[Row]:
    """Measure what a job and a cell cost, and compute the shares."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measured = costs(folder, rounds)
        demo = demonstrated(folder, rounds)
        study = reading.load(PROJECT / "config" / "config.yaml")
        for name, architecture in architectures(study).items():
            write_text(folder / "counts" / "compute" / f"{name}.json", count(study, architecture).model_dump_json())
        shares = {gpu: projected(study, folder / "counts", gpu, measured) for gpu in study.gpus}
    rows = [
        Row("Snakemake's start, twice in every SLURM job", measured["start"], "torch's import", measured["torch"], "s"),
        Row("a further cell beside its window", measured["cell"], "torch's import", measured["torch"], "s"),
        Row("demo, share of its jobs inside windows", demo, "all", [1.0], "", ">= 0.8"),
    ]
    for way in WAYS:
        limit = ">= 0.8" if way == CHOSEN else ""
        rows += [Row(f"{gpu}, {way}, projected", share[way], "all", [1.0], "", limit) for gpu, share in shares.items()]
    return rows


def costs(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Time the start of Snakemake, the program until its first window, and a cell beside its window."""
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    content |= {
        "study": "tiny",
        "dataset": {"source": "synthetic", "train_clips": 320, "test_clips": 120},
        "architectures": {"mlp": [{"layers": 1, "hidden": WIDTHS}]},
        "gpus": {"here": {"device": "cuda" if torch.cuda.is_available() else "cpu"}},
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "repeats": 1,
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100, "idle_s": 0},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    snakemake = [sys.executable, "-m", "snakemake", "-s", PROJECT / "Snakefile", "--cores", "1"]
    configured = ["--configfile", "study.yaml"]
    results = folder / "results" / "tiny"
    command([*snakemake, "results/tiny/features/statistics.json", *configured], folder)
    names = [f"mlp-1x{width}" for width in WIDTHS]
    durations_s: dict[str, list[float]] = {"start": [], "torch": [], "program": [], "cell": []}
    for _ in range(rounds):
        durations_s["start"].append(command([*snakemake, "-n", *configured], folder).wall_s)
        durations_s["torch"].append(command([sys.executable, "-c", "import torch"], folder).wall_s)
        of_one_s, windows_of_one_s = program(folder, results, names[:1])
        of_nine_s, windows_of_nine_s = program(folder, results, names)
        beside_one_s, beside_nine_s = of_one_s - windows_of_one_s, of_nine_s - windows_of_nine_s
        durations_s["cell"].append((beside_nine_s - beside_one_s) / (2 * len(names) - 2))
        durations_s["program"].append(beside_one_s - 2 * durations_s["cell"][-1])
    return durations_s


def demonstrated(folder: Path, rounds: int) -> list[float]:
    """Run one measuring job of the demo several times, and return the shares that its windows are of it."""
    demo, results = PROJECT / "config" / "demo.yaml", folder / "demo"
    study = reading.load(demo)
    command(
        [sys.executable, "-m", "isojoule", "prepare-dataset", "--config", demo, "--output", results / "dataset"],
        folder,
    )
    extract = ["--dataset", results / "dataset", "--output", results / "features"]
    command([sys.executable, "-m", "isojoule", "extract-features", "--config", demo, *extract], folder)
    shares = []
    for _ in range(rounds):
        seconds, windows_s = program(folder, results, list(architectures(study)), demo, next(iter(study.gpus)))
        shares.append(windows_s / seconds)
    return shares


def program(
    folder: Path, results: Path, names: Sequence[str], study: Path = Path("study.yaml"), gpu: str = "here"
) -> tuple[float, float]:
    """Run `isojoule measure` over these architectures; return its seconds, and those of its windows."""
    for part in ("attempts", "records"):
        shutil.rmtree(results / part, ignore_errors=True)
    words = [sys.executable, "-m", "isojoule", "measure", "--config", study, "--gpu", gpu, "--results", results]
    seconds = command([*words, "--architecture", *names], folder).wall_s
    records = [read_record(path, MeasurementRecord) for path in (results / "records").rglob("*.json")]
    assert len(records) == 2 * len(names)
    return seconds, sum(record.energy.window.duration_s for record in records if record.energy)


def projected(
    study: Configuration, results: Path, gpu: str, measured: dict[str, list[float]]
) -> dict[str, list[float]]:
    """Project the share of device time inside windows, in every round, by the way to cut the study into jobs."""
    counts = {name: read_record(results / "compute" / f"{name}.json", ComputeRecord) for name in architectures(study)}
    cells_of_gpu = [cell for cell in cells(study) if cell.gpu == gpu]
    examples = study.extent(results).examples
    estimates = (cost.roofline(study, cell, counts[cell.architecture], examples) for cell in cells_of_gpu)
    windows_s = sum(cost.length_of_window_s(study, estimate.duration_s) for estimate in estimates)
    start_s, program_s, cell_s = (np.array(measured[what]) for what in ("start", "program", "cell"))
    job_s = 2 * start_s + program_s + CUDA_S + study.energy.idle_s
    jobs = dict(zip(WAYS, (len(cells_of_gpu), len(counts), study.repeats), strict=True))
    return {
        way: (windows_s / (windows_s + number * job_s + len(cells_of_gpu) * cell_s)).tolist()
        for way, number in jobs.items()
    }
