"""Share of allocated GPU time inside measuring windows: measured costs of a job and a cell, projected on a study.

    make plan                                  # counts the compute of the published study, once, in 4 minutes
    python benchmarks/study_efficiency.py --config config/config.yaml --results results/published

Times on this machine, medians of several runs: Snakemake's start (twice in every SLURM job), the program until its
first window, and what each further cell costs beside its window. Three ways to cut a study into jobs are compared.
Window lengths are those of `make plan`, an estimate; where this machine has no GPU, so is the CUDA context.
"""

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import yaml

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "scripts"))

from isojoule import configuration, plan, workloads
from isojoule.cells import architectures, cells
from isojoule.records import ComputeRecord, MeasurementRecord, read_record

WIDTHS = [4, 5, 6, 7, 8, 9, 10, 11, 12]
# context, cuBLAS and cuDNN on a data-centre node, where no GPU is here to measure it
ASSUMED_CUDA_S = 4.0


def main(options: argparse.Namespace) -> None:
    """Measure, project, write JSON, print Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        measured = costs(Path(folder), options.runs)
    study = configuration.load(options.config)
    shares = {gpu: projected(study, options.results, gpu, measured) for gpu in study["gpus"]}
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False)
    result = {
        "benchmark": "study_efficiency",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, "
        + (torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"),
        "runs": options.runs,
        "costs_s": measured,
        "share_in_windows": shares,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print("\n".join(table(result)))


def costs(folder: Path, runs: int) -> dict[str, Any]:
    """Seconds of Snakemake's start, of the program until its first window, and of a cell beside its window."""
    has_gpu = torch.cuda.is_available()
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    content |= {
        "study": "tiny",
        "dataset": {"source": "synthetic", "train_clips": 320, "test_clips": 120},
        "architectures": {"mlp": [{"layers": 1, "hidden": WIDTHS}]},
        "gpus": {"here": {"device": "cuda" if has_gpu else "cpu"}},
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "repeats": 1,
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100, "idle_s": 0},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    snakemake = [sys.executable, "-m", "snakemake", "-s", str(PROJECT / "Snakefile"), "--cores", "1"]
    configured = ["--configfile", "study.yaml"]
    results = folder / "results" / "tiny"
    call([*snakemake, "results/tiny/features/statistics.json", *configured], folder)
    names = [f"mlp-1x{width}" for width in WIDTHS]
    starts, firsts, further = [], [], []
    for _ in range(runs):
        starts.append(call([*snakemake, "-n", *configured], folder))
        one, one_windows = program(folder, results, names[:1])
        nine, nine_windows = program(folder, results, names)
        per_cell = ((nine - nine_windows) - (one - one_windows)) / (2 * len(names) - 2)
        further.append(per_cell)
        firsts.append(one - one_windows - 2 * per_cell)
    return {
        "snakemake_start": statistics.median(starts),
        "program": statistics.median(firsts),
        "cell": statistics.median(further),
        "cuda_context": 0.0 if has_gpu else ASSUMED_CUDA_S,
        "cuda_context_is": "measured within the program" if has_gpu else "assumed",
        "plain_import_torch": statistics.median(
            call([sys.executable, "-c", "import torch"], folder) for _ in range(runs)
        ),
    }


def program(folder: Path, results: Path, names: list[str]) -> tuple[float, float]:
    """Seconds of a whole measure.py over these architectures, and those of its windows."""
    for part in ("attempts", "records"):
        shutil.rmtree(results / part, ignore_errors=True)
    command = [sys.executable, str(PROJECT / "scripts" / "measure.py"), "--config", "study.yaml", "--gpu", "here"]
    seconds = call([*command, "--results", str(results), "--architecture", *names], folder)
    records = [read_record(path, MeasurementRecord) for path in (results / "records").rglob("*.json")]
    assert len(records) == 2 * len(names)
    return seconds, sum(record.energy.window.duration_s for record in records if record.energy)


def projected(
    study: configuration.Configuration, results: Path, gpu: str, measured: dict[str, Any]
) -> dict[str, float]:
    """Share of allocated time inside windows, by the way that the study is cut into jobs."""
    extent = workloads.load(study["workload"]).extent(study, results)
    counts = {name: read_record(results / "compute" / f"{name}.json", ComputeRecord) for name in architectures(study)}
    mine = [cell for cell in cells(study) if cell.gpu == gpu]
    estimates = (plan.roofline(study, cell, counts[cell.architecture], extent.examples) for cell in mine)
    windows_s = sum(plan.length_of_window_s(study, estimate.duration_s) for estimate in estimates)
    job_s = 2 * measured["snakemake_start"] + measured["program"] + measured["cuda_context"] + study["energy"]["idle_s"]
    jobs = {
        "one job per cell": len(mine),
        "one job per architecture": len(counts),
        "one job per repeat": study["repeats"],
    }
    allocated = {way: windows_s + number * job_s + len(mine) * measured["cell"] for way, number in jobs.items()}
    return {"windows_h": windows_s / 3600, **{way: windows_s / seconds for way, seconds in allocated.items()}}


def call(command: list[str], folder: Path) -> float:
    """Seconds of a command that must succeed."""
    began_s = time.perf_counter()
    ended = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    seconds = time.perf_counter() - began_s
    assert ended.returncode == 0, ended.stdout
    return seconds


def table(result: dict[str, Any]) -> Iterator[str]:
    """The result as Markdown."""
    costs_s = result["costs_s"]
    yield f"{result['date']}, {result['machine']}, commit {result['commit'][:12]}, medians of {result['runs']}:"
    yield ""
    yield "| cost | seconds |"
    yield "|---|---:|"
    yield f"| Snakemake's start, twice in every SLURM job | {costs_s['snakemake_start']:.2f} |"
    yield f"| the program until its first window, and its end | {costs_s['program']:.2f} |"
    yield f"| of that, floor: `python -c 'import torch'` | {costs_s['plain_import_torch']:.2f} |"
    yield f"| CUDA context ({costs_s['cuda_context_is']}) | {costs_s['cuda_context']:.2f} |"
    yield f"| a further cell beside its window | {costs_s['cell']:.2f} |"
    yield ""
    yield "| GPU | windows (h, estimated) | one job per cell | per architecture | per repeat (chosen) |"
    yield "|---|---:|---:|---:|---:|"
    for gpu, share in result["share_in_windows"].items():
        ways = ("one job per cell", "one job per architecture", "one job per repeat")
        figures = " | ".join(f"{100 * share[way]:.0f} %" for way in ways)
        yield f"| {gpu} | {share['windows_h']:.2f} | {figures} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=PROJECT / "config" / "config.yaml", help="the study to project")
    parser.add_argument("--results", type=Path, default=Path("results/published"), help="folder with compute records")
    parser.add_argument("--runs", type=int, default=5, help="how often each cost is measured (default: 5)")
    parser.add_argument("--output", type=Path, default=PROJECT / "benchmarks" / "study_efficiency.json")
    main(parser.parse_args())
