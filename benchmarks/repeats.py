"""How far the repeats of a study on the CPU differ where nothing can be measured, and the CPU time itself beside them.

    python benchmarks repeats

A round measures a network of the demo three times by `isojoule measure`, as the three repeats of a study, in windows of
the default length and with one thread: as the machine is, and beside a program that keeps one core busy. Before each,
a loop of Python that always does the same is timed by the CPU time that it takes, in the same two ways: what it differs
by is the machine's doing. A spread is the highest less the lowest of three, in per cent of their mean, as in the flag
`spread`. On a machine with RAPL the energies are measured ones, and rise with other programs.
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

REPEATS, WINDOW_S = 3, 10.0
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
                limit = "<= 1" if way == "estimate" else ""
                rows.append(Row(f"{what}, {where}, {way}", found, "allowed spread", [allowed_percent], "%", limit))
        rows.append(Row(f"load of other programs, {where}", loads[where], "one core", [100.0], "%"))
    return rows


def prepare(folder: Path) -> None:
    """Write the study and extract its features."""
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    content |= {
        "study": "repeats",
        "architectures": {"mlp": [{"layers": 1, "hidden": [32]}]},
        "repeats": REPEATS,
        "energy": {"country_iso_code": "FRA", "min_window_s": WINDOW_S},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    ours = [sys.executable, "-m", "isojoule"]
    command([*ours, "prepare-dataset", "--config", "study.yaml", "--output", "dataset"], folder)
    extract = ["extract-features", "--config", "study.yaml", "--dataset", "dataset", "--output", "features"]
    command([*ours, *extract], folder)


def one_round(results: Path, folder: Path) -> tuple[dict[tuple[str, str], list[float]], list[float]]:
    """Return energies and times of the repeats by what was measured and in which way, and the load of others."""
    results.mkdir()
    (results / "features").symlink_to(folder / "features")
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    loads = []
    for repeat in range(REPEATS):
        mean_s, least_s = fixed_loop()
        values[LOOP, "least CPU time"].append(least_s)
        values[LOOP, "mean CPU time"].append(mean_s)
        words = ["measure", "--config", folder / "study.yaml", "--gpu", CPU, "--repeat", repeat]
        command([sys.executable, "-m", "isojoule", *words, "--results", results], folder)
        for path in sorted((results / "records").rglob(f"*-{repeat}.json")):
            record = read_record(path, MeasurementRecord)
            assert record.energy is not None
            what, energy = f"{record.architecture} {record.phase}", record.energy
            values[what, "estimate"].append(energy.computing.energy_kwh)
            slowed = 1 + (energy.window.slowed_percent or 0.0) / 100
            values[what, "by mean CPU time"].append(energy.computing.energy_kwh * slowed)
            values[what, "CodeCarbon"].append(energy.codecarbon.cpu_energy_kwh or 0.0)
            loads.append(energy.window.host_load_percent or 0.0)
    return values, loads


def fixed_loop() -> tuple[float, float]:
    """Return the mean and the least CPU time of a loop that is repeated for the length of a window."""
    began_s, began_cpu_s, repetitions = time.perf_counter(), time.process_time(), 0
    stretches = Stretches(time.process_time, began_s, began_cpu_s)
    while time.perf_counter() - began_s < WINDOW_S:
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
