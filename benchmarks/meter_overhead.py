"""What the meter costs the work inside its window: steps per second with and without it, interleaved.

    python benchmarks/meter_overhead.py

Training steps of the smallest published model on the CPU, in slices: plain, and inside a window of the meter as a
measuring job opens it. A third kind has the meter sample a GPU of the tests' fake driver beside it, so that its
thread's share of the interpreter is in the figure; on a machine with a GPU, the real one. Energy without a meter is
read from the GPU's counter or RAPL, where there is one; the time that the CPU worked stands for it where not. With one
thread, what the process's other threads take of the CPU is the meter's: a bound that noise does not blur.
"""

import argparse
import json
import math
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import torch

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "scripts"))
if not torch.cuda.is_available():
    # torch has imported the real one already
    sys.modules.pop("pynvml", None)
    sys.path.insert(0, str(PROJECT / "tests" / "fake_nvml"))

import pynvml

from isojoule import configuration, gpus
from isojoule.cells import architectures
from isojoule.energy import Meter
from isojoule.heartbeat import heartbeat
from isojoule.models import build

HIDDEN, BATCH, CLIPS = "mlp-1x512", 8, 1578


def main(options: argparse.Namespace) -> None:
    """Measure, write JSON, print Markdown."""
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    steps = training(device)
    boards = gpus.visible() or [gpus.identify(pynvml.UUIDS[1])]
    options_of = {"idle_s": 0, "synchronize": (lambda: None) if device.type == "cpu" else None}
    meters = {
        "plain": None,
        "with meter": Meter("FRA", **options_of),
        "sampling a GPU": Meter("FRA", boards, **options_of),
    }
    if device.type == "cuda":
        del meters["with meter"]
    energy_j = reader(boards, device)
    slices: dict[str, list[dict[str, float]]] = {name: [] for name in meters}
    for _ in range(50):
        steps()
    for number in range(options.rounds):
        # every other round the other way round, so that drift favours nobody
        for name in list(meters)[:: 1 if number % 2 else -1]:
            slices[name].append(slice_of(steps, meters[name], options.slice_s, energy_j, device))
    result = {
        "benchmark": "meter_overhead",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": f"{platform.machine()}, {options.threads} threads, "
        + (torch.cuda.get_device_name() if device.type == "cuda" else "no GPU (fake driver)"),
        "model": HIDDEN,
        "slice_s": options.slice_s,
        "rounds": options.rounds,
        "costs": {name: cost(slices["plain"], mine) for name, mine in slices.items() if name != "plain"},
    }
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))


def training(device: torch.device) -> Callable[[], None]:
    """One training step of the smallest published model, data on the device."""
    torch.manual_seed(0)
    study = configuration.load(PROJECT / "config" / "config.yaml")
    model = build(architectures(study)[HIDDEN]).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    inputs, targets = torch.randn(CLIPS, 1, 128, 64, device=device), torch.rand(CLIPS, 10, device=device).round()
    order = torch.randperm(CLIPS).to(device).split(BATCH)
    done = 0

    def step() -> None:
        nonlocal done
        chosen = order[done % len(order)]
        done += 1
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.binary_cross_entropy_with_logits(model(inputs[chosen]), targets[chosen]).backward()
        optimizer.step()

    return step


def slice_of(
    step: Callable[[], None], meter: Meter | None, slice_s: float, energy_j: Callable[[], float], device: torch.device
) -> dict[str, float]:
    """Steps per second and energy per step of one slice; the meter's start and stop are outside of what is timed."""
    window = meter or nullcontext()
    with window, heartbeat(lambda: "") if meter else nullcontext():
        synchronize(device)
        began_j, began_s, steps = energy_j(), time.perf_counter(), 0
        began_others_s = time.process_time() - time.thread_time()
        while time.perf_counter() - began_s < slice_s:
            for _ in range(20):
                step()
            steps += 20
        synchronize(device)
        took_s, used_j = time.perf_counter() - began_s, energy_j() - began_j
        others_s = time.process_time() - time.thread_time() - began_others_s
    return {
        "steps_per_s": steps / took_s,
        "energy_per_step": used_j / steps,
        "other_threads_percent": 100 * others_s / took_s,
    }


def reader(boards: list, device: torch.device) -> Callable[[], float]:
    """What stands for energy: the GPU's counter, RAPL, or seconds of CPU time of this process."""
    from isojoule.energy.rapl import Rapl

    if device.type == "cuda":
        board = gpus.Board(boards[0].uuid)
        return lambda: board.counter_j() or 0.0
    rapl = Rapl()
    return rapl.counter_j if rapl.readable else time.process_time


def cost(plain: list[dict[str, float]], mine: list[dict[str, float]]) -> dict[str, float]:
    """Slower steps and more energy in per cent, medians over rounds, with half of the 95 % interval of their mean."""
    slower = [100 * (p["steps_per_s"] / m["steps_per_s"] - 1) for p, m in zip(plain, mine, strict=True)]
    more = [100 * (m["energy_per_step"] / p["energy_per_step"] - 1) for p, m in zip(plain, mine, strict=True)]
    return {
        "steps_per_s": statistics.median(m["steps_per_s"] for m in mine),
        "plain_steps_per_s": statistics.median(p["steps_per_s"] for p in plain),
        "time_percent": statistics.median(slower),
        "time_half_width_percent": 1.96 * statistics.stdev(slower) / math.sqrt(len(slower)),
        "energy_percent": statistics.median(more),
        "energy_half_width_percent": 1.96 * statistics.stdev(more) / math.sqrt(len(more)),
        "other_threads_percent": statistics.median(m["other_threads_percent"] for m in mine)
        - statistics.median(p["other_threads_percent"] for p in plain),
    }


def table(result: dict) -> str:
    """The result as Markdown."""
    lines = [
        "| | steps/s | plain | slower (%) | more energy (%) | CPU time of the meter's threads (% of the window) |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, found in result["costs"].items():
        lines.append(
            f"| {name} | {found['steps_per_s']:.0f} | {found['plain_steps_per_s']:.0f} "
            f"| {found['time_percent']:.2f} ± {found['time_half_width_percent']:.2f} "
            f"| {found['energy_percent']:.2f} ± {found['energy_half_width_percent']:.2f} "
            f"| {found['other_threads_percent']:.3f} |"
        )
    return "\n".join(lines)


def synchronize(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def commit() -> str:
    """The commit of the project."""
    ended = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False)
    return ended.stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25, help="slices of each kind (default: 25)")
    parser.add_argument("--slice-s", type=float, default=3.0, help="length of a slice in seconds (default: 3)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"), help="the result, JSON")
    main(parser.parse_args())
