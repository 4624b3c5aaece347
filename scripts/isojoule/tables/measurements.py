"""The table of measurements, one row per cell: its columns, and the door through which any such table enters."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from isojoule.errors import InputError
from isojoule.files import written_whole
from isojoule.units import JOULES_PER_KWH

PHASES = ("train", "test")
KINDS = ("measured", "estimated", "simulated")


@dataclass(frozen=True)
class Column:
    """A column of the table: pandas type, unit and meaning.

    One of which more is better has its name for a reader as a `quality`, and the `bounds` of what there can be.
    """

    dtype: str
    unit: str
    meaning: str
    quality: str = ""
    bounds: tuple[float, float] = (-math.inf, math.inf)


COLUMNS = {
    "study": Column("string", "", "name of the study"),
    "workload": Column("string", "", "what the architectures do"),
    "gpu": Column("string", "", "platform: key of the configuration's gpus"),
    "architecture": Column("string", "", "name of the architecture"),
    "family": Column("string", "", "family of the architecture"),
    "phase": Column("string", "", "train or test"),
    "repeat": Column("Int64", "", "0, 1, ...: which time this cell was measured"),
    "outcome": Column(
        "string",
        "",
        "ok; oom: out of memory; untrained: no weights to test; excluded: ok, but left out for a flag",
    ),
    "place": Column("Int64", "", "place of the model in the shuffled order of its job"),
    "energy_kwh": Column(
        "Float64", "kWh", "energy of the component that computes (GPU, or CPU where there is none), gross"
    ),
    "energy_kind": Column("string", "", "measured by an instrument, estimated by a model, or simulated"),
    "energy_source": Column("string", "", "instrument or model behind energy_kwh"),
    "energy_uncertainty_kwh": Column(
        "Float64", "kWh", "how far off energy_kwh can be because of when its instrument was updated or sampled"
    ),
    "carried_low_kwh": Column(
        "Float64", "kWh", "energy_kwh of the whole phase, where a part was measured: 95 % interval by its repetitions"
    ),
    "carried_high_kwh": Column("Float64", "kWh", "upper end of that interval"),
    "measured_energy_kwh": Column("Float64", "kWh", "of the part that was measured, where energy_kwh is of the whole"),
    "measured_energy_kind": Column("string", "", "of measured_energy_kwh: measured, or estimated by a model"),
    "measured_duration_s": Column("Float64", "s", "of that part"),
    "measured_steps": Column("Int64", "", "steps of that part"),
    "net_energy_kwh": Column("Float64", "kWh", "energy_kwh above idle_power_w"),
    "idle_power_w": Column("Float64", "W", "of the same component before the window, with a live CUDA context"),
    "duration_s": Column("Float64", "s", "of the phase, once"),
    "window_s": Column("Float64", "s", "length of the measured window: the phase, repeated"),
    "repetitions": Column("Int64", "", "how often the window holds the phase; energies and duration_s are of one"),
    "resolution_percent": Column("Float64", "%", "the instrument's update period over window_s"),
    "disagreement_percent": Column("Float64", "%", "largest deviation of another reading from energy_kwh"),
    "integrated_power_energy_kwh": Column("Float64", "kWh", "the GPU's sampled power integrated, beside its counter"),
    "codecarbon_energy_kwh": Column("Float64", "kWh", "CodeCarbon's reading of the component that computes"),
    "power_w": Column("Float64", "W", "energy_kwh over duration_s"),
    "gpu_energy_kwh": Column("Float64", "kWh", "energy of the GPU"),
    "cpu_energy_kwh": Column("Float64", "kWh", "energy of the CPU"),
    "cpu_energy_kind": Column("string", "", "measured (RAPL) or estimated (model)"),
    "ram_energy_kwh": Column("Float64", "kWh", "energy of the memory by CodeCarbon's constant: always estimated"),
    "emissions_kg_co2e": Column(
        "Float64", "kg", "CodeCarbon's estimate for GPU, CPU and memory in the configured country"
    ),
    "country_iso_code": Column("string", "", "country whose electricity emissions_kg_co2e is for, ISO 3166 alpha-3"),
    "params": Column("Int64", "", "parameters of the model"),
    "flops": Column("Int64", "FLOP", "DeepSpeed's forward FLOPs of one example (the published count)"),
    "forward_flops": Column("Int64", "FLOP", "exact forward FLOPs of one example: matrix and convolution work"),
    "backward_flops": Column("Int64", "FLOP", "exact backward FLOPs of one example"),
    "training_flops_published": Column("Int64", "FLOP", "3 x flops, the published rule for one training example"),
    "training_flops_exact": Column("Int64", "FLOP", "forward_flops + backward_flops"),
    "weights_bytes": Column("Int64", "B", "size of the weights"),
    "activations_bytes": Column("Int64", "B", "kept for the backward pass of one batch"),
    "optimizer_state_bytes": Column("Int64", "B", "state of the optimizer"),
    "epochs": Column("Int64", "", "passes over the data in duration_s"),
    "steps": Column("Int64", "", "batches in duration_s"),
    "samples": Column("Float64", "", "examples in duration_s, or parts of one, which FLOPs are counted of"),
    "batch_size": Column("Int64", "", "examples per batch"),
    "audio_s": Column("Float64", "s", "length of the audio that was generated in duration_s"),
    "real_time_factor": Column("Float64", "", "audio_s over duration_s: above 1 is faster than it sounds"),
    "precision": Column("string", "", "fp32, tf32 or bf16"),
    "threads": Column("Int64", "", "CPU threads of the computation"),
    "devices": Column("Int64", "", "GPUs, or processes on a CPU, that trained together; energies are their sum"),
    "features": Column("string", "", "resident on the device before the window, or decoded in_loop"),
    "loss": Column("Float64", "", "mean loss of the last epoch"),
    "macro_f1": Column("Float64", "", "macro F1 on the test data, threshold 0.5", "Macro F1 on the test data", (0, 1)),
    "mean_average_precision": Column(
        "Float64", "", "mean average precision on the test data", "Mean average precision", (0, 1)
    ),
    "mean_opinion_score": Column(
        "Float64", "", "of listeners, 1 to 5, from a table of the user", "Mean opinion score", (1, 5)
    ),
    "log_likelihood_nats": Column(
        "Float64", "nat", "mean log-likelihood of a sample of the test data", "Log-likelihood (nats per sample)"
    ),
    "spectral_distance_db": Column("Float64", "dB", "log-spectral distance of what was generated to the test data"),
    "gpu_utilization_percent": Column("Float64", "%", "mean over the window's samples"),
    "gpu_memory_utilization_percent": Column("Float64", "%", "mean over the window's samples"),
    "gpu_peak_memory_bytes": Column("Int64", "B", "most memory that the model took on the GPU"),
    "gpu_start_temperature_c": Column("Float64", "degree C", "first sample of the window"),
    "gpu_max_temperature_c": Column("Float64", "degree C", "highest sample of the window"),
    "gpu_sm_clock_mhz": Column("Float64", "MHz", "mean over the window's samples"),
    "gpu_throttle_reasons": Column("string", "", "why the driver held the clocks down in some sample"),
    "device_name": Column("string", "", "GPU, or CPU where there is none, as its driver names it"),
    "device_uuid": Column("string", "", "the board"),
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

# the one that figures show first is first
QUALITIES = {name: column.quality for name, column in COLUMNS.items() if column.quality}
REQUIRED = ("gpu", "architecture", "phase", "energy_kwh")
# columns that tables of others have the name of a model in
NAMES = ("architecture", "model", "system", "name")
UNSAID = "a table that does not say how (no column energy_kind)"


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table with all of `COLUMNS`, in their order and types."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({name: column.dtype for name, column in COLUMNS.items()})


def qualities_of(frame: pd.DataFrame) -> list[str]:
    """The qualities that a table has values of."""
    return [name for name in QUALITIES if name in frame and frame[name].notna().any()]


def work_of(rows: pd.DataFrame) -> str:
    """What the energies of these rows are of, in words, and of how much of it they were carried to the whole.

    Args:
        rows: of one phase, all `ok`.
    """
    columns = {"audio_s": "s of audio"} if rows["audio_s"].notna().all() else {"epochs": "epochs", "steps": "steps"}
    words = [f"{_range(rows[name])} {unit}" for name, unit in columns.items() if rows[name].notna().any()]
    if len(carried := rows[(rows["measured_duration_s"] / rows["duration_s"]).notna()]):
        some = f"{len(carried)} of {len(rows)} " if len(carried) < len(rows) else ""
        share_percent = 100 * carried["measured_duration_s"] / carried["duration_s"]
        words.append(f"{some}carried from {_range(share_percent)} % of it")
    return ", ".join(words)


def _range(values: pd.Series) -> str:
    ends = (float(end) for end in (values.min(), values.max()))
    return " to ".join(dict.fromkeys(f"{end:,.0f}" if end >= 1000 else f"{end:.3g}" for end in ends))


def dictionary() -> pd.DataFrame:
    """The data dictionary: column, type, unit and meaning."""
    rows = [(name, column.dtype.lower(), column.unit, column.meaning) for name, column in COLUMNS.items()]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "meaning"])


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as parquet or CSV, by the file's ending, whole or not at all.

    Raises:
        InputError: the file has another ending, or cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(f"{path}: found the ending {path.suffix or 'none'}, expected .csv or .parquet")
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
    return completed(read_any(path, "a table of measurements"), str(path))


def read_any(path: Path, what: str, words: Collection[str] = ()) -> pd.DataFrame:
    """Read any table, as parquet or CSV by the file's ending.

    Args:
        path: the file.
        what: it is to hold, for the messages.
        words: columns that hold names, beside those that always do: a name may be 007, nan or null.

    Raises:
        InputError: there is no such file, or it is no table.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: found {found}, expected {what} (parquet or CSV)")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path).reset_index(drop=True)
        columns = pd.read_csv(path, nrows=0).columns
        of_words = {*NAMES, *words, *(name for name, column in COLUMNS.items() if column.dtype == "string")}
        named = dict.fromkeys([name for name in columns if name in of_words], "str")
        absent = {name: [""] if name in named else MISSING for name in columns}
        return pd.read_csv(path, dtype=named, na_values=absent, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not {what} (parquet or CSV): {' '.join(str(error).split())}") from error


# what a cell without a number may hold
MISSING = ["", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "-nan", "NULL", "null", "None"]


def completed(frame: pd.DataFrame, origin: str) -> pd.DataFrame:
    """A table with all of `COLUMNS`, as `read` gives it, from one that has some of them.

    Args:
        frame: at least the columns in `REQUIRED`.
        origin: what the table is called in messages.

    Raises:
        InputError: as `read`.
    """
    missing = [name for name in REQUIRED if name not in frame]
    if missing:
        raise InputError(
            f"{origin}: found no column {', '.join(missing)}, expected at least {', '.join(REQUIRED)}, "
            "separated by commas"
        )
    frame = frame.copy()
    defaults = {"repeat": 0, "outcome": "ok", "energy_kind": "measured", "family": frame["architecture"]}
    if "energy_kind" not in frame:
        defaults["energy_source"] = UNSAID
    for name, column in COLUMNS.items():
        if name not in frame:
            frame[name] = defaults.get(name, pd.NA)
        try:
            frame[name] = frame[name].astype(column.dtype)
        except (TypeError, ValueError) as error:
            raise InputError(f"{origin}: column {name}: {_wrong(frame[name], column.dtype)}") from error
    _check(frame, origin)
    frame["power_w"] = frame["power_w"].fillna(frame["energy_kwh"] * JOULES_PER_KWH / frame["duration_s"])
    return frame[[*COLUMNS, *(name for name in frame if name not in COLUMNS)]]


def of_kinds(frame: pd.DataFrame, kinds: list[str] | None = None) -> tuple[pd.DataFrame, str]:
    """The rows whose energies are of these kinds, and those without an energy; and a sentence on what was left out.

    Args:
        frame: a table of measurements.
        kinds: of `KINDS`; by default the one kind that a phase has, or `measured` where it has several.

    Raises:
        InputError: an unknown kind; or several kinds in a phase, none of them measured, and none asked for.
    """
    unknown = [kind for kind in kinds or [] if kind not in KINDS]
    if unknown:
        raise InputError(f"kinds: found {unknown[0]}, expected of {', '.join(KINDS)}")
    other = pd.Series(False, index=frame.index)
    for _, part in frame.groupby("phase"):
        present = [kind for kind in KINDS if (part["energy_kind"] == kind).any()]
        if kinds is None and len(present) > 1 and "measured" not in present:
            raise InputError(
                f"kinds: found {' and '.join(present)} energies in one table, expected you to say which to use"
            )
        kept = kinds or (present if len(present) == 1 else ["measured"])
        other[part.index] = part["energy_kind"].notna() & ~part["energy_kind"].isin(kept)
    left_out = frame.loc[other, "energy_kind"].value_counts()
    sentence = " and ".join(f"{count} {kind} rows" for kind, count in left_out.items())
    return frame[~other], f"left out: {sentence}; ask for them by --kinds" if sentence else ""


def read_unmixed(path: Path, kinds: list[str] | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Read a table for an analysis that mixes no kinds of energy unasked: its rows, and sentences to show the user.

    Raises:
        InputError: as `read` and `of_kinds`.
    """
    frame, left_out = of_kinds(read(path), kinds)
    unsaid = "the table has no column energy_kind: its energies are taken as measured"
    said = [unsaid] if (frame["energy_source"] == UNSAID).any() else []
    return frame, [*said, *([left_out] if left_out else []), *doubts(frame)]


# watts of one platform, and factors between two for the same system, beyond which a unit was likely mixed up
PLAUSIBLE_POWER_W = (0.05, 20_000.0)
PLAUSIBLE_FACTOR = 100.0


def doubts(frame: pd.DataFrame) -> list[str]:
    """Sentences on energies that look as if they were not in kWh; nothing is changed or left out.

    Args:
        frame: a table of measurements.
    """
    found = []
    ok = frame[frame["outcome"] == "ok"]
    low, high = PLAUSIBLE_POWER_W
    for (gpu, phase), part in ok.groupby(["gpu", "phase"], sort=False):
        power_w = part["power_w"].astype("float64").median()
        if not pd.isna(power_w) and not low <= power_w <= high:
            found.append(f"{phase} on {gpu}: the median power would be {power_w:.3g} W; are its energies in kWh?")
    for phase, part in ok.groupby("phase", sort=False):
        energy = part.pivot_table(index="architecture", columns="gpu", values="energy_kwh", sort=False).astype(
            "float64"
        )
        # relative to each system's middle over the platforms, then to the platform's middle over the systems
        relative = energy.div(energy.median(axis=1), axis=0)
        middle = relative.median()
        for gpu, factor in middle.items():
            if not 1 / PLAUSIBLE_FACTOR <= factor <= PLAUSIBLE_FACTOR:
                found.append(f"{phase} on {gpu}: {factor:.3g} times the energy of the middle platform; is it in kWh?")
        odd = relative.div(middle, axis=1).stack()
        for (name, gpu), factor in odd[(odd > PLAUSIBLE_FACTOR) | (odd < 1 / PLAUSIBLE_FACTOR)].items():
            found.append(
                f"{phase} of {name} on {gpu}: {factor:.3g} times what the other systems suggest; is it in kWh?"
            )
    return found


def _wrong(values: pd.Series, dtype: str) -> str:
    """What is no number of this type, and where."""
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = values.notna() & numbers.isna()
    wanted = "a number"
    if not wrong.any() and dtype == "Int64":
        wrong, wanted = numbers.notna() & (numbers % 1 != 0), "a whole number"
    if not wrong.any():
        return f"expected values of type {dtype.lower()}"
    row = int(wrong.to_numpy().argmax())
    return f"found {values.iloc[row]} in row {row + 1}, expected {wanted}"


def _check(frame: pd.DataFrame, origin: str) -> None:
    for name, known in (("phase", PHASES), ("energy_kind", KINDS)):
        wrong = frame.loc[frame[name].notna() & ~frame[name].isin(known), name]
        if len(wrong):
            raise InputError(f"{origin}: column {name}: found {wrong.iloc[0]}, expected one of {', '.join(known)}")
    ok = frame["outcome"] == "ok"
    impossible = ok & ~((frame["energy_kwh"] > 0) & (frame["energy_kwh"] < float("inf"))).fillna(False)
    if impossible.any():
        found = frame.loc[impossible].iloc[0]
        raise InputError(
            f"{origin}: column energy_kwh: found {found.energy_kwh} for {found.architecture} on {found.gpu}, "
            "expected a finite number above 0"
        )
    for name in ("gpu", "architecture", "phase"):
        if (unnamed := frame[name].isna()).any():
            raise InputError(f"{origin}: column {name}: found nothing in row {int(unnamed.to_numpy().argmax()) + 1}")
    if (unsaid := ok & frame["energy_kind"].isna()).any():
        found = frame.loc[unsaid].iloc[0]
        raise InputError(
            f"{origin}: column energy_kind: found nothing for {found.architecture} on {found.gpu}, expected one of "
            f"{', '.join(KINDS)}"
        )
    identity = ["gpu", "architecture", "phase", "repeat"]
    twice = frame[frame.duplicated(identity)]
    if len(twice):
        raise InputError(
            f"{origin}: the cell {' '.join(map(str, twice.iloc[0][identity]))} is there twice, expected once"
        )
