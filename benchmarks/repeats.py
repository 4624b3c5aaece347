"""How far the repeats of a study on the CPU differ where nothing can be measured, and the CPU time itself beside them.

    python benchmarks repeats

A round measures a network of the demo three times by `isojoule measure`, as the three repeats of a study, with one
thread and in windows of the default length and of that of the demo: as the machine is, and beside a program that keeps
one core busy. Before each, a loop of Python that always does the same is timed by the CPU time that it takes, in the
same two ways: what it differs by is the machine's doing. A spread is the highest less the lowest of three, in per cent
of their mean, as in the flag `spread`. On a machine with RAPL the energies are measured ones, and rise with other
programs.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

import yaml
from suite import PROJECT, Row, command

from isojoule.energy.undisturbed import Stretches
from isojoule.records import MeasurementRecord, read_record

REPEATS = 3
# what a study has by default, for which there is a limit, and the demo
WINDOWS_S = (10.0, 1.0)
CPU = "cpu-1thread"
QUIET, BUSY = "as the machine is", "beside a busy core"
ALLOWED_PERCENT = {QUIET: 5.0, BUSY: 10.0}
LOOP = "a fixed loop"


def measure(rounds: int) -> list[Row]:
    """Measure all rounds, and compare the spreads with what is allowed."""
    spreads: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    loads: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder)
        for number in range(rounds):
            for where in (QUIET, BUSY) if number % 2 == 0 else (BUSY, QUIET):
                with busy_core() if where == BUSY else idle():
                    values, others = one_round(folder / f"{number}-{where.split()[0]}", folder)
                loads[where] += others
                for (what, way), of_repeats in values.items():
                    spreads[where, what, way].append(spread_percent(of_repeats))
    rows = []
    for where, allowed_percent in ALLOWED_PERCENT.items():
        for (of_where, what, way), found in spreads.items():
            if of_where == where:
                limit = "<= 1" if way == "estimate" and what.endswith(in_windows(WINDOWS_S[0])) else ""
                rows.append(Row(f"{what}, {where}, {way}", found, "allowed spread", [allowed_percent], "%", limit))
        rows.append(Row(f"load of other programs, {where}", loads[where], "one core", [100.0], "%"))
    return rows


def prepare(folder: Path) -> None:
    """Write the study, once for each length of its windows, and extract its features."""
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    content |= {
        "study": "repeats",
        "architectures": {"mlp": [{"layers": 1, "hidden": [32]}]},
        "repeats": REPEATS,
    }
    for window_s in WINDOWS_S:
        content["energy"] |= {"min_window_s": window_s}
        study(folder, window_s).write_text(yaml.safe_dump(content), encoding="utf-8")
    ours, config = [sys.executable, "-m", "isojoule"], study(folder, WINDOWS_S[0])
    command([*ours, "prepare-dataset", "--config", config, "--output", "dataset"], folder)
    extract = ["extract-features", "--config", config, "--dataset", "dataset", "--output", "features"]
    command([*ours, *extract], folder)


def study(folder: Path, window_s: float) -> Path:
    """Return the file of the study with windows of this length."""
    return folder / f"study-{window_s:g}s.yaml"


def in_windows(window_s: float) -> str:
    """Say how long the windows are."""
    return f"in windows of {window_s:g} s"


def one_round(results: Path, folder: Path) -> tuple[dict[tuple[str, str], list[float]], list[float]]:
    """Return energies and times of the repeats by what was measured and in which way, and the load of others."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    loads = []
    for repeat in range(REPEATS):
        mean_s, least_s = fixed_loop()
        values[LOOP, "least CPU time"].append(least_s)
        values[LOOP, "mean CPU time"].append(mean_s)
        for window_s in WINDOWS_S:
            of_windows = results / f"{window_s:g}s"
            of_windows.mkdir(parents=True, exist_ok=True)
            if not (of_windows / "features").exists():
                (of_windows / "features").symlink_to(folder / "features")
            words = ["measure", "--config", study(folder, window_s), "--gpu", CPU, "--repeat", repeat]
            command([sys.executable, "-m", "isojoule", *words, "--results", of_windows], folder)
            for path in sorted((of_windows / "records").rglob(f"*-{repeat}.json")):
                record = read_record(path, MeasurementRecord)
                assert record.energy is not None
                energy, what = record.energy, f"{record.architecture} {record.phase} {in_windows(window_s)}"
                values[what, "estimate"].append(energy.computing.energy_kwh)
                slowed = 1 + (energy.window.slowed_percent or 0.0) / 100
                values[what, "by mean CPU time"].append(energy.computing.energy_kwh * slowed)
                values[what, "CodeCarbon"].append(energy.codecarbon.cpu_energy_kwh or 0.0)
                loads.append(energy.window.host_load_percent or 0.0)
    return values, loads


def fixed_loop() -> tuple[float, float]:
    """Return the mean and the least CPU time of a loop that is repeated for the length of a window by default."""
    began_s, began_cpu_s, repetitions = time.perf_counter(), time.process_time(), 0
    stretches = Stretches(time.process_time, began_s, began_cpu_s)
    while time.perf_counter() - began_s < WINDOWS_S[0]:
        total = 0
        for number in range(100_000):
            total += number * number
        repetitions += 1
        stretches.repeated(time.perf_counter())
    assert stretches.least_s is not None
    return (time.process_time() - began_cpu_s) / repetitions, stretches.least_s


def spread_percent(values: list[float]) -> float:
    """Return the highest less the lowest, in per cent of the mean."""
    return 100 * (max(values) - min(values)) / fmean(values)


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy meanwhile, by a program of ordinary priority, whatever that of the benchmark is."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            os.sched_setscheduler(busy.pid, os.SCHED_OTHER, os.sched_param(0))
            yield
        finally:
            busy.kill()


@contextmanager
def idle() -> Iterator[None]:
    """Leave the machine as it is."""
    yield
