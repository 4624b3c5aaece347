"""What an experiment tries: methods, divisions of the architectures, and choices of references."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from isojoule.normalization import references
from isojoule.normalization.base import Normalization
from isojoule.normalization.pairs import Pair
from isojoule.normalization.references import RowNumbers
from isojoule.normalization.splits import Split

Methods = Mapping[str, Callable[[], Normalization]]
# references that were chosen already, by what they depend on: the choice, their number, the names of the systems
Cache = dict[tuple[str, int, tuple[str, ...]], RowNumbers]


@dataclass(frozen=True)
class Plan:
    """What an experiment tries.

    Attributes:
        methods: methods by name. Those without a closed form are not tried on random references, which the paper draws
            for the line alone.
        splits: divisions of the architectures; beside them each GPU is left out in turn.
        shares: numbers of references by their published name; `all` is added.
        counts: further numbers of references, which are not drawn at random.
        draws: number of random choices for each share.
        seed: seed of the random choices.
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
        """The numbers of references with their names; a further number is its own name."""
        further = [(str(count), count) for count in self.counts if count not in self.shares.values()]
        return [*self.shares.items(), *further]


@dataclass(frozen=True)
class Choice:
    """References to try.

    Attributes:
        split: the division of the architectures that they are chosen in.
        sampling: how they were chosen.
        share: name of their number.
        draw: number of the random draw; 0 for other choices.
        rows: row numbers of the references in the pair, (r,).
        tested: row numbers of the tested systems in the pair.
    """

    split: Split
    sampling: str
    share: str
    draw: int
    rows: RowNumbers
    tested: RowNumbers


def choices(pair: Pair, plan: Plan, cache: Cache) -> Iterator[Choice]:
    """Yield every choice of references within the splits of the plan.

    Args:
        pair: the pair of GPUs.
        plan: what to try.
        cache: choices that depend on the source alone, which are kept here for its next target.
    """
    # names are looked up often, which is fast where they are objects of Python
    names = pair.systems.index.astype(object)
    for number, split in enumerate(plan.splits):
        train, tested = (np.flatnonzero(names.isin(part)) for part in (split.train, split.test))
        if len(train) < 2 or not len(tested):
            continue
        systems, energy_kwh = pair.systems.iloc[train], pair.systems["energy_kwh"].to_numpy()[train]
        among = tuple(names[train])
        for share, count in plan.labelled_counts:
            if count > len(train):
                continue
            for sampling in plan.samplings:
                rows = _choose_once(sampling, systems, count, cache, among)
                yield Choice(split, sampling, share, 0, train[rows], tested)
            generator = np.random.default_rng((plan.seed, number, count))
            for draw in range(plan.draws if share in plan.shares and split.scheme != "family" else 0):
                rows = references.at_random(energy_kwh, count, generator)
                yield Choice(split, "random", share, draw, train[rows], tested)
        yield Choice(split, "all", "all", 0, train, tested)


def choices_without_source(pair: Pair, plan: Plan, elsewhere: pd.DataFrame, cache: Cache) -> Iterator[Choice]:
    """Yield choices of references as if the source were a new GPU, tested on all other systems.

    Args:
        pair: the pair of GPUs.
        plan: what to try.
        elsewhere: systems with their typical energies on the study's other GPUs, by which references are chosen.
        cache: choices that do not depend on the target, which are kept here for the next one.
    """
    names = pair.systems.index.astype(object)
    systems = elsewhere.loc[elsewhere.index.isin(names)]
    among = ("elsewhere", *systems.index)
    for share, count in plan.labelled_counts:
        if count > len(systems) - 2:
            continue
        for sampling in plan.samplings:
            rows = _choose_once(sampling, systems, count, cache, among)
            is_reference = names.isin(systems.index[rows])
            split = Split("gpu", pair.source, tuple(names[is_reference]), tuple(names[~is_reference]))
            yield Choice(split, sampling, share, 0, np.flatnonzero(is_reference), np.flatnonzero(~is_reference))


def _choose_once(sampling: str, systems: pd.DataFrame, count: int, cache: Cache, among: tuple[str, ...]) -> RowNumbers:
    key = (sampling, count, among)
    if key not in cache:
        cache[key] = references.choose(sampling, systems, count)
    return cache[key]
