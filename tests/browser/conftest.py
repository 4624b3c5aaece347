import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import isojoule
from playwright.sync_api import sync_playwright

PROJECT = Path(__file__).parents[2]
ARTEFACTS = PROJECT / "artefacts" / "browser"
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
EVIL = ('<script>document.title="evil"</script>', 'it\'s "quoted" & <b>bold</b>')


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, without a screen; installed where that is possible and it is not there."""
    if not shutil.which("chromium"):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            pytest.skip("needs chromium: not installed, and only root on Debian can have it installed here")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            done = subprocess.run(
                ["apt-get", "-q", *command], env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser):
    """Open a page without network; a word on its console, an error or a request beyond the file fails the test."""

    @contextmanager
    def opened(path, width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        page = context.new_page()
        page.set_default_timeout(10_000)
        complaints = []
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached", timeout=60_000)
        yield page
        context.close()
        assert complaints == []

    return opened


def program(*words):
    done = isojoule(*words)
    assert done.returncode == 0, done.stderr


def written(folder, frame, figures=("energy-platforms",)):
    """The report of a table, with its fronts and some figures, as the rules make it."""
    folder.mkdir(parents=True, exist_ok=True)
    measurements = folder / "measurements.parquet"
    frame.to_parquet(measurements, index=False)
    program("compare-fronts", measurements, "--output", folder / "pareto")
    drawn = []
    for figure in figures:
        table = folder / "pareto" / "fronts.csv" if figure.startswith("pareto") else measurements
        drawn.append(folder / "figures" / f"{figure}.svg")
        program("plot", figure, table, "--allow-empty", "--output", drawn[-1])
    tables = sorted(folder.glob("*/*.csv"))
    page = folder / "report.html"
    shown = ["--tables", *tables, "--figures", *drawn]
    program("report", measurements, "--results", folder, *shown, "--output", page)
    return page


@pytest.fixture(scope="session")
def study(world):
    """Three GPUs, fourteen systems, three repeats, a quality, and names that are no good manners."""
    gpus, names = list(world["gpu"].unique()[:3]), sorted(world["architecture"].unique())[::3][:14]
    rows = world[world["gpu"].isin(gpus) & world["architecture"].isin(names)]
    rows = rows.assign(architecture=rows["architecture"].replace(dict(zip(names[:2], EVIL, strict=True))))
    generator = np.random.default_rng(0)
    repeats = [
        rows.assign(repeat=repeat, energy_kwh=rows["energy_kwh"] * generator.lognormal(0, 0.05, len(rows)))
        for repeat in range(3)
    ]
    frame = pd.concat(repeats, ignore_index=True)
    quality = np.log(frame["params"].astype(float)) / 25 + generator.normal(0, 0.03, len(frame))
    frame = frame.assign(macro_f1=quality.where(frame["phase"] == "test"))
    # one system is out of memory on one GPU
    lost = (frame["gpu"] == gpus[1]) & (frame["architecture"] == names[5])
    return frame.assign(outcome=frame["outcome"].mask(lost, "oom"), energy_kwh=frame["energy_kwh"].mask(lost))


@pytest.fixture(scope="session")
def report(browser, tmp_path_factory, study):
    return written(tmp_path_factory.mktemp("report"), study, ("energy-platforms", "energy-quality", "pareto-energy"))
