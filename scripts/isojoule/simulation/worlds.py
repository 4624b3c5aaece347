"""Simulated worlds: energies of known truth on GPUs that are made up, to try methods on, to plan and to teach.

A kernel takes the longer of its arithmetic and its memory traffic (the roofline: Williams, Waterman and Patterson,
"Roofline: an insightful visual performance model for multicore architectures", 2009) plus the time to launch it. Its
energy is the GPU's static power over that time, plus so much per operation and per byte (Choi, Bedard, Fowler and
Vuduc, "A roofline model of energy", 2013); a GPU at its power limit slows down. Every row of a world says that it is
simulated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.tables import measurements
from isojoule.units import JOULES_PER_KWH

FAMILIES = ("mlp", "cnn", "rnn", "crnn")
# passes over the clips, and batches of 8 of 1578 clips: the published protocol (DESED, weakly labelled)
EPOCHS = {"train": 10, "test": 1}
CLIPS, BATCH_SIZE = 1578, 8
STEPS = -(-CLIPS // BATCH_SIZE)


@dataclass(frozen=True)
class Gpu:
    """A made-up GPU.

    Attributes:
        name: of the GPU.
        peak_flops_per_s: arithmetic at full occupancy, FLOP/s.
        bandwidth_bytes_per_s: of the memory.
        launch_s: time to launch a kernel.
        flops_to_fill: operations of a kernel at which the GPU reaches half of its peak; a larger GPU needs more.
        static_power_w: drawn whenever the GPU is in use.
        power_limit_w: where it slows down.
        joules_per_flop: energy of an operation.
        joules_per_byte: energy of moving a byte.
        efficiency: share of the peak by family, above 0; a library may suit convolutions better than recurrences.
    """

    name: str
    peak_flops_per_s: float
    bandwidth_bytes_per_s: float
    launch_s: float
    flops_to_fill: float
    static_power_w: float
    power_limit_w: float
    joules_per_flop: float
    joules_per_byte: float
    efficiency: dict[str, float]


def published_systems() -> pd.DataFrame:
    """The 43 published architectures: kernels of a forward pass, and FLOPs and bytes as the compute stage counts."""
    return pd.read_csv(Path(__file__).with_name("systems.csv"))


def made_up_gpu(name: str, generator: np.random.Generator) -> Gpu:
    """Draw a GPU between a small card of 2016 and a large one of 2022."""

    def between(low: float, high: float) -> float:
        return float(np.exp(generator.uniform(np.log(low), np.log(high))))

    peak, limit = between(5e12, 4e13), between(70, 350)
    # 12 to 50 operations per byte: V100 17, RTX 2080 Ti 22, GTX 1080 Ti 23, T4 25, A40 53
    bandwidth = peak / between(12, 50)
    return Gpu(
        name=name,
        peak_flops_per_s=peak,
        bandwidth_bytes_per_s=bandwidth,
        launch_s=between(4e-6, 8e-6),
        flops_to_fill=peak * between(2e-6, 6e-6),
        static_power_w=limit * between(0.15, 0.35),
        power_limit_w=limit,
        joules_per_flop=limit / peak * between(0.4, 0.8),
        joules_per_byte=limit / bandwidth * between(0.3, 0.6),
        efficiency={family: float(min(1.0, 0.6 * np.exp(generator.normal(0, 0.15)))) for family in FAMILIES},
    )


def energy_and_duration(gpu: Gpu, systems: pd.DataFrame, phase: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True energy in kWh, (n,), and duration in s, (n,), of one run of every system.

    Args:
        gpu: the GPU.
        systems: the columns of `published_systems`, one row per system.
        phase: `train` or `test`.
    """
    column = {
        name: systems[name].to_numpy(dtype=np.float64) for name in systems if name not in ("architecture", "family")
    }
    flops, bytes_moved = BATCH_SIZE * column["forward_flops"], column["weights_bytes"] + column["activations_bytes"]
    kernels = column["kernels"]
    if phase == "train":
        flops = flops + BATCH_SIZE * column["backward_flops"]
        # weights forward and backward, gradients written and read, weights and moments read and written by Adam
        bytes_moved = (
            6 * column["weights_bytes"] + 2 * column["optimizer_state_bytes"] + 3 * column["activations_bytes"]
        )
        kernels = 3 * kernels
    efficiency = systems["family"].map(gpu.efficiency).fillna(0.6).to_numpy(dtype=np.float64)
    # a kernel as large as flops_to_fill takes twice as long as at full occupancy
    arithmetic_s = (flops + kernels * gpu.flops_to_fill) / (gpu.peak_flops_per_s * efficiency)
    step_s = kernels * gpu.launch_s + np.maximum(arithmetic_s, bytes_moved / gpu.bandwidth_bytes_per_s)
    dynamic_j = flops * gpu.joules_per_flop + bytes_moved * gpu.joules_per_byte
    step_s = np.maximum(step_s, dynamic_j / (gpu.power_limit_w - gpu.static_power_w))
    runs = EPOCHS[phase] * STEPS
    return runs * (gpu.static_power_w * step_s + dynamic_j) / JOULES_PER_KWH, runs * step_s


def world(
    seed: int,
    gpus: int | Sequence[Gpu] = 4,
    systems: pd.DataFrame | None = None,
    repeats: int = 1,
    run_noise: float = 0.02,
    system_noise: float = 0.03,
    slowed_share: float = 0.0,
) -> pd.DataFrame:
    """A table of measurements that nobody measured.

    Args:
        seed: of everything that is drawn.
        gpus: how many to make up, or the GPUs themselves.
        systems: as `published_systems`, the default.
        repeats: runs per cell.
        run_noise: relative standard deviation of one run, on energy and duration alike.
        system_noise: relative standard deviation of what a system does on one GPU beside the model, the same every run.
        slowed_share: share of runs that something slowed by 20 to 100 %.

    Returns:
        the columns of a table of measurements, all of energy_kind `simulated`, and `true_energy_kwh`, without the noise
        of the run.

    Raises:
        InputError: no GPU, no repeat, or a negative noise.
    """
    generator = np.random.default_rng(seed)
    if isinstance(gpus, int):
        gpus = [made_up_gpu(f"simulated-{seed}-{index}", generator) for index in range(gpus)]
    possible = all(value >= 0 for value in (run_noise, system_noise, slowed_share)) and slowed_share <= 1
    if not gpus or repeats < 1 or not possible:
        raise InputError(
            f"simulation: found {len(gpus)} GPUs, {repeats} repeats, noise {run_noise} and {system_noise}, share of "
            f"slowed runs {slowed_share}; expected at least 1 GPU and 1 repeat, no noise below 0, a share of 0 to 1"
        )
    systems = published_systems() if systems is None else systems
    parts = []
    for gpu in gpus:
        for phase in EPOCHS:
            true_kwh, true_s = energy_and_duration(gpu, systems, phase)
            own = np.exp(generator.normal(0, system_noise, len(systems)))
            for repeat in range(repeats):
                run = np.exp(generator.normal(0, run_noise, len(systems)))
                slowed = generator.random(len(systems)) < slowed_share
                run = run * np.where(slowed, generator.uniform(1.2, 2.0, len(systems)), 1.0)
                parts.append(
                    systems.drop(columns="kernels").assign(
                        gpu=gpu.name,
                        phase=phase,
                        repeat=repeat,
                        energy_kwh=true_kwh * own * run,
                        duration_s=true_s * own * run,
                        true_energy_kwh=true_kwh * own,
                    )
                )
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.assign(
        study="simulation",
        workload="tagging",
        outcome="ok",
        energy_kind="simulated",
        energy_source=f"isojoule.simulation, seed {seed}",
        power_w=frame["energy_kwh"] * JOULES_PER_KWH / frame["duration_s"],
        batch_size=BATCH_SIZE,
        epochs=frame["phase"].map(EPOCHS),
        steps=frame["phase"].map(EPOCHS) * STEPS,
        samples=frame["phase"].map(EPOCHS) * CLIPS,
    )
    return measurements.completed(frame, f"simulated world {seed}")
