"""Which references to publish: the fewest architectures that normalize a GPU that the study does not have.

Axes of the arrays: p pairs of a new GPU and a target, m systems, d resamples of the systems.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from isojoule import readable
from isojoule.errors import InputError
from isojoule.normalization import pretended_error, references
from isojoule.normalization.base import Values
from isojoule.normalization.methods import default_method
from isojoule.normalization.other_gpus import in_parts, known_gpus, predicted_beside
from isojoule.normalization.pairs import SEPARATOR, Pair, pairs, restricted, systems_on_all_gpus, typical_systems
from isojoule.normalization.references import RowNumbers

RESAMPLES = 1000
# ways to choose references for a GPU that the study does not have
CHOICES = (*references.DETERMINISTIC, pretended_error.NAME)


def reference_sets(
    frame: pd.DataFrame,
    phase: str,
    error_percent: float,
    seed: int = 0,
    choice: str | None = None,
    counts: Sequence[int] = (),
) -> pd.DataFrame:
    """Compute the error that each number of references leaves on a new GPU, and name the references to measure.

    Every GPU is left out in turn and stands for the new one: the references are chosen without it, its energies are
    normalized to each of the others by those references alone, and the errors are computed on all other systems.

    Args:
        frame: a table of measurements; systems that were not measured on all GPUs are left out.
        phase: `train` or `test`.
        error_percent: the median absolute percentage error (MdAPE) to stay within.
        seed: seed of the resampling.
        choice: how references are chosen, one of `CHOICES`; by default as suits their number.
        counts: numbers of references; by default those from 2 to half of the systems.

    Returns:
        one row per number of references: `sampling` (how they are chosen), `mdape_percent` with the ends of its 90 %
        interval (`mdape_low_percent`, `mdape_high_percent`, over resampled systems), `ape90_percent`, `reference_names`
        (chosen on all GPUs), what it costs to measure these once, by geometric means over the GPUs (`references_kwh`,
        and `references_s` where all durations are known), and `to_publish` for the smallest number whose MdAPE is
        within `error_percent`, if there is one.

    Raises:
        InputError: there are fewer than two GPUs (three for the least pretended error), fewer than five systems on all
            of them, or all energies are equal.
    """
    all_pairs = pairs(frame, phase)
    gpus = list(dict.fromkeys(pair.source for pair in all_pairs))
    names = systems_on_all_gpus(all_pairs)
    if len(names) < 5:
        raise InputError(
            f"references of {phase}: found {readable.counted(len(names), 'system')} measured on all of "
            f"{', '.join(gpus)}, expected at least 5"
        )
    if choice == pretended_error.NAME and len(gpus) <= pretended_error.FEWEST_GPUS:
        raise InputError(
            f"references of {phase}: found {len(gpus)} GPUs ({', '.join(gpus)}), expected at least "
            f"{pretended_error.FEWEST_GPUS + 1} for {choice}: each is left out of the choice in turn"
        )
    systems_by_gpu = {gpu: next(pair for pair in all_pairs if pair.source == gpu).systems.loc[names] for gpu in gpus}
    on_all_gpus = [restricted(pair, names) for pair in all_pairs]
    typical = typical_systems(list(systems_by_gpu.values()))
    resamples = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    rows = []
    for count in counts or range(2, max(3, len(names) // 2) + 1):
        sampling = choice or references.recommended(count)
        # the matrices are too small to be shared among threads
        with threadpool_limits(1):
            errors_percent = _errors_on_new_gpus(on_all_gpus, systems_by_gpu, sampling, count)
            chosen = _chosen(on_all_gpus, typical, sampling, count)
        if np.isnan(errors_percent).all():
            raise InputError(
                f"references of {phase}: found systems of one and the same energy, expected different ones"
            )
        rows.append(
            {
                "phase": phase,
                "kinds": SEPARATOR.join(sorted({kind for pair in all_pairs for kind in pair.kinds})),
                "references": count,
                "sampling": sampling,
                **_statistics(errors_percent, resamples),
                "references_kwh": float(typical["energy_kwh"].iloc[chosen].sum()),
                "references_s": float(typical["duration_s"].iloc[chosen].sum(skipna=False)),
                "new_gpus": len(gpus),
                "systems": len(names),
                "seed": seed,
                "reference_names": SEPARATOR.join(np.array(names, dtype=object)[chosen]),
            }
        )
    table = pd.DataFrame(rows)
    is_within = table["mdape_percent"] <= error_percent
    table.insert(3, "to_publish", is_within & ~is_within.shift(fill_value=False).cummax())
    return table


def costs_in_words(table: pd.DataFrame) -> list[str]:
    """Say for one phase what each number of references costs to measure once, and what error it leaves."""
    lines = []
    energy, duration = readable.unit("kWh", table["references_kwh"]), readable.unit("s", table["references_s"])
    for row in table.itertuples():
        cost = energy.shown(row.references_kwh)
        cost += "" if np.isnan(row.references_s) else f" and {duration.shown(row.references_s)}"
        lines.append(f"{row.phase}, {row.references} references: {row.mdape_percent:.1f} % for {cost} on each GPU")
    return lines


def in_words(table: pd.DataFrame, error_percent: float) -> str:
    """Name the references to publish for one phase, or the best number of them, in a sentence."""
    chosen = table[table["to_publish"]]
    phase = table["phase"].iloc[0]
    if chosen.empty:
        best = table.loc[table["mdape_percent"].idxmin()]
        return (
            f"{phase}: no number of references reaches {error_percent:g} %; the best, {best.references}, leave "
            f"{best.mdape_percent:.1f} %"
        )
    row = chosen.iloc[0]
    return (
        f"{phase}: {row.references} references leave a median error of {row.mdape_percent:.1f} % on a new GPU (90 % "
        f"interval {row.mdape_low_percent:.1f} to {row.mdape_high_percent:.1f} %): {row.reference_names}"
    )


def _chosen(study: list[Pair], typical: pd.DataFrame, sampling: str, count: int) -> RowNumbers:
    """Choose references for a GPU that a study, its pairs and the typical energies in them, does not have."""
    if sampling == pretended_error.NAME:
        return pretended_error.least_pretended(study, count)
    return references.choose(sampling, typical, count)


def _errors_on_new_gpus(
    on_all_gpus: list[Pair], systems_by_gpu: dict[str, pd.DataFrame], sampling: str, count: int
) -> Values:
    """Return absolute percentage errors with references that are chosen without the source of each pair, (p, m)."""
    chosen_without = {}
    for new_gpu in systems_by_gpu:
        elsewhere = typical_systems([systems for gpu, systems in systems_by_gpu.items() if gpu != new_gpu])
        study = [pair for pair in on_all_gpus if new_gpu not in (pair.source, pair.target)]
        chosen_without[new_gpu] = _chosen(study, elsewhere, sampling, count)
    errors_percent = []
    for pair in on_all_gpus:
        to_target = [other for other in on_all_gpus if other.target == pair.target and other.source != pair.source]
        errors_percent.append(_errors_percent(pair, to_target, chosen_without[pair.source]))
    return np.array(errors_percent)


def _errors_percent(pair: Pair, to_target: list[Pair], rows: RowNumbers) -> Values:
    """Return the absolute percentage error of every system, (m,); NaN for references, and if they determine nothing."""
    method = default_method().suited(pair.systems)
    if not method.determined(method.matrix(pair.systems)[None, rows])[0]:
        return np.full(len(pair.target_kwh), np.nan)
    (mine,), known = known_gpus([pair], method), known_gpus(to_target, method)
    predicted_kwh = predicted_beside(method, mine, known, rows, in_parts(pair, rows))
    return np.asarray(100 * np.abs(predicted_kwh / pair.target_kwh - 1))


def _statistics(errors_percent: Values, resamples: NDArray[np.intp]) -> dict[str, float]:
    """Summarize errors, (p, m), with an interval over resamples of the systems, row numbers (d, m)."""
    resampled = errors_percent[:, resamples].transpose(1, 0, 2).reshape(len(resamples), -1)
    # a resample may hold nothing but references, of which there are no errors
    medians = np.nanmedian(resampled[~np.isnan(resampled).all(axis=1)], axis=1)
    return {
        "mdape_percent": float(np.nanmedian(errors_percent)),
        "mdape_low_percent": float(np.percentile(medians, 5)),
        "mdape_high_percent": float(np.percentile(medians, 95)),
        "ape90_percent": float(np.nanpercentile(errors_percent, 90)),
    }
