"""Measure how long the report of 100 architectures on 20 GPUs takes, and how quick its page is in a real browser.

    python benchmarks report

The figures are left out, since jobs of their own draw them. The budget of the report is a minute, and that of what a
reader does in the page is a second.
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


def measure(rounds: int) -> list[Row]:
    """Time the fronts, the page, its opening, a choice in its chart and the sorting of its table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        table().to_parquet(folder / "measurements.parquet", index=False)
        measurements = folder / "measurements.parquet"
        fronts = [sys.executable, "-m", "isojoule", "compare-fronts", measurements, "--output", folder / "pareto"]
        page = [sys.executable, "-m", "isojoule", "report", measurements, "--results", folder]
        tables = [folder / "pareto" / f"{name}.csv" for name in ("fronts", "summary", "stability")]
        page += ["--tables", *tables, "--output", folder / "report.html"]
        made_s, written_s = interleaved(rounds, partial(_wall_s, fronts, folder), partial(_wall_s, page, folder))
        opened_s, chosen_s, sorted_s = opened(folder / "report.html", rounds)
        size_mb = (folder / "report.html").stat().st_size / 1e6
    study = f"{ARCHITECTURES} architectures x {GPUS} GPUs"
    return [
        Row(f"fronts of {study}", made_s, "a minute", [60.0], "s", "<= 1"),
        Row(f"report of {study}", written_s, "a minute", [60.0], "s", "<= 1"),
        Row("size of that page", [size_mb], "what is sent by mail", [10.0], "MB", "<= 1"),
        Row("opening it, until all of it answers", opened_s, "ten seconds", [10.0], "s", "<= 1"),
        Row("another platform in the chart", chosen_s, "a second", [1.0], "s", "<= 1"),
        Row("sorting the table of energy", sorted_s, "a second", [1.0], "s", "<= 1"),
    ]


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
            page.select_option("#front-platform", "gpu7")
            page.wait_for_selector("#front-chart [aria-label*='on gpu7']", state="attached")
            times.append(time.perf_counter())
            header = page.locator("#energy-table thead th", has_text="Energy (kWh)").first
            header.click()
            page.wait_for_selector("#energy-table thead th[aria-sort=ascending]")
            times.append(time.perf_counter())
            durations_s.append(np.diff(times))
            page.close()
        browser.close()
    return [list(map(float, seconds)) for seconds in np.transpose(durations_s)]


def _wall_s(words: list[object], folder: Path) -> float:
    return command(words, folder).wall_s
