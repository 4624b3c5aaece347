"""The table of measurements, one row per cell: its columns, and the door through which any such table enters."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from isojoule.errors import InputError
from isojoule.files import written_whole

PHASES = ("train", "test")
KINDS = ("measured", "estimated", "simulated")


@dataclass(frozen=True)
class Column:
    """A column of the table: pandas type, unit and meaning."""

    dtype: str
    unit: str
    meaning: str


COLUMNS = {
    "study": Column("string", "", "name of the study"),
    "workload": Column("string", "", "what the architectures do"),
    "gpu": Column("string", "", "platform: key of the configuration's gpus"),
    "architecture": Column("string", "", "name of the architecture"),
    "family": Column("string", "", "family of the architecture"),
    "phase": Column("string", "", "train or test"),
    "repeat": Column("Int64", "", "0, 1, ...: which time this cell was measured"),
    "outcome": Column("string", "", "ok; oom: out of memory; untrained: no weights to test"),
    "place": Column("Int64", "", "place of the model in the shuffled order of its job"),
    "energy_kwh": Column(
        "Float64", "kWh", "energy of the component that computes (GPU, or CPU where there is none), gross"
    ),
    "energy_kind": Column("string", "", "measured by an instrument, estimated by a model, or simulated"),
    "energy_source": Column("string", "", "instrument or model behind energy_kwh"),
    "duration_s": Column("Float64", "s", "length of the measured window"),
    "power_w": Column("Float64", "W", "energy_kwh over duration_s"),
    "gpu_energy_kwh": Column("Float64", "kWh", "energy of the GPU"),
    "cpu_energy_kwh": Column("Float64", "kWh", "energy of the CPU"),
    "cpu_energy_kind": Column("string", "", "measured (RAPL) or estimated (model)"),
    "ram_energy_kwh": Column("Float64", "kWh", "energy of the memory by CodeCarbon's constant: always estimated"),
    "emissions_kg_co2e": Column(
        "Float64", "kg", "CodeCarbon's estimate for GPU, CPU and memory in the configured country"
    ),
    "params": Column("Int64", "", "parameters of the model"),
    "flops": Column("Int64", "FLOP", "DeepSpeed's forward FLOPs of one example (the published count)"),
    "forward_flops": Column("Int64", "FLOP", "exact forward FLOPs of one example: matrix and convolution work"),
    "backward_flops": Column("Int64", "FLOP", "exact backward FLOPs of one example"),
    "training_flops_published": Column("Int64", "FLOP", "3 x flops, the published rule for one training example"),
    "training_flops_exact": Column("Int64", "FLOP", "forward_flops + backward_flops"),
    "weights_bytes": Column("Int64", "B", "size of the weights"),
    "activations_bytes": Column("Int64", "B", "kept for the backward pass of one batch"),
    "optimizer_state_bytes": Column("Int64", "B", "state of the optimizer"),
    "epochs": Column("Int64", "", "passes over the data in the window"),
    "steps": Column("Int64", "", "batches in the window"),
    "samples": Column("Int64", "", "examples in the window"),
    "batch_size": Column("Int64", "", "examples per batch"),
    "precision": Column("string", "", "fp32, tf32 or bf16"),
    "threads": Column("Int64", "", "CPU threads of the computation"),
    "features": Column("string", "", "resident on the device before the window, or decoded in_loop"),
    "loss": Column("Float64", "", "mean loss of the last epoch"),
    "macro_f1": Column("Float64", "", "macro F1 on the test data, threshold 0.5"),
    "mean_average_precision": Column("Float64", "", "mean average precision on the test data"),
    "gpu_utilization_percent": Column("Float64", "%", "mean over the window's samples"),
    "gpu_memory_utilization_percent": Column("Float64", "%", "mean over the window's samples"),
    "gpu_peak_memory_bytes": Column("Int64", "B", "most memory that the model took on the GPU"),
    "gpu_max_temperature_c": Column("Float64", "degree C", "highest sample of the window"),
    "device_name": Column("string", "", "GPU, or CPU where there is none, as its driver names it"),
    "hostname": Column("string", "", "machine"),
    "driver": Column("string", "", "NVIDIA driver"),
    "isojoule": Column("string", "", "version of isojoule"),
    "python": Column("string", "", "version of Python"),
    "cuda": Column("string", "", "version of CUDA that PyTorch was built for"),
    "torch": Column("string", "", "version of PyTorch"),
    "codecarbon": Column("string", "", "version of CodeCarbon"),
    "started_at": Column("string", "", "start of the job, UTC"),
    "ended_at": Column("string", "", "end of the job, UTC"),
    "attempt": Column("Int64", "", "1 unless the job was begun before"),
    "commit": Column("string", "", "commit of the workflow; -dirty where files differed from it"),
    "flags": Column("string", "", "what to know before trusting the row, separated by spaces"),
}

REQUIRED = ("gpu", "architecture", "phase", "energy_kwh")


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table with all of `COLUMNS`, in their order and types."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({name: column.dtype for name, column in COLUMNS.items()})


def dictionary() -> pd.DataFrame:
    """The data dictionary: column, type, unit and meaning."""
    rows = [(name, column.dtype.lower(), column.unit, column.meaning) for name, column in COLUMNS.items()]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "meaning"])


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as parquet or CSV, by the file's ending, whole or not at all."""
    with written_whole(path) as temporary:
        if path.suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
        else:
            frame.to_csv(temporary, index=False)


def read(path: Path) -> pd.DataFrame:
    """Read a table of measurements, ours or anybody's, from parquet or CSV.

    Columns that are absent are filled: repeat 0, outcome ok, family the architecture, kind measured, power from energy
    and duration.
    Columns that we do not know are kept as they are.

    Returns:
        one row per cell with all of `COLUMNS` first.

    Raises:
        InputError: unreadable, a required column is missing, a value has the wrong type or is impossible, a cell twice.
    """
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not a table of measurements (parquet or CSV): {error}") from error
    missing = [name for name in REQUIRED if name not in frame]
    if missing:
        raise InputError(f"{path}: found no column {', '.join(missing)}, expected at least {', '.join(REQUIRED)}")
    defaults = {"repeat": 0, "outcome": "ok", "energy_kind": "measured", "family": frame["architecture"]}
    for name, column in COLUMNS.items():
        if name not in frame:
            frame[name] = defaults.get(name, pd.NA)
        try:
            frame[name] = frame[name].astype(column.dtype)
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: column {name}: expected {column.dtype.lower()}: {error}") from error
    _check(frame, path)
    frame["power_w"] = frame["power_w"].fillna(frame["energy_kwh"] * 3.6e6 / frame["duration_s"])
    return frame[[*COLUMNS, *(name for name in frame if name not in COLUMNS)]]


def _check(frame: pd.DataFrame, path: Path) -> None:
    for name, known in (("phase", PHASES), ("energy_kind", KINDS)):
        wrong = frame.loc[frame[name].notna() & ~frame[name].isin(known), name]
        if len(wrong):
            raise InputError(f"{path}: column {name}: found {wrong.iloc[0]}, expected one of {', '.join(known)}")
    ok = frame["outcome"] == "ok"
    impossible = ok & ~(frame["energy_kwh"] > 0).fillna(False)
    if impossible.any():
        found = frame.loc[impossible].iloc[0]
        raise InputError(
            f"{path}: column energy_kwh: found {found.energy_kwh} for {found.architecture} on {found.gpu}, "
            "expected more than 0"
        )
    identity = ["gpu", "architecture", "phase", "repeat"]
    twice = frame[frame.duplicated(identity)]
    if len(twice):
        raise InputError(
            f"{path}: the cell {' '.join(map(str, twice.iloc[0][identity]))} is there twice, expected once"
        )
