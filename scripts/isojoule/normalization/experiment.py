"""The published experiment, with our methods beside: errors on held-out systems by method and references.

Douwes and Serizel, "Normalizing energy consumption for hardware-independent evaluation", section 3.1: five random
splits of 80/20, which all pairs share. Every row names its references and the systems it was tested on, so that any
number can be computed again by hand.

Axes of the arrays: s sets of references, r references of a set, m systems, c columns.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import groupby

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from isojoule.normalization.accuracy import ERRORS, errors
from isojoule.normalization.base import Values
from isojoule.normalization.corrected import Baseline, Corrected
from isojoule.normalization.experiment_plan import Cache, Choice, Plan, choices, choices_without_source
from isojoule.normalization.other_gpus import in_parts, known_gpus, predicted_beside
from isojoule.normalization.pairs import SEPARATOR, Pair, pairs, typical_systems
from isojoule.normalization.references import RowNumbers
from isojoule.normalization.shared import Shared


def experiment(frame: pd.DataFrame, phase: str, plan: Plan, workers: int = 1) -> Iterator[pd.DataFrame]:
    """Compute held-out errors of every method on every ordered pair of GPUs, by choice and number of references.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.
        plan: what to try.
        workers: number of processes.

    Yields:
        for each source in turn, one row per target, split, choice, number, draw and method: the errors, the names of
        references and tested systems, and the seed. A method that the references do not determine has no row.

    Raises:
        InputError: there are fewer than two GPUs, or no two that share a system.
    """
    pairs_by_source = {
        source: list(group) for source, group in groupby(pairs(frame, phase), key=lambda gpu_pair: gpu_pair.source)
    }
    elsewhere = [
        typical_systems([of_other[0].systems for other, of_other in pairs_by_source.items() if other != source])
        for source in pairs_by_source
    ]
    task = partial(_errors_of_source, plan, [pair for of_source in pairs_by_source.values() for pair in of_source])
    workers = min(workers, len(pairs_by_source))
    if workers == 1:
        yield from map(task, pairs_by_source, elsewhere)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(task, pairs_by_source, elsewhere)


def _errors_of_source(plan: Plan, all_pairs: list[Pair], source: str, elsewhere: pd.DataFrame) -> pd.DataFrame:
    cache: Cache = {}
    tables = []
    # the matrices are too small to be shared among threads
    with threadpool_limits(1):
        for pair in (pair for pair in all_pairs if pair.source == source):
            to_target = [other for other in all_pairs if other.target == pair.target and other.source != source]
            tables.append(_errors_of_pair(pair, to_target, plan, elsewhere, cache))
    table = pd.concat(tables, ignore_index=True)
    texts = [name for name in table if table[name].dtype == object]
    return table.astype(dict.fromkeys(texts, "category"))


def _errors_of_pair(
    pair: Pair, to_target: list[Pair], plan: Plan, elsewhere: pd.DataFrame, cache: Cache
) -> pd.DataFrame:
    every_suited = {name: method().suited(pair.systems) for name, method in plan.methods.items()}
    suited = {name: (method, method.matrix(pair.systems)) for name, method in every_suited.items() if method}
    corrected = [method for method, _ in suited.values() if isinstance(method, Corrected)]
    tables = []
    all_choices = [*choices(pair, plan, cache), *choices_without_source(pair, plan, elsewhere, cache)]
    all_choices.sort(key=lambda choice: len(choice.rows))
    # a method fits all sets of the same size at once
    for _, group in groupby(all_choices, key=lambda choice: len(choice.rows)):
        same_size = list(group)
        rows = np.array([choice.rows for choice in same_size])
        is_random = np.array([choice.sampling == "random" for choice in same_size])
        # several choices may name the same references
        different_rows, place = np.unique(rows, axis=0, return_inverse=True)
        fitted: dict[str, RowNumbers] = {}
        # methods that differ in their baselines alone are determined by the same references
        by_baselines: dict[tuple[tuple[str, ...], bool], dict[tuple[Baseline, ...], Values]] = {}
        predicted_kwh = []
        for name, (method, values) in suited.items():
            is_determined = method.determined(values[different_rows])
            is_fitted = is_determined[place] & (method.closed_form | ~is_random)
            if not is_fitted.any():
                continue
            fitted[name] = np.flatnonzero(is_fitted)
            if isinstance(method, Shared):
                predicted_kwh.append(
                    _predicted_beside(method, pair, to_target, [same_size[number] for number in fitted[name]])
                )
                continue
            used, place_in_used = np.unique(place[is_fitted], return_inverse=True)
            known = different_rows[used]
            arguments = values[known], pair.target_kwh[known], values
            if isinstance(method, Corrected):
                alike = method.columns, method.robust
                if alike not in by_baselines:
                    every = {other.baselines: None for other in corrected if (other.columns, other.robust) == alike}
                    by_baselines[alike] = dict(zip(every, method.predictions_by(list(every), *arguments), strict=True))
                different_kwh = by_baselines[alike][method.baselines]
            else:
                different_kwh = method.predictions(*arguments)
            predicted_kwh.append(different_kwh[place_in_used])
        if fitted:
            numbers = np.concatenate(list(fitted.values()))
            counts = [len(of_method) for of_method in fitted.values()]
            columns = [SEPARATOR.join(suited[name][0].columns) for name in fitted]
            held_out = _held_out_errors(pair, [same_size[number] for number in numbers], np.concatenate(predicted_kwh))
            described = _described(pair, plan, same_size).iloc[numbers]
            tables.append(
                described.assign(method=np.repeat(list(fitted), counts), columns=np.repeat(columns, counts), **held_out)
            )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _predicted_beside(method: Shared, pair: Pair, to_target: list[Pair], tried: list[Choice]) -> Values:
    """Predict the tested systems of each choice, (s, m), which no other GPU knows."""
    (mine,), known = known_gpus([pair], method), known_gpus(to_target, method)
    predicted_kwh: dict[tuple[tuple[int, ...], ...], Values] = {}
    keys = [(tuple(choice.rows), tuple(choice.tested)) for choice in tried]
    for key, choice in zip(keys, tried, strict=True):
        if key not in predicted_kwh:
            # where a GPU is left out, all systems but the references are tested: the others know most of them in turn
            asked = in_parts(pair, choice.rows) if choice.split.scheme == "gpu" else [choice.tested]
            predicted_kwh[key] = predicted_beside(method, mine, known, choice.rows, asked)
    return np.array([predicted_kwh[key] for key in keys])


def _described(pair: Pair, plan: Plan, tried: list[Choice]) -> pd.DataFrame:
    """Describe the choices, one row each: the pair, the split, the references, the tested systems."""
    names = pair.systems.index.to_numpy(dtype=object)
    test_names = {id(choice.split): SEPARATOR.join(names[choice.tested]) for choice in tried}
    return pd.DataFrame(
        {
            "phase": pair.phase,
            "source": pair.source,
            "target": pair.target,
            "kinds": SEPARATOR.join(pair.kinds),
            "scheme": [choice.split.scheme for choice in tried],
            "split": [choice.split.name for choice in tried],
            "seed": plan.seed,
            "sampling": [choice.sampling for choice in tried],
            "share": [choice.share for choice in tried],
            "references": [len(choice.rows) for choice in tried],
            "draw": [choice.draw for choice in tried],
            "reference_names": [SEPARATOR.join(names[choice.rows]) for choice in tried],
            "tested": [len(choice.tested) for choice in tried],
            "test_names": [test_names[id(choice.split)] for choice in tried],
            "left_out_names": SEPARATOR.join(pair.left_out),
        }
    )


def _held_out_errors(pair: Pair, tried: list[Choice], predicted_kwh: Values) -> dict[str, Values]:
    """Compute the errors of each choice, (s,), on the tested systems of its split.

    Args:
        pair: the pair of GPUs.
        tried: the choices, (s,); one that several methods tried is there as often.
        predicted_kwh: predictions for all systems of the pair in kWh, (s, m).
    """
    quality = pair.systems["quality"].to_numpy()
    held_out = {name: np.empty(len(tried)) for name in ERRORS}
    of_splits = np.array([id(choice.split) for choice in tried])
    for of_split in np.unique(of_splits):
        numbers = np.flatnonzero(of_splits == of_split)
        tested = tried[numbers[0]].tested
        tested_quality = quality[tested] if np.isfinite(quality[tested]).all() else None
        of_numbers = errors(pair.target_kwh[tested], predicted_kwh[np.ix_(numbers, tested)], tested_quality)
        for name, values in of_numbers.items():
            held_out[name][numbers] = values
    return held_out
