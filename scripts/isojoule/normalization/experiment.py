"""The published experiment, with our methods beside: held-out errors by method, choice and number of references.

Douwes and Serizel, "Normalizing energy consumption for hardware-independent evaluation", section 3: five random splits
of 80/20, shared by all pairs. Every row names its references and the systems it was tested on, so that any number can
be computed again by hand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from isojoule.normalization import references
from isojoule.normalization.accuracy import ERRORS, errors
from isojoule.normalization.base import Normalization
from isojoule.normalization.pairs import Pair, pairs, typical
from isojoule.normalization.splits import Split

Methods = Mapping[str, Callable[[], Normalization]]
# between names of architectures
SEPARATOR = ", "


@dataclass(frozen=True)
class Plan:
    """What an experiment tries.

    Attributes:
        methods: by name; those without a closed form are not tried on random references (the paper draws them for the
            line alone).
        splits: divisions of the architectures; beside them each GPU is left out in turn.
        shares: numbers of references by their published name; `all` is added.
        counts: further numbers, which are not drawn at random.
        draws: how many random choices of each share.
        seed: of the random references.
        samplings: choices of references beside the random ones.
    """

    methods: Methods
    splits: Sequence[Split]
    shares: Mapping[str, int]
    counts: Sequence[int] = ()
    draws: int = 20
    seed: int = 0
    samplings: tuple[str, ...] = references.DETERMINISTIC

    @property
    def labelled_counts(self) -> list[tuple[str, int]]:
        """Numbers of references with their names, each further one by itself."""
        further = [(str(count), count) for count in self.counts if count not in self.shares.values()]
        return [*self.shares.items(), *further]


@dataclass(frozen=True)
class Choice:
    """References to try: which split, how they were chosen, which rows of the pair."""

    split: Split
    sampling: str
    share: str
    draw: int
    rows: NDArray[np.intp]


def experiment(frame: pd.DataFrame, phase: str, plan: Plan, workers: int = 1) -> Iterator[pd.DataFrame]:
    """Held-out errors of every method, on every directed pair, by choice and number of references.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.
        plan: what to try.
        workers: processes.

    Yields:
        for each source in turn, one row per target, split, choice, number, draw and method: the errors, the names of
        references and tested systems, and the seed. A method that the references do not determine has no row.

    Raises:
        InputError: fewer than two GPUs, or no two that share a system.
    """
    by_source = {
        source: list(group) for source, group in groupby(pairs(frame, phase), key=lambda directed: directed.source)
    }
    elsewhere = [
        typical([directed[0].systems for other, directed in by_source.items() if other != source])
        for source in by_source
    ]
    task = partial(_of_source, plan)
    if workers == 1:
        yield from map(task, by_source.values(), elsewhere)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(task, by_source.values(), elsewhere)


def _of_source(plan: Plan, directed: list[Pair], elsewhere: pd.DataFrame) -> pd.DataFrame:
    chosen: dict[tuple[Any, ...], NDArray[np.intp]] = {}
    # matrices are too small to share among threads
    with threadpool_limits(1):
        found = pd.concat([_of_pair(pair, plan, elsewhere, chosen) for pair in directed], ignore_index=True)
    texts = [name for name in found if found[name].dtype == object]
    return found.astype(dict.fromkeys(texts, "category"))


def _of_pair(
    pair: Pair, plan: Plan, elsewhere: pd.DataFrame, chosen: dict[tuple[Any, ...], NDArray[np.intp]]
) -> pd.DataFrame:
    quality = pair.systems["quality"].to_numpy()
    tables = []
    tried = [*choices(pair, plan, chosen), *_choices_without_source(pair, plan, elsewhere, chosen)]
    ordered = sorted(tried, key=lambda choice: len(choice.rows))
    for _, group in groupby(ordered, key=lambda choice: len(choice.rows)):
        sets = list(group)
        described = _described(pair, plan, sets)
        rows = np.array([one.rows for one in sets])
        drawn = np.array([one.sampling == "random" for one in sets])
        for name, method in plan.methods.items():
            suited = method().suited(pair.systems)
            if suited is None:
                continue
            values = suited.matrix(pair.systems)
            fitted = suited.determined(values[rows]) & (suited.closed_form | ~drawn)
            if not fitted.any():
                continue
            predicted = suited.predictions(values[rows[fitted]], pair.target_kwh[rows[fitted]], values)
            found = _errors(pair, [one for one, kept in zip(sets, fitted, strict=True) if kept], predicted, quality)
            tables.append(described[fitted].assign(method=name, columns=SEPARATOR.join(suited.columns), **found))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _described(pair: Pair, plan: Plan, sets: list[Choice]) -> pd.DataFrame:
    names = pair.systems.index
    tested = {id(choice.split): names[names.isin(choice.split.test)] for choice in sets}
    return pd.DataFrame(
        {
            "phase": pair.phase,
            "source": pair.source,
            "target": pair.target,
            "kinds": SEPARATOR.join(pair.kinds),
            "scheme": [choice.split.scheme for choice in sets],
            "split": [choice.split.name for choice in sets],
            "seed": plan.seed,
            "sampling": [choice.sampling for choice in sets],
            "share": [choice.share for choice in sets],
            "references": [len(choice.rows) for choice in sets],
            "draw": [choice.draw for choice in sets],
            "reference_names": [SEPARATOR.join(names[choice.rows]) for choice in sets],
            "tested": [len(tested[id(choice.split)]) for choice in sets],
            "test_names": [SEPARATOR.join(tested[id(choice.split)]) for choice in sets],
            "left_out_names": SEPARATOR.join(pair.left_out),
        }
    )


def _errors(
    pair: Pair, sets: list[Choice], predicted: NDArray[np.float64], quality: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Errors of each set of references, (sets,), on the tested systems of its split."""
    found = {name: np.empty(len(sets)) for name in ERRORS}
    for _, of_split in groupby(range(len(sets)), key=lambda number: id(sets[number].split)):
        numbers = list(of_split)
        tested = pair.systems.index.isin(sets[numbers[0]].split.test)
        known = quality[tested] if np.isfinite(quality[tested]).all() else None
        for name, values in errors(pair.target_kwh[tested], predicted[numbers][:, tested], known).items():
            found[name][numbers] = values
    return found


def choices(pair: Pair, plan: Plan, chosen: dict[tuple[Any, ...], NDArray[np.intp]]) -> Iterator[Choice]:
    """Every choice of references; what depends on the source alone is kept in `chosen` for its next target."""
    names = pair.systems.index
    for number, split in enumerate(plan.splits):
        known = np.flatnonzero(names.isin(split.train))
        if len(known) < 2 or not names.isin(split.test).any():
            continue
        systems = pair.systems.iloc[known]
        for share, count in plan.labelled_counts:
            if count > len(known):
                continue
            for sampling in plan.samplings:
                key = (sampling, count, *systems.index)
                if key not in chosen:
                    chosen[key] = references.chosen(sampling, systems, count)
                yield Choice(split, sampling, share, 0, known[chosen[key]])
            generator = np.random.default_rng((plan.seed, number, count))
            for draw in range(plan.draws if share in plan.shares and split.scheme != "family" else 0):
                rows = references.at_random(systems["energy_kwh"].to_numpy(), count, generator)
                yield Choice(split, "random", share, draw, known[rows])
        yield Choice(split, "all", "all", 0, known)


def _choices_without_source(
    pair: Pair, plan: Plan, elsewhere: pd.DataFrame, chosen: dict[tuple[Any, ...], NDArray[np.intp]]
) -> Iterator[Choice]:
    """References chosen as if the source were new: on the study's other GPUs; tested on all other systems."""
    names = pair.systems.index
    systems = elsewhere.loc[elsewhere.index.isin(names)]
    for share, count in plan.labelled_counts:
        if count > len(systems) - 2:
            continue
        for sampling in plan.samplings:
            key = ("elsewhere", sampling, count, *systems.index)
            if key not in chosen:
                chosen[key] = references.chosen(sampling, systems, count)
            known = names.isin(systems.index[chosen[key]])
            split = Split("gpu", pair.source, tuple(names[known]), tuple(names[~known]))
            yield Choice(split, sampling, share, 0, np.flatnonzero(known))
