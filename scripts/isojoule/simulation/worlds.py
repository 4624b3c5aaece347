"""Simulated worlds: energies of known truth on made-up GPUs, to try methods on, to plan and to teach.

A kernel takes the longer of its arithmetic and its memory traffic (the roofline: Williams, Waterman and Patterson,
"Roofline: an insightful visual performance model for multicore architectures", 2009) plus the time to launch it. Its
energy is the GPU's static power over that time, plus a fixed energy per operation and per byte (Choi, Bedard, Fowler
and Vuduc, "A roofline model of energy", 2013). A GPU at its power limit slows down. Every row of a world says that it
is simulated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.tables import measurements
from isojoule.units import JOULES_PER_KWH

FAMILIES = ("mlp", "cnn", "rnn", "crnn")
# share of the peak that a family outside a GPU's `efficiency` reaches
DEFAULT_EFFICIENCY = 0.6
# passes over the clips, and batches of 8 of 1578 clips: the published protocol (DESED, weakly labelled)
EPOCHS = {"train": 10, "test": 1}
CLIPS, BATCH_SIZE = 1578, 8
STEPS = -(-CLIPS // BATCH_SIZE)


@dataclass(frozen=True)
class Gpu:
    """A made-up GPU.

    Attributes:
        name: name of the GPU.
        peak_flops_per_s: operations per second when the GPU is full, in FLOP/s.
        bandwidth_bytes_per_s: bandwidth of the memory in bytes per second.
        launch_s: time to launch a kernel in seconds.
        flops_to_fill: operations of a kernel with which the GPU reaches half of its peak; a larger GPU needs more.
        static_power_w: power in watts that is drawn whenever the GPU is in use.
        power_limit_w: power in watts at which the GPU slows down.
        joules_per_flop: energy of an operation in joules.
        joules_per_byte: energy of moving a byte in joules.
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
    """Return the 43 published architectures: their kernels in a forward pass, and their FLOPs and bytes as counted."""
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
        efficiency={
            family: float(min(1.0, DEFAULT_EFFICIENCY * np.exp(generator.normal(0, 0.15)))) for family in FAMILIES
        },
    )


def energy_and_duration(gpu: Gpu, systems: pd.DataFrame, phase: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the true energy and duration of one run of every system.

    With F the operations of a step, B its bytes and k its kernels, and the GPU's constants by their names, a step takes

        t = k launch_s + max((F + k flops_to_fill) / (peak_flops_per_s x efficiency), B / bandwidth_bytes_per_s),

    or the time in which the power limit allows its dynamic energy d = F joules_per_flop + B joules_per_byte, if that is
    longer. Its energy is static_power_w t + d.

    Args:
        gpu: the GPU.
        systems: the columns of `published_systems`, one row per system, (m,).
        phase: `train` or `test`.

    Returns:
        energy in kWh, (m,), and duration in seconds, (m,).
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
    efficiency = systems["family"].map(gpu.efficiency).fillna(DEFAULT_EFFICIENCY).to_numpy(dtype=np.float64)
    # a kernel as large as flops_to_fill takes twice as long as on a full GPU
    arithmetic_s = (flops + kernels * gpu.flops_to_fill) / (gpu.peak_flops_per_s * efficiency)
    step_s = kernels * gpu.launch_s + np.maximum(arithmetic_s, bytes_moved / gpu.bandwidth_bytes_per_s)
    dynamic_j = flops * gpu.joules_per_flop + bytes_moved * gpu.joules_per_byte
    step_s = np.maximum(step_s, dynamic_j / (gpu.power_limit_w - gpu.static_power_w))
    steps = EPOCHS[phase] * STEPS
    return steps * (gpu.static_power_w * step_s + dynamic_j) / JOULES_PER_KWH, steps * step_s


def world(
    seed: int,
    gpus: int | Sequence[Gpu] = 4,
    systems: pd.DataFrame | None = None,
    repeats: int = 1,
    run_noise: float = 0.02,
    system_noise: float = 0.03,
    slowed_share: float = 0.0,
) -> pd.DataFrame:
    """Simulate a table of measurements that nobody measured.

    Args:
        seed: seed of everything that is drawn.
        gpus: how many GPUs to make up, or the GPUs themselves.
        systems: one row per system, with the columns of `published_systems`, which is the default.
        repeats: number of runs per cell.
        run_noise: relative standard deviation of one run; energy and duration are off by the same factor.
        system_noise: relative standard deviation by which a system on one GPU differs from the model in every run.
        slowed_share: share of the runs that something slows by 20 to 100 %.

    Returns:
        the columns of a table of measurements, all of energy_kind `simulated`, and `true_energy_kwh`, which is without
        the noise of the run.

    Raises:
        InputError: there is no GPU or no repeat, or a noise is negative.
    """
    generator = np.random.default_rng(seed)
    if isinstance(gpus, int):
        gpus = [made_up_gpu(f"simulated-{seed}-{index}", generator) for index in range(gpus)]
    is_possible = all(value >= 0 for value in (run_noise, system_noise, slowed_share)) and slowed_share <= 1
    if not gpus or repeats < 1 or not is_possible:
        raise InputError(
            f"simulation: found {len(gpus)} GPUs, {repeats} repeats, noise {run_noise} and {system_noise}, share of "
            f"slowed runs {slowed_share}; expected at least 1 GPU and 1 repeat, no noise below 0, a share of 0 to 1"
        )
    systems = published_systems() if systems is None else systems
    runs = [
        run
        for gpu in gpus
        for phase in EPOCHS
        for run in _runs(gpu, phase, systems, generator, repeats, run_noise, system_noise, slowed_share)
    ]
    frame = pd.concat(runs, ignore_index=True)
    epochs = frame["phase"].map(EPOCHS)
    frame = frame.assign(
        study="simulation",
        workload="tagging",
        outcome="ok",
        energy_kind="simulated",
        energy_source=f"isojoule.simulation, seed {seed}",
        power_w=frame["energy_kwh"] * JOULES_PER_KWH / frame["duration_s"],
        batch_size=BATCH_SIZE,
        epochs=epochs,
        steps=epochs * STEPS,
        samples=epochs * CLIPS,
    )
    return measurements.completed(frame, f"simulated world {seed}")


def _runs(
    gpu: Gpu,
    phase: str,
    systems: pd.DataFrame,
    generator: np.random.Generator,
    repeats: int,
    run_noise: float,
    system_noise: float,
    slowed_share: float,
) -> Iterator[pd.DataFrame]:
    """Yield the runs of all systems in one phase on one GPU, repeat by repeat; arguments as in `world`."""
    model_kwh, model_s = energy_and_duration(gpu, systems, phase)
    system_factor = np.exp(generator.normal(0, system_noise, len(systems)))
    for repeat in range(repeats):
        run_factor = np.exp(generator.normal(0, run_noise, len(systems)))
        is_slowed = generator.random(len(systems)) < slowed_share
        run_factor = run_factor * np.where(is_slowed, generator.uniform(1.2, 2.0, len(systems)), 1.0)
        yield systems.drop(columns="kernels").assign(
            gpu=gpu.name,
            phase=phase,
            repeat=repeat,
            energy_kwh=model_kwh * system_factor * run_factor,
            duration_s=model_s * system_factor * run_factor,
            true_energy_kwh=model_kwh * system_factor,
        )
