"""The columns of the table of measurements, each defined once: its type, unit, meaning, and where its value is from.

The rows (`rows`), the data dictionary and the checks of tables that others bring (`measurements`) follow from this
list. What records hold beside it, and why the table leaves that out, stands in `left_out`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from isojoule.tables.derived import (
    co2e_kg,
    first_present,
    flags,
    joined,
    kind_of_whole,
    of_component,
    power_w,
    real_time_factor,
)

PHASES = ("train", "test")
OUTCOMES = ("ok", "oom", "untrained", "excluded", "missing", "refused", "failed", "stopped", "lost", "oom-once")
# the most trustworthy kind is first; a table of others may not say how its energies came about
NOT_STATED = "not stated"
KINDS = ("measured", NOT_STATED, "estimated", "simulated")


@dataclass(frozen=True)
class Derived:
    """A value that no record holds as it is: a function of the values at some paths."""

    function: Callable[..., Any]
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """One column of the table.

    Attributes:
        dtype: its pandas type.
        unit: of its numbers; empty where they have none.
        meaning: what it tells, for the data dictionary.
        source: a path of dots from one of the names of `rows.Sources` to the value, or how the value is derived.
        scales: whether the value grows with the work, so that it is multiplied where a part of a phase was measured.
        values: all that it may hold, where that is a closed list.
        default: what it holds in a table of others that does not have it.
        quality: its name for a reader, where it is a quality, of which more is better.
        bounds: the lowest and the highest value that a quality can have.
    """

    dtype: Literal["string", "Int64", "Float64"]
    unit: str
    meaning: str
    source: str | Derived
    scales: bool = False
    values: tuple[str, ...] = ()
    default: str | None = None
    quality: str = ""
    bounds: tuple[float, float] = (-math.inf, math.inf)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of everything that decides the value."""
        return self.source.paths if isinstance(self.source, Derived) else (self.source,)


COLUMNS = {
    "study": Column("string", "", "name of the study", "record.study"),
    "record_study": Column(
        "string", "", "study whose run measured the cell: another one where its records were taken", "record.study"
    ),
    "workload": Column("string", "", "what the architectures are trained to do", "record.workload"),
    "gpu": Column("string", "", "platform: key of the configuration's gpus", "record.gpu"),
    "architecture": Column("string", "", "name of the architecture", "record.architecture"),
    "family": Column("string", "", "family of the architecture", "record.family"),
    "phase": Column("string", "", "train or test", "record.phase", values=PHASES),
    "repeat": Column("Int64", "", "0, 1, ...: which time this cell was measured", "record.repeat"),
    "outcome": Column(
        "string",
        "",
        "ok; oom: out of memory; untrained: no weights to test; excluded: ok, but left out for a flag; missing, "
        "refused, failed, stopped or lost: not measured",
        "record.outcome",
        values=OUTCOMES,
        default="ok",
    ),
    "place": Column("Int64", "", "place of the model in the shuffled order of its job", "record.place"),
    "energy_kwh": Column(
        "Float64",
        "kWh",
        "energy of the component that computes (GPU, or CPU where there is none), idle power included",
        "record.energy.computing.energy_kwh",
        scales=True,
    ),
    "energy_kind": Column(
        "string",
        "",
        "measured by an instrument, estimated by a model, simulated, or not stated",
        Derived(first_present, ("whole.kind", "record.energy.computing.kind")),
        values=KINDS,
    ),
    "energy_source": Column("string", "", "instrument or model behind energy_kwh", "record.energy.computing.source"),
    "energy_uncertainty_kwh": Column(
        "Float64",
        "kWh",
        "how far off energy_kwh can be because of when its instrument was updated or sampled",
        "record.energy.computing.uncertainty_kwh",
        scales=True,
    ),
    "carried_low_kwh": Column(
        "Float64",
        "kWh",
        "lower end of the 95 % interval of energy_kwh by the repetitions, where a part of the phase was measured",
        "whole.low_kwh",
    ),
    "carried_high_kwh": Column("Float64", "kWh", "upper end of the interval of carried_low_kwh", "whole.high_kwh"),
    "measured_energy_kwh": Column(
        "Float64",
        "kWh",
        "energy of the part that was measured, where energy_kwh was carried from it to the whole phase",
        "part.energy.computing.energy_kwh",
    ),
    "measured_energy_kind": Column(
        "string", "", "kind of measured_energy_kwh, as energy_kind", "part.energy.computing.kind"
    ),
    "measured_duration_s": Column("Float64", "s", "duration of the part that was measured", "part.energy.duration_s"),
    "measured_steps": Column("Int64", "", "steps of the part that was measured", "part.work.steps"),
    "net_energy_kwh": Column(
        "Float64", "kWh", "energy_kwh above idle_power_w", "record.energy.net_energy_kwh", scales=True
    ),
    "idle_power_w": Column(
        "Float64",
        "W",
        "power of the component that computes before the window, with a live CUDA context",
        "record.energy.window.idle_power_w",
    ),
    "host_load_percent": Column(
        "Float64",
        "%",
        "CPU time of other programs in the window, in per cent of one core",
        "record.energy.window.host_load_percent",
    ),
    "duration_s": Column("Float64", "s", "duration of the phase, done once", "record.energy.duration_s", scales=True),
    "window_s": Column(
        "Float64", "s", "length of the measured window: the phase, repeated", "record.energy.window.duration_s"
    ),
    "repetitions": Column(
        "Int64",
        "",
        "how often the window holds the phase; energies and duration_s are of one",
        "record.energy.window.repetitions",
    ),
    "resolution_percent": Column(
        "Float64", "%", "the instrument's update period over window_s", "record.energy.window.resolution_percent"
    ),
    "disagreement_percent": Column(
        "Float64",
        "%",
        "largest deviation of another reading from energy_kwh",
        "record.energy.window.disagreement_percent",
    ),
    "integrated_power_energy_kwh": Column(
        "Float64",
        "kWh",
        "energy of the GPU by its sampled power, integrated, beside its energy counter",
        "record.energy.integrated_power.energy_kwh",
        scales=True,
    ),
    "codecarbon_energy_kwh": Column(
        "Float64",
        "kWh",
        "CodeCarbon's reading of the component that computes; missing where it could not read",
        Derived(
            of_component,
            (
                "record.energy.component",
                "record.energy.codecarbon.gpu_energy_kwh",
                "record.energy.codecarbon.cpu_energy_kwh",
            ),
        ),
        scales=True,
    ),
    "power_w": Column(
        "Float64",
        "W",
        "energy_kwh over duration_s",
        Derived(power_w, ("record.energy.computing.energy_kwh", "record.energy.duration_s")),
    ),
    "gpu_energy_kwh": Column(
        "Float64", "kWh", "energy of the GPU's board", "record.energy.gpu.energy_kwh", scales=True
    ),
    "cpu_energy_kwh": Column("Float64", "kWh", "energy of the CPU", "record.energy.cpu.energy_kwh", scales=True),
    "cpu_energy_kind": Column(
        "string",
        "",
        "kind of cpu_energy_kwh: measured (RAPL) or estimated (CPU time)",
        Derived(kind_of_whole, ("record.energy.cpu.kind", "whole")),
    ),
    "ram_energy_kwh": Column(
        "Float64",
        "kWh",
        "energy of the memory: read by RAPL where it can be, otherwise estimated by CodeCarbon's constant; missing "
        "where that is",
        "record.energy.ram.energy_kwh",
        scales=True,
    ),
    "ram_energy_kind": Column(
        "string",
        "",
        "kind of ram_energy_kwh: measured (RAPL) or estimated (model)",
        Derived(kind_of_whole, ("record.energy.ram.kind", "whole")),
    ),
    "emissions_kg_co2e": Column(
        "Float64",
        "kg",
        "CO2e of energy_kwh, the energy of the component that computes, in the configured country",
        Derived(
            co2e_kg,
            (
                "record.energy.computing.energy_kwh",
                "record.energy.codecarbon.emissions_kg_co2e",
                "record.energy.codecarbon.total_energy_kwh",
            ),
        ),
        scales=True,
    ),
    "codecarbon_emissions_kg_co2e": Column(
        "Float64",
        "kg",
        "CodeCarbon's estimate for GPU, CPU and memory together, in the configured country; missing where it could not "
        "read one",
        "record.energy.codecarbon.emissions_kg_co2e",
        scales=True,
    ),
    "country_iso_code": Column(
        "string",
        "",
        "country whose electricity emissions_kg_co2e is for, ISO 3166 alpha-3",
        "record.energy.codecarbon.country_iso_code",
    ),
    "params": Column("Int64", "", "parameters of the model", "compute.parameters"),
    "flops": Column(
        "Int64",
        "FLOP",
        "DeepSpeed's forward FLOPs of one example (the published count)",
        "compute.deepspeed_forward_flops",
    ),
    "forward_flops": Column(
        "Int64", "FLOP", "exact forward FLOPs of one example: matrix and convolution work", "compute.forward_flops"
    ),
    "backward_flops": Column(
        "Int64", "FLOP", "exact backward FLOPs of one example: matrix and convolution work", "compute.backward_flops"
    ),
    "training_flops_published": Column(
        "Int64", "FLOP", "3 x flops, the published rule for one training example", "compute.training_flops_published"
    ),
    "training_flops_exact": Column("Int64", "FLOP", "forward_flops + backward_flops", "compute.training_flops_exact"),
    "weights_bytes": Column("Int64", "B", "size of the weights", "compute.weights_bytes"),
    "activations_bytes": Column(
        "Int64",
        "B",
        "size of what the forward pass of one batch keeps for the backward pass",
        "compute.activations_bytes",
    ),
    "optimizer_state_bytes": Column("Int64", "B", "size of the optimizer's state", "compute.optimizer_state_bytes"),
    "epochs": Column("Int64", "", "passes over the data in duration_s", "record.work.epochs", scales=True),
    "steps": Column("Int64", "", "batches in duration_s", "record.work.steps", scales=True),
    "samples": Column(
        "Float64",
        "",
        "examples in duration_s, whole or in part; FLOPs are counted per example",
        "record.work.samples",
        scales=True,
    ),
    "batch_size": Column("Int64", "", "examples per batch", "record.work.batch_size"),
    "audio_s": Column(
        "Float64", "s", "length of the audio that was generated in duration_s", "record.work.audio_s", scales=True
    ),
    "real_time_factor": Column(
        "Float64",
        "",
        "audio_s over duration_s: above 1 is faster than it sounds",
        Derived(real_time_factor, ("record.work.audio_s", "record.energy.duration_s")),
    ),
    "precision": Column("string", "", "numbers that the model computes with: fp32, tf32 or bf16", "record.precision"),
    "threads": Column("Int64", "", "CPU threads of the computation", "record.threads"),
    "devices": Column(
        "Int64", "", "GPUs, or processes on a CPU, that trained together; energies are their sum", "record.devices"
    ),
    "task": Column(
        "string",
        "",
        "multi_label: several classes may sound in a clip; single_label: exactly one does",
        "record.settings.task",
    ),
    "features": Column(
        "string",
        "",
        "where features come from: resident on the device before the window, or decoded in_loop",
        "record.settings.features",
    ),
    "loss": Column("Float64", "", "mean loss of the last epoch", "record.loss"),
    "accuracy": Column(
        "Float64",
        "",
        "share of the test data whose class was found; a table of others may have it in per cent",
        "record.quality.accuracy",
        quality="Accuracy on the test data",
        bounds=(0, 100),
    ),
    "macro_f1": Column(
        "Float64",
        "",
        "macro F1 on the test data, at a probability of 0.5 where task is multi_label",
        "record.quality.macro_f1",
        quality="Macro F1 on the test data",
        bounds=(0, 1),
    ),
    "mean_average_precision": Column(
        "Float64",
        "",
        "mean average precision on the test data",
        "record.quality.mean_average_precision",
        quality="Mean average precision",
        bounds=(0, 1),
    ),
    "mean_opinion_score": Column(
        "Float64",
        "",
        "mean opinion of listeners, 1 to 5, from a table of the user",
        "record.quality.mean_opinion_score",
        quality="Mean opinion score",
        bounds=(1, 5),
    ),
    "log_likelihood_nats": Column(
        "Float64",
        "nat",
        "mean log-likelihood of a sample of the test data",
        "record.quality.log_likelihood_nats",
        quality="Log-likelihood (nats per sample)",
    ),
    "spectral_distance_db": Column(
        "Float64",
        "dB",
        "log-spectral distance of what was generated to the test data",
        "record.quality.spectral_distance_db",
    ),
    "gpu_utilization_percent": Column(
        "Float64",
        "%",
        "share of time in which the GPU computed, mean over the window's samples",
        "record.gpu_statistics.utilization_percent",
    ),
    "gpu_memory_utilization_percent": Column(
        "Float64",
        "%",
        "share of time in which the GPU's memory was read or written, mean over the window's samples",
        "record.gpu_statistics.memory_utilization_percent",
    ),
    "gpu_peak_memory_bytes": Column(
        "Int64", "B", "most memory that the model took on the GPU", "record.gpu_statistics.peak_memory_bytes"
    ),
    "gpu_start_temperature_c": Column(
        "Float64",
        "degree C",
        "temperature of the GPU in the first sample of the window",
        "record.gpu_statistics.start_temperature_c",
    ),
    "gpu_max_temperature_c": Column(
        "Float64",
        "degree C",
        "highest temperature of the GPU in the window's samples",
        "record.gpu_statistics.max_temperature_c",
    ),
    "gpu_sm_clock_mhz": Column(
        "Float64",
        "MHz",
        "clock of the GPU's multiprocessors, mean over the window's samples",
        "record.gpu_statistics.sm_clock_mhz",
    ),
    "gpu_throttle_reasons": Column(
        "string",
        "",
        "why the driver held the clocks down in some sample",
        Derived(joined, ("record.gpu_statistics.throttled_percent",)),
    ),
    "device_name": Column(
        "string",
        "",
        "GPU, or CPU where there is none, as its driver names it",
        Derived(first_present, ("record.hardware.gpu.name", "record.hardware.cpu")),
    ),
    "device_uuid": Column("string", "", "identifier of the GPU's board", "record.hardware.gpu.uuid"),
    "hostname": Column("string", "", "name of the machine", "record.hardware.hostname"),
    "driver": Column("string", "", "version of the NVIDIA driver", "record.hardware.gpu.driver"),
    "isojoule": Column("string", "", "version of isojoule", "record.provenance.software.isojoule"),
    "python": Column("string", "", "version of Python", "record.provenance.software.python"),
    "cuda": Column("string", "", "version of CUDA that PyTorch was built for", "record.provenance.software.cuda"),
    "cudnn": Column("string", "", "version of cuDNN", "record.provenance.software.cudnn"),
    "torch": Column("string", "", "version of PyTorch", "record.provenance.software.torch"),
    "codecarbon": Column("string", "", "version of CodeCarbon", "record.provenance.software.codecarbon"),
    "started_at": Column("string", "", "start of the job, UTC", "record.started_at"),
    "ended_at": Column("string", "", "end of the job, UTC", "record.ended_at"),
    "attempt": Column(
        "Int64",
        "",
        "number of the attempt that made the record: above 1 where the cell was begun before",
        "record.provenance.attempt",
    ),
    "data_fingerprint": Column(
        "string",
        "",
        "fingerprint of the data: rows of other data have another one",
        "record.provenance.data_fingerprint",
    ),
    "commit": Column(
        "string", "", "commit of the workflow; -dirty where files differed from it", "record.provenance.commit"
    ),
    "flags": Column(
        "string", "", "what to know before trusting the row, separated by spaces", Derived(flags, ("record", "whole"))
    ),
}


def dictionary() -> pd.DataFrame:
    """The data dictionary: `column`, `type`, `unit` and `meaning`."""
    rows = [(name, column.dtype.lower(), column.unit, column.meaning) for name, column in COLUMNS.items()]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "meaning"])
