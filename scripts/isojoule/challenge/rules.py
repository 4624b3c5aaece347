"""The rule of DCASE 2023, task 4A, and what it leaves open.

With B the energy of the baseline's test on a participant's GPU, E a system's energy there, and q a quality, the
organizers' score of a system was

    q E(baseline) / round(E B(baseline) / B)

so that the test of one reference normalized the energies of training as well. Normalized energies were rounded to three
decimals of a kWh. Ronchini and Serizel, "Performance and energy balance: a comprehensive study of state-of-the-art
sound event detection systems", ICASSP 2024.

Three things are open in it: the energies are printed with few decimals, the qualities have intervals, and the ratio of
one reference is not that of every system.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.challenge.ranks import Ranks, ranks
from isojoule.configuration import yaml_reader
from isojoule.errors import InputError
from isojoule.naming import check_name
from isojoule.tables.reading import read_any
from isojoule.tables.values import numbers, refuse

Values = NDArray[np.float64]
RULES = ("dcase-2023",)
PHASES = ("training", "test")
COLUMNS = {
    "system": "system",
    "training": "energy_training_kwh",
    "test": "energy_test_kwh",
    "baseline_test": "energy_baseline_test_kwh",
}
QUALITIES = {name: {"value": name, "low": f"{name}_low", "high": f"{name}_high"} for name in ("psds1", "psds2")}
BASELINE = "baseline-1"
# between two GPUs, the ratio of one job stands for that of another with so large a median error, in per cent: of those
# in the trace of Zeus (You et al., NSDI 2023), 22 to 56 % by the pair of GPUs
REFERENCE_ERROR_PERCENT = 30.0
# the standard deviation of a normal distribution over its median absolute value
DEVIATION_OVER_MEDIAN = 1.4826
# organizers give 95 % intervals of qualities by bootstrap
DEVIATIONS_OF_INTERVAL = 2 * 1.96
# normalized energies were printed so before they went into the score
DECIMALS = 3
# the same network on two GPUs of a challenge does not differ by more
IMPLAUSIBLE_FACTOR = 10.0


@dataclass(frozen=True)
class Mapping2023:
    """Which columns of a table the rule reads.

    Attributes:
        columns: by what they are, as in `COLUMNS`.
        qualities: by name: the columns `value`, and `low` and `high` where there are intervals.
        baseline: the system that all are compared with.
    """

    columns: Mapping[str, str]
    qualities: Mapping[str, Mapping[str, str]]
    baseline: str


def read_mapping(path: Path | None) -> Mapping2023:
    """Read which columns the rule reads, from a YAML file with any of the keys of `COLUMNS`, `qualities`, `baseline`.

    Raises:
        InputError: the file is no YAML, or has other keys or values.
    """
    content: dict[str, Any] = {} if path is None else yaml_reader.read(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {content or 'nothing'}, expected keys such as {', '.join(COLUMNS)}")
    columns = dict(COLUMNS)
    qualities: Mapping[str, Mapping[str, str]] = QUALITIES
    for key, value in content.items():
        if key == "qualities":
            is_right = isinstance(value, dict) and all(
                isinstance(of, dict)
                and "value" in of
                and set(of) <= {"value", "low", "high"}
                and all(isinstance(text, str) for text in (name, *of.values()))
                for name, of in value.items()
            )
            if not is_right or not value:
                raise InputError(f"{path}: qualities: found {value}, expected a name with value, and low and high")
            for name in value:
                check_name(f"{path}: qualities", name)
            qualities = value
        elif not isinstance(value, str) or key not in (*COLUMNS, "baseline"):
            expected = ", ".join((*COLUMNS, "qualities", "baseline"))
            raise InputError(f"{path}: found {key}: {value}, expected a column for any of {expected}")
        elif key != "baseline":
            columns[key] = value
    return Mapping2023(columns, qualities, str(content.get("baseline", BASELINE)))


def rank(
    path: Path, mapping: Mapping2023, reference_error_percent: float, draws: int, seed: int
) -> tuple[pd.DataFrame, list[str]]:
    """Rank the systems of a table by the rule of DCASE 2023.

    Args:
        path: one row per system, CSV or parquet; systems of one team, whose name is what stands before the last hyphen,
            were measured on one GPU.
        mapping: which columns are read.
        reference_error_percent: median error of the ratio of one reference.
        draws: how often everything that is open is drawn.
        seed: of the draws.

    Returns:
        one row per system and score, the best first: `system`, `score`, `value`, `value_low`, `value_high` (what the
        rounding of the inputs leaves open, at most), `rank`, and the ends of its 90 % interval by rounding alone, by
        rounding and quality, and by all three (`rank_low`, `rank_high`), and `ahead_of_next`; and sentences.

    Raises:
        InputError: the table lacks a column or the baseline, or a value is none.
    """
    frame = _read(path, mapping)
    names = frame[mapping.columns["system"]].astype(str)
    at = int(np.flatnonzero(names == mapping.baseline)[0])
    generator = np.random.default_rng(seed)
    exact = {key: numbers(frame, mapping.columns[key]) for key in (*PHASES, "baseline_test")}
    halves = {key: _half_step(values) for key, values in exact.items()}
    team = names.map(lambda name: name.rpartition("-")[0] or name)
    # one measurement of the baseline is that of all systems of a team on that GPU
    gpu = frame.groupby([team, exact["baseline_test"]], sort=False).ngroup().to_numpy()
    is_same = {"training": np.arange(len(names)), "test": np.arange(len(names)), "baseline_test": gpu}
    rounded = {
        key: np.maximum(values + halves[key] * generator.uniform(-1, 1, (draws, len(values)))[:, is_same[key]], 1e-12)
        for key, values in exact.items()
    }
    deviation = np.log1p(reference_error_percent / 100) * DEVIATION_OVER_MEDIAN
    tables, sentences = [], _doubts(names, exact["baseline_test"], at)
    for phase in PHASES:
        energy = exact[phase] * exact["baseline_test"][at] / exact["baseline_test"]
        of_rounding = rounded[phase] * rounded["baseline_test"][:, [at]] / rounded["baseline_test"]
        # half of the variance is the reference's, which a GPU shares, and half the system's; the baseline's is exact
        of_gpu, of_system = generator.normal(0, deviation / np.sqrt(2), (2, draws, len(names)))
        error = np.exp(of_gpu[:, gpu] + of_system)
        error[:, gpu == gpu[at]] = 1.0
        for quality, of in mapping.qualities.items():
            value = numbers(frame, of["value"])
            if phase == PHASES[0] and np.nanmin(value) <= 1 < np.nanmax(value):
                sentences.append(
                    f"doubt: {of['value']} is {np.nanmin(value):g} to {np.nanmax(value):g}; is some of it in per cent?"
                )
            deviation_of_quality = _deviation_of_quality(frame, of)
            if phase == PHASES[0] and (number := int((np.isnan(deviation_of_quality) & ~np.isnan(value)).sum())):
                sentences.append(
                    f"doubt: {number} of {len(value)} values of {of['value']} have no interval, and are taken for exact"
                )
            # a quality without an interval must not take the rank of others with it
            noise = np.nan_to_num(deviation_of_quality) * generator.standard_normal((draws, len(value)))
            drawn_quality = np.maximum(value + noise, 0.0)
            score = value * energy[at] / _printed(energy)
            by_rounding = value * of_rounding[:, [at]] / of_rounding
            by_quality = drawn_quality * of_rounding[:, [at]] / of_rounding
            found = {
                "rounding": ranks(score, by_rounding),
                "quality": ranks(score, by_quality),
                "all": ranks(score, by_quality / error),
            }
            low, high = _bounds(value, exact, halves, phase, at)
            name = f"ew_{quality}_{phase.removesuffix('ing')}"
            tables.append(_table(names, name, score, low, high, found))
            sentences.append(_in_words(name, found))
    return pd.concat(tables, ignore_index=True), sentences


def _read(path: Path, mapping: Mapping2023) -> pd.DataFrame:
    needed = [*mapping.columns.values(), *(column for of in mapping.qualities.values() for column in of.values())]
    frame = read_any(path, "a table of systems", words=[mapping.columns["system"]], named=needed, known=needed)
    if missing := [name for name in needed if name not in frame]:
        raise InputError(f"{path}: found no column {', '.join(missing)}, expected it, or --columns that names others")
    system = mapping.columns["system"]
    refuse(frame, system, frame[system].isna(), "a name")
    refuse(frame, system, frame[system].duplicated(), "every system once")
    for key in (*PHASES, "baseline_test"):
        refuse(frame, mapping.columns[key], ~(numbers(frame, mapping.columns[key]) > 0), "a number above 0")
    for of in mapping.qualities.values():
        value = numbers(frame, of["value"])
        if np.isnan(value).all():
            raise InputError(f"{path}: column {of['value']}: found no value, expected that of some system")
        refuse(frame, of["value"], value < 0, "a number of at least 0")
        if "low" in of:
            refuse(frame, of["low"], numbers(frame, of["low"]) > value, f"at most {of['value']}")
        if "high" in of:
            refuse(frame, of["high"], numbers(frame, of["high"]) < value, f"at least {of['value']}")
    if mapping.baseline not in set(frame[system]):
        raise InputError(
            f"{path}: found no system {mapping.baseline}, expected the baseline that all are compared with"
        )
    return frame


def _half_step(values: Values) -> float:
    """Half of the last decimal that any value of a column is printed with."""
    decimals = max(len(repr(float(value)).partition("e")[0].partition(".")[2].rstrip("0")) for value in values)
    return float(0.5 * 10.0**-decimals)


def _printed(energy_kwh: Values) -> Values:
    """Round energies as the organizers did; what would be 0 is half of the last decimal."""
    return np.maximum(np.round(energy_kwh, DECIMALS), 0.5 * 10.0**-DECIMALS)


def _deviation_of_quality(frame: pd.DataFrame, of: Mapping[str, str]) -> Values:
    """The standard deviations of qualities by their intervals, NaN where there is none; 0 where nobody names any."""
    if "low" not in of or "high" not in of:
        return np.zeros(len(frame))
    return (numbers(frame, of["high"]) - numbers(frame, of["low"])) / DEVIATIONS_OF_INTERVAL


def _bounds(
    value: Values, exact: Mapping[str, Values], halves: Mapping[str, float], phase: str, at: int
) -> tuple[Values, Values]:
    """The least and the most that a score can be, given how its inputs are rounded."""
    half = _half_step(value[~np.isnan(value)])
    energy, own, of_energy, of_own = exact[phase], exact["baseline_test"], halves[phase], halves["baseline_test"]

    def bound(sign: int) -> Values:
        factor = np.maximum(own[at] - sign * of_own, 1e-12) / (own + sign * of_own)
        normalized = _printed((energy - sign * of_energy) * factor)
        # the baseline is compared with itself
        ratio = (energy[at] + sign * of_energy) / normalized
        ratio[at] = 1.0
        return np.asarray((value + sign * half) * ratio)

    return bound(-1), bound(1)


def _table(
    names: "pd.Series[str]", score: str, value: Values, low: Values, high: Values, found: Mapping[str, Ranks]
) -> pd.DataFrame:
    columns: dict[str, Any] = {"system": names, "score": score, "value": value, "value_low": low, "value_high": high}
    columns["rank"] = found["all"].rank
    for key, suffix in (("rounding", "_by_rounding"), ("quality", "_by_rounding_and_quality"), ("all", "")):
        columns[f"rank_low{suffix}"], columns[f"rank_high{suffix}"] = found[key].low, found[key].high
    columns["ahead_of_next"] = found["all"].ahead_of_next
    table = pd.DataFrame(columns).sort_values("rank", kind="stable", ignore_index=True)
    whole = [name for name in table if name.startswith("rank")]
    return table.astype(dict.fromkeys(whole, "Int64"))


def _in_words(name: str, found: Mapping[str, Ranks]) -> str:
    """Say of one score how many neighbours in its ranking are told apart."""
    counts = {key: int((~of.tied_with_next & ~np.isnan(of.ahead_of_next)).sum()) for key, of in found.items()}
    pairs = int((~np.isnan(found["all"].ahead_of_next)).sum())
    return (
        f"{name}: of {pairs} neighbours in the ranking, {counts['rounding']} are told apart by rounding alone, "
        f"{counts['quality']} with the intervals of quality as well, and {counts['all']} with the single reference"
    )


def _doubts(names: Sequence[str], baseline_kwh: Values, at: int) -> list[str]:
    factors = baseline_kwh / baseline_kwh[at]
    is_odd = (factors > IMPLAUSIBLE_FACTOR) | (factors < 1 / IMPLAUSIBLE_FACTOR)
    return [
        f"doubt: the baseline's test on the GPU of {name} took {factor:.3g} times the energy of the organizers'"
        for name, factor, odd in zip(names, factors, is_odd, strict=True)
        if odd
    ]
