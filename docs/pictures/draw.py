"""Draw the pictures of README.md and the pages again: a published front, a report, errors on energies of others.

    make pictures

Nothing is measured: the front is computed from what a paper printed, the study is simulated from a seed, and the errors
of normalization are computed from energies that others measured, in some minutes. The picture of the report is a
screenshot of the page in Debian's Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).parent
SIZE = {"width": 1100, "height": 900}
FIGURES = ("energy-platforms", "energy-explained", "normalization-points")


def isojoule(*words: object) -> None:
    """Run one command, and stop with its message where it fails."""
    subprocess.run([sys.executable, "-m", "isojoule", *map(str, words)], check=True)


def front(folder: Path) -> None:
    """Draw the published fronts of WaveFlow."""
    isojoule("literature", "--output", folder)
    isojoule("plot", "published-waveflow", folder / "waveflow.csv", "--output", PICTURES / "front.png")


def tables(folder: Path) -> None:
    """Draw the errors of normalization on tables of others."""
    energies = PICTURES.parents[1] / "reference" / "energies"
    isojoule("compare-normalization", energies, "--output", folder / "energies")
    errors = folder / "energies" / "errors.csv"
    isojoule("plot", "normalization-tables", errors, "--output", PICTURES / "normalization-tables.svg")


def page(folder: Path) -> Path:
    """Write the report of the 43 published architectures on four simulated GPUs, three repeats."""
    table = folder / "measurements.parquet"
    isojoule("simulate", "--seed", 0, "--gpus", 4, "--repeats", 3, "--output", table)
    isojoule("link-compute-energy", table, "--output", folder / "compute-energy")
    figures = [folder / f"{name}.svg" for name in FIGURES]
    for figure in figures:
        isojoule("plot", figure.stem, table, "--output", figure)
    tables = sorted((folder / "compute-energy").glob("*.csv"))
    report = folder / "report.html"
    shown = ["--results", folder, "--tables", *tables, "--figures", *figures]
    isojoule("report", table, *shown, "--output", report)
    return report


def screenshot(report: Path) -> None:
    """Photograph the top of the page when all of it answers."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        opened = browser.new_context(viewport=SIZE, offline=True).new_page()
        opened.goto(report.as_uri())
        opened.wait_for_selector("html[data-ready]", state="attached", timeout=60_000)
        opened.screenshot(path=PICTURES / "report.png")
        browser.close()


if __name__ == "__main__":
    if not shutil.which("chromium"):
        sys.exit("error: found no program chromium, expected Debian's: apt-get install chromium")
    with tempfile.TemporaryDirectory() as made:
        front(Path(made))
        tables(Path(made))
        screenshot(page(Path(made)))
