"""Measure how long a report takes, how large its page is, and how quick that is in a real browser.

    python benchmarks report

One page is of the published study, simulated, with its tables and figures; another is of 100 architectures on 20 GPUs,
with the figures of energies and fronts. Jobs of their own draw the figures, which are not timed. The budget of the
report is a minute, and that of what a reader does in the page is a second.
"""

import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright
from suite import Row, command, interleaved

ARCHITECTURES, GPUS = 100, 20
MEASUREMENTS = (
    *("energy-platforms", "energy-quality", "energy-computation-test", "energy-computation-train", "power-computation"),
    *("energy-explained", "normalization-points", "normalization-curves", "normalization-plane"),
)
FRONTS = ("pareto-energy", "pareto-normalized", "pareto-costs", "pareto-stability")
ERRORS = (
    *("normalization-sampling", "normalization-regression", "normalization-features", "normalization-references"),
)


def measure(rounds: int) -> list[Row]:
    """Time the fronts, the page, its opening, a choice in its chart and the sorting of its table."""
    with tempfile.TemporaryDirectory() as temporary:
        published, large = Path(temporary) / "published", Path(temporary) / "large"
        of_published = written(published, simulated(published), rounds, *MEASUREMENTS, *FRONTS, *ERRORS)
        of_large = written(large, table(), rounds, "energy-platforms", "energy-quality", *FRONTS)
        opened_published_s, *_ = opened(published / "report.html", rounds)
        opened_s, chosen_s, sorted_s = opened(large / "report.html", rounds)
        published_mb, large_mb = ((folder / "report.html").stat().st_size / 1e6 for folder in (published, large))
    study = f"{ARCHITECTURES} architectures x {GPUS} GPUs"
    return [
        Row("report of the published study, simulated", of_published[1], "a minute", [60.0], "s", "<= 1"),
        Row(
            "size of the page of the published study",
            [published_mb],
            "half of what is sent by mail",
            [5.0],
            "MB",
            "<= 1",
        ),
        Row("opening the page of the published study", opened_published_s, "ten seconds", [10.0], "s", "<= 1"),
        Row(f"fronts of {study}", of_large[0], "a minute", [60.0], "s", "<= 1"),
        Row(f"report of {study}", of_large[1], "a minute", [60.0], "s", "<= 1"),
        Row("size of that page", [large_mb], "what is sent by mail", [10.0], "MB", "<= 1"),
        Row("opening it, until all of it answers", opened_s, "ten seconds", [10.0], "s", "<= 1"),
        Row("another platform in the chart", chosen_s, "a second", [1.0], "s", "<= 1"),
        Row("sorting the table of energy", sorted_s, "a second", [1.0], "s", "<= 1"),
    ]


def written(folder: Path, frame: pd.DataFrame, rounds: int, *figures: str) -> tuple[list[float], list[float]]:
    """Write the page of a study with what its rules make, and return how long the fronts and the page took."""
    folder.mkdir(exist_ok=True)
    measurements, normalization = folder / "measurements.parquet", folder / "normalization"
    frame.to_parquet(measurements, index=False)
    fronts = words("compare-fronts", measurements, "--output", folder / "pareto")
    command(fronts, folder)
    of = {**dict.fromkeys(figures, measurements), **dict.fromkeys(FRONTS, folder / "pareto" / "fronts.csv")}
    command(words("link-compute-energy", measurements, "--output", folder / "compute-energy"), folder)
    if set(ERRORS) & set(figures):
        errors = normalization / "errors.parquet"
        of |= dict.fromkeys(ERRORS, errors)
        command(words("evaluate-normalization", measurements, "--output", errors), folder)
        command(words("rank-normalization", errors, "--output", normalization / "ranking.csv"), folder)
        command(words("choose-references", measurements, "--output", normalization / "references.csv"), folder)
    tables = sorted(folder.glob("*/*.csv"))
    findings = folder / "findings.csv"
    of_findings = (folder / "pareto" / "fronts.csv", folder / "compute-energy" / "explained.csv")
    said_of = [path for path in (*of_findings, normalization / "references.csv") if path.is_file()]
    of_results = ("--results", folder, "--tables")
    command(words("tabulate-findings", measurements, *of_results, *said_of, "--output", findings), folder)
    drawn = [folder / "figures" / f"{figure}.svg" for figure in figures]
    for figure, path in zip(figures, drawn, strict=True):
        command(words("plot", figure, of[figure], "--output", path), folder)
    page = words("report", measurements, *of_results, findings, *tables, "--figures", *drawn)
    page += ["--output", str(folder / "report.html")]
    return interleaved(rounds, partial(_wall_s, fronts, folder), partial(_wall_s, page, folder))


def words(*arguments: object) -> list[str]:
    """Return the command line of one command of isojoule."""
    return [sys.executable, "-m", "isojoule", *map(str, arguments)]


def simulated(folder: Path) -> pd.DataFrame:
    """Simulate the published study on four GPUs with three repeats, and make up a quality that grows with the size."""
    folder.mkdir()
    path = folder / "simulated.parquet"
    command(words("simulate", "--seed", 0, "--gpus", 4, "--repeats", 3, "--output", path), folder)
    frame = pd.read_parquet(path)
    noise = np.random.default_rng(0).normal(0, 0.01, len(frame))
    quality = (0.55 + np.log10(frame["params"].astype(float)) / 25 + noise).clip(0, 1)
    return frame.assign(macro_f1=quality.where(frame["phase"] == "test"))


def table() -> pd.DataFrame:
    """Make up measurements of three repeats of training and test."""
    generator = np.random.default_rng(0)
    shape = (ARCHITECTURES, GPUS, 2, 3)
    architecture, gpu, phase, repeat = (axis.ravel() for axis in np.indices(shape))
    size = generator.lognormal(0, 1.5, ARCHITECTURES)
    energy = size[architecture] * (1 + gpu) * np.where(phase == 0, 3e-4, 1e-5)
    frame = pd.DataFrame(
        {
            "gpu": [f"gpu{number}" for number in gpu],
            "architecture": [f"model-{number}" for number in architecture],
            "family": [f"family{number % 4}" for number in architecture],
            "phase": np.where(phase == 0, "train", "test"),
            "repeat": repeat,
            "energy_kwh": energy * generator.lognormal(0, 0.03, energy.size),
            "energy_kind": "simulated",
            "duration_s": 10.0,
            "params": (1e5 * size[architecture]).astype(int),
            "flops": (1e7 * size[architecture]).astype(int),
        }
    )
    quality = 0.5 + 0.1 * np.log(size[architecture]) + generator.normal(0, 0.02, energy.size)
    return frame.assign(macro_f1=np.where(phase == 1, quality.clip(0, 1), np.nan))


def opened(path: Path, rounds: int) -> list[list[float]]:
    """Time opening the page, a choice in its chart and sorting its table, in every round."""
    durations_s = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(rounds):
            page = browser.new_page()
            times = [time.perf_counter()]
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready]", state="attached", timeout=120_000)
            times.append(time.perf_counter())
            platform = page.locator("#front-platform option").nth(1).inner_text()
            page.select_option("#front-platform", platform)
            page.wait_for_selector(f"#front-chart [aria-label*='on {platform}']", state="attached")
            times.append(time.perf_counter())
            header = page.locator("#energy-table thead th", has_text="Energy (").first
            header.click()
            page.wait_for_selector("#energy-table thead th[aria-sort=ascending]")
            times.append(time.perf_counter())
            durations_s.append(np.diff(times))
            page.close()
        browser.close()
    return [list(map(float, seconds)) for seconds in np.transpose(durations_s)]


def _wall_s(words: list[object], folder: Path) -> float:
    return command(words, folder).wall_s
