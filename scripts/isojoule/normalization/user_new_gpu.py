"""A new GPU of the user's: what would all systems of a study use on it, of which a few references were measured there?

A system is estimated from the GPUs that measured it and all references.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization.base import ENERGY, Values, complete
from isojoule.normalization.completion import FEWEST_GPUS, Completion
from isojoule.normalization.corrected import FEWEST_TO_CORRECT
from isojoule.normalization.intervals import COVERAGE, half_widths, is_unlike
from isojoule.normalization.pairs import typical_systems
from isojoule.normalization.references import RowNumbers
from isojoule.normalization.relative import SYSTEM_COLUMNS
from isojoule.normalization.shared import Evidenced
from isojoule.normalization.user_repeats import interval_in_words, pooled, with_own_kinds
from isojoule.normalization.user_rows import Repeats, kinds_of
from isojoule.normalization.user_system import STEP, Normalized, method_in_words
from isojoule.normalization.user_warnings import kinds_warning, unit_warnings
from isojoule.tables.columns import KINDS


class Known(NamedTuple):
    """What some GPUs of a study know of the systems that all of them measured.

    Attributes:
        gpus: names of the GPUs.
        asked: names of the systems to estimate, those that these GPUs measured and no others did.
        tables: the systems on each GPU, with the columns of `SYSTEM_COLUMNS` that the study has, (m,) rows each.
    """

    gpus: tuple[str, ...]
    asked: list[str]
    tables: list[pd.DataFrame]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are known of all systems on all of these GPUs."""
        further = [name for name in SYSTEM_COLUMNS if name != ENERGY]
        return (ENERGY, *(name for name in further if all(complete(table, (name,)) for table in self.tables)))


def on_new_gpu(
    frame: pd.DataFrame, target: str, phase: str, references: Mapping[str, Repeats]
) -> tuple[dict[str, Normalized], list[str]]:
    """Estimate all systems of a study on a GPU of which it knows nothing, or the references alone.

    Args:
        frame: the study's table of measurements; its rows on `target` are not used.
        target: name of the new GPU.
        phase: `train` or `test`; all energies are of that phase.
        references: systems of the study as measured on the new GPU, by their names in the study, (r,).

    Returns:
        the energy of every other system on the new GPU, by name in the order of the study, and sentences on what could
        not be used.

    Raises:
        InputError: the study has no energy, there are fewer than two references, one is no system of the study, or no
            GPU of the study measured them all.
    """
    ok = frame[(frame["phase"] == phase) & (frame["outcome"] == "ok") & (frame["gpu"] != target)]
    names, names_of_references = list(ok["architecture"].unique()), list(references)
    if not names:
        raise InputError(
            f"new-target: found no {phase} energy of the study on another GPU than {target}, expected some"
        )
    if unknown := [name for name in references if name not in names]:
        raise InputError(
            f"references: found {unknown[0]}, which the study did not measure on another GPU, expected names such as "
            f"{', '.join(map(str, names[:3]))}"
        )
    if len(references) < 2:
        raise InputError(f"references: found {len(references)}, expected at least 2")
    tables = {str(gpu): _systems_on(ok, gpu) for gpu in ok["gpu"].unique()}
    unusable = {gpu: lacking for gpu, table in tables.items() if (lacking := _lacking(table, names_of_references))}
    usable = {gpu: table for gpu, table in tables.items() if gpu not in unusable}
    if not usable:
        reasons = "; ".join(f"{gpu} {lacking}" for gpu, lacking in unusable.items())
        raise InputError(f"references: found no GPU of the study that measured them all, expected one: {reasons}")
    sentences = [f"not used: {gpu}, which {lacking}" for gpu, lacking in unusable.items()]
    kinds = tuple(kind for kind in KINDS if kind in set(ok["energy_kind"]))
    estimates: dict[str, Normalized] = {}
    for known in _groups(usable, [name for name in names if name not in references]):
        estimates |= _estimates(known, target, phase, references, kinds)
    if left_out := [str(name) for name in names if name not in estimates and name not in references]:
        sentences.append(f"left out: {', '.join(left_out)}: measured on no GPU that measured the references")
    return {name: estimates[name] for name in names if name in estimates}, sentences


def _systems_on(ok: pd.DataFrame, gpu: str) -> pd.DataFrame:
    """Return the systems on a GPU, means over repeats, by name; what describes them is taken from any GPU."""
    means = ok[ok["gpu"] == gpu].groupby("architecture", sort=False)[[ENERGY, "duration_s"]].mean()
    described = [name for name in SYSTEM_COLUMNS if name not in means and name in ok]
    return means.join(ok.groupby("architecture", sort=False)[described].first()).astype("float64")


def _lacking(table: pd.DataFrame, references: list[str]) -> str:
    """Say why the references tell nothing of a GPU, or nothing where they do."""
    if absent := [name for name in references if name not in table.index]:
        return f"lacks {', '.join(absent)}"
    return "" if table.loc[references, ENERGY].nunique() > 1 else "has the same energy for all references"


def _groups(tables: Mapping[str, pd.DataFrame], asked: list[str]) -> Iterator[Known]:
    """Divide systems by the GPUs that measured them."""
    by_gpus: dict[tuple[str, ...], list[str]] = {}
    for name in asked:
        by_gpus.setdefault(tuple(gpu for gpu, table in tables.items() if name in table.index), []).append(name)
    for gpus, names in by_gpus.items():
        if gpus:
            first, *further = [tables[gpu] for gpu in gpus]
            common = [name for name in first.index if all(name in table.index for table in further)]
            yield Known(gpus, names, [tables[gpu].loc[common] for gpu in gpus])


def _estimates(
    known: Known, target: str, phase: str, references: Mapping[str, Repeats], kinds: tuple[str, ...]
) -> dict[str, Normalized]:
    """Estimate the systems that are asked of some GPUs; arguments as of `on_new_gpu`."""
    columns = known.columns
    index = known.tables[0].index
    rows = index.get_indexer(pd.Index(list(references)))
    target_kwh = np.array([repeats.system.energy_kwh for repeats in references.values()])
    completion = Completion(np.stack([table[list(columns)].to_numpy() for table in known.tables]), rows, columns)
    evidenced = completion.evidenced(target_kwh)
    half, interval = half_widths(evidenced)
    spread = pooled(references)
    if half is not None and spread.deviation > 0:
        counts = np.array([len(repeats.energies_kwh) for repeats in references.values()])
        squares = (_slopes(completion, target_kwh) ** 2 / counts[:, None]).sum(axis=0)
        half = np.hypot(half, spread.factor(COVERAGE) * spread.deviation * np.sqrt(squares))
        interval = interval_in_words(interval, spread)
    method = _method_in_words(known, evidenced, columns, len(references))
    typical = typical_systems(known.tables)[list(columns)]
    ratios = pd.Series(target_kwh, index=list(references)) / typical[ENERGY].iloc[rows]
    of_all = [
        *unit_warnings(ratios, target, "the study's GPUs"),
        *_few_references(len(references)),
        *_agreement(evidenced, target),
        *([] if half is not None else ["no interval: nothing here tells how wrong the estimate may be"]),
        *_one_gpu(known),
        *kinds_warning(kinds),
    ]
    estimates = {}
    for name in known.asked:
        row = int(index.get_loc(name))
        energy_kwh = float(np.exp(evidenced.prediction.log_kwh[row]))
        normalized = Normalized(
            target=target,
            phase=phase,
            energy_kwh=energy_kwh,
            low_kwh=None if half is None else float(energy_kwh / np.exp(half[row])),
            high_kwh=None if half is None else float(energy_kwh * np.exp(half[row])),
            coverage=COVERAGE,
            method=method,
            interval=interval,
            references=tuple(references),
            kinds=kinds,
            warnings=(*of_all, *_extrapolations(typical, rows, row)),
        )
        estimates[name] = with_own_kinds(normalized, kinds_of(references))
    return estimates


def _method_in_words(known: Known, evidenced: Evidenced, columns: tuple[str, ...], references: int) -> str:
    if len(known.gpus) < FEWEST_GPUS:
        return f"from {known.gpus[0]}, {method_in_words(evidenced, columns, references)}"
    shares = ", ".join(f"{name} {100 * weight:.0f} %" for name, weight in evidenced.weights.items())
    return f"completion: {shares}, weighed on {len(known.gpus)} GPUs of the study by {', '.join(columns)}"


def _slopes(completion: Completion, target_kwh: Values) -> Values:
    """Return by how much the logarithms of all energies change with that of each reference, (r, m)."""
    start = completion.evidenced(target_kwh).prediction.log_kwh
    changed = target_kwh * (1 + STEP * np.eye(len(target_kwh)))
    differences = [completion.evidenced(energies).prediction.log_kwh - start for energies in changed]
    return np.asarray(differences / np.log1p(STEP))


def _few_references(count: int) -> list[str]:
    if count >= FEWEST_TO_CORRECT:
        return []
    return [f"few references: {count} tell little of how the new GPU departs from the others; measure 4 or more"]


def _agreement(evidenced: Evidenced, target: str) -> list[str]:
    if not is_unlike(evidenced):
        return []
    return [
        f"agreement: the references disagree on how {target} compares with the study's GPUs, "
        f"{evidenced.spread_ratio:.3g} times as much as on any of these, and the interval is wider for it; are values "
        "mixed up?"
    ]


def _one_gpu(known: Known) -> list[str]:
    if len(known.gpus) >= FEWEST_GPUS:
        return []
    return [f"one GPU: the estimate rests on {known.gpus[0]} alone; from {FEWEST_GPUS} GPUs up it is better"]


def _extrapolations(typical: pd.DataFrame, references: RowNumbers, row: int) -> list[str]:
    """Say in which columns a system lies beyond the references, on average over the GPUs."""
    warnings = []
    for column, values in typical.items():
        low, high, value = values.iloc[references].min(), values.iloc[references].max(), values.iloc[row]
        if not low <= value <= high:
            warnings.append(
                f"extrapolation: its {column} is {value:.3g} on the study's GPUs, the references span {low:.3g} to "
                f"{high:.3g}"
            )
    return warnings
