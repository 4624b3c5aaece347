"""What the meter costs the work inside its window: steps per second with and without it, interleaved.

    python benchmarks meter_overhead

Training steps of the smallest published model on the CPU, in slices: plain, and inside a window of the meter as a
measuring job opens it. A third kind has the meter sample a GPU of the tests' driver beside it, so that its
thread's share of the interpreter is in the figure; on a machine with a GPU, the real one. Energy without a meter is
read from the GPU's counter or RAPL, where there is one; the time that the CPU worked stands for it where not. With one
thread, what the process's other threads take of the CPU is the meter's: a bound that noise does not blur.
"""

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
from suite import PROJECT, Row

sys.path.append(str(PROJECT / "tests"))

from nvml_below import driver, library

from isojoule.energy import Meter, nvml
from isojoule.progress import heartbeat
from isojoule.study import reading
from isojoule.study.cells import architectures
from isojoule.workloads.building import build

MODEL, BATCH, CLIPS = "mlp-1x512", 8, 1578
SLICE_S = 2.0


def measure(rounds: int) -> list[Row]:
    """Steps per second, energy per step, and the CPU time of the meter's threads."""
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    steps = training(device)
    if device.type == "cpu":
        library.install()
    boards = nvml.visible() or [nvml.identify(driver.UUIDS[1])]
    options = {"idle_s": 0, "synchronize": (lambda: None) if device.type == "cpu" else None}
    meters = {
        "plain": None,
        "with meter": Meter(**options),
        "sampling a GPU": Meter(gpus=boards, **options),
    }
    if device.type == "cuda":
        del meters["with meter"]
    energy_j = reader(boards, device)
    slices: dict[str, list[dict[str, float]]] = {name: [] for name in meters}
    for _ in range(50):
        steps()
    # slices differ by more than the meter costs
    for number in range(10 * rounds):
        # every other round the other way round, so that drift favours nobody
        for name in list(meters)[:: 1 if number % 2 else -1]:
            slices[name].append(slice_of(steps, meters[name], energy_j, device))
    rows = []
    for name, mine in list(slices.items())[1:]:
        for what, unit, limit in (("steps_per_s", "steps/s", ">= 0.99"), ("energy_per_step", "J or CPU s", "<= 1.01")):
            ours, plain = ([one[what] for one in found] for found in (mine, slices["plain"]))
            rows.append(Row(f"{MODEL} {name}, {what.replace('_', ' ')}", ours, "without", plain, unit, limit))
        pairs = zip(mine, slices["plain"], strict=True)
        others_s = [one["other_threads_s"] - plain["other_threads_s"] for one, plain in pairs]
        rows.append(Row(f"{name}, CPU time of its threads", others_s, "the window", [SLICE_S], "s", "<= 0.01"))
    return rows


def training(device: torch.device) -> Callable[[], None]:
    """One training step of the smallest published model, data on the device."""
    torch.manual_seed(0)
    study = reading.load(PROJECT / "config" / "config.yaml")
    model = build(architectures(study)[MODEL]).to(device)
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
    step: Callable[[], None], meter: Meter | None, energy_j: Callable[[], float], device: torch.device
) -> dict[str, float]:
    """Steps per second and energy per step of one slice; the meter's start and stop are outside of what is timed."""
    window = meter or nullcontext()
    with window, heartbeat(lambda: "") if meter else nullcontext():
        synchronize(device)
        began_j, began_s, steps = energy_j(), time.perf_counter(), 0
        began_others_s = time.process_time() - time.thread_time()
        while time.perf_counter() - began_s < SLICE_S:
            for _ in range(20):
                step()
            steps += 20
        synchronize(device)
        took_s, used_j = time.perf_counter() - began_s, energy_j() - began_j
        others_s = time.process_time() - time.thread_time() - began_others_s
    return {
        "steps_per_s": steps / took_s,
        "energy_per_step": used_j / steps,
        "other_threads_s": others_s * SLICE_S / took_s,
    }


def reader(boards: list, device: torch.device) -> Callable[[], float]:
    """What stands for energy: the GPU's counter, RAPL, or seconds of CPU time of this process."""
    from isojoule.energy.rapl import Rapl

    if device.type == "cuda":
        board = nvml.Board(boards[0].uuid)
        return lambda: board.counter_j() or 0.0
    rapl = Rapl()
    return rapl.counter_j if rapl.readable else time.process_time


def synchronize(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()
