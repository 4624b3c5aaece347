"""The published experiment: held-out errors by method, choice and number of references, for every pair of GPUs.

Douwes and Serizel, "Normalizing energy consumption for hardware-independent evaluation", section 3: five random splits
of 80/20, shared by all pairs and stored by the names of the architectures, so that any number can be computed again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, ShuffleSplit

from isojoule.errors import InputError
from isojoule.normalization import references
from isojoule.normalization.errors import errors
from isojoule.normalization.methods import Normalization
from isojoule.normalization.pairs import Pair, pairs

Methods = Mapping[str, Callable[[], Normalization]]


@dataclass(frozen=True)
class Split:
    """One division of the architectures.

    Attributes:
        number: 0, 1, ...
        train: names of those that references are chosen from.
        test: names of those that errors are taken on.
    """

    number: int
    train: tuple[str, ...]
    test: tuple[str, ...]


def splits(names: Sequence[str], number: int = 5, seed: int = 0, scheme: str = "shuffle") -> list[Split]:
    """Divide the architectures, whatever the order of their names.

    Args:
        names: of all architectures of the study.
        number: of splits.
        seed: of the shuffling.
        scheme: `shuffle`, 80/20 each time as published, or `kfold`.

    Raises:
        InputError: fewer than 5 architectures, or an unknown scheme.
    """
    if len(names) < 5:
        raise InputError(f"splits: found {len(names)} architectures, expected at least 5")
    schemes = {
        "shuffle": lambda: ShuffleSplit(number, test_size=0.2, random_state=seed),
        "kfold": lambda: KFold(number, shuffle=True, random_state=seed),
    }
    if scheme not in schemes:
        raise InputError(f"splits: found {scheme}, expected one of {', '.join(schemes)}")
    ordered = np.array(sorted(names), dtype=object)
    return [
        Split(index, tuple(ordered[train]), tuple(ordered[test]))
        for index, (train, test) in enumerate(schemes[scheme]().split(ordered))
    ]


def experiment(
    frame: pd.DataFrame,
    phase: str,
    methods: Methods,
    counts: Mapping[str, int],
    divided: Sequence[Split],
    seed: int = 0,
    draws: int = 20,
) -> pd.DataFrame:
    """Held-out errors of every method, on every directed pair, by choice and number of references.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.
        methods: by name.
        counts: numbers of references by their name; `all` is added.
        divided: the splits.
        seed: of the random references.
        draws: how many random choices of each number.

    Returns:
        one row per pair, split, choice, number, draw and method: the errors, the names of the references and of the
        tested systems, and the seed. A method that needs more references than there are has no row.
    """
    rows = [
        row
        for directed in pairs(frame, phase)
        for split in divided
        for row in _of_split(directed, split, methods, counts, seed, draws)
    ]
    return pd.DataFrame(rows)


def _of_split(
    pair: Pair, split: Split, methods: Methods, counts: Mapping[str, int], seed: int, draws: int
) -> Iterator[dict[str, Any]]:
    names = pair.systems.index
    train, test = names.isin(split.train), names.isin(split.test)
    if train.sum() < 2 or not test.any():
        return
    known, truth = pair.systems[train], pair.target_kwh[train]
    for sampling, label, draw, chosen in _chosen(known["energy_kwh"].to_numpy(), counts, (seed, split.number), draws):
        for name, method in methods.items():
            fitted = method()
            if len(chosen) < fitted.minimum_references:
                continue
            fitted.fit(known.iloc[chosen], truth[chosen])
            yield {
                "phase": pair.phase,
                "source": pair.source,
                "target": pair.target,
                "kinds": ", ".join(pair.kinds),
                "split": split.number,
                "seed": seed,
                "sampling": sampling,
                "share": label,
                "references": len(chosen),
                "draw": draw,
                "method": name,
                **errors(pair.target_kwh[test], fitted.predict(pair.systems[test])),
                "reference_names": " ".join(known.index[chosen]),
                "test_names": " ".join(names[test]),
            }


def _chosen(
    energy_kwh: Any, counts: Mapping[str, int], seed: tuple[int, ...], draws: int
) -> Iterator[tuple[str, str, int, Any]]:
    """Choice, name of the number, draw, and row numbers of the references."""
    for label, count in counts.items():
        if count > len(energy_kwh):
            continue
        for sampling, choose in references.DETERMINISTIC.items():
            yield sampling, label, 0, choose(energy_kwh, count)
        generator = np.random.default_rng((*seed, count))
        for draw in range(draws):
            yield "random", label, draw, references.at_random(energy_kwh, count, generator)
    yield "all", "all", 0, np.arange(len(energy_kwh))
