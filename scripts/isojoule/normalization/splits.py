"""Which systems references are chosen from, and which errors are taken on: by the names of the architectures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import KFold, ShuffleSplit

from isojoule.errors import InputError

# of random splits
SCHEMES = ("shuffle", "kfold")


@dataclass(frozen=True)
class Split:
    """One division of the architectures.

    Attributes:
        scheme: `shuffle`, `kfold`; `family` or `gpu` where one of them is left out.
        name: 0, 1, ... or what is left out.
        train: names of those that references are chosen from.
        test: names of those that errors are taken on.
    """

    scheme: str
    name: str
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
        InputError: fewer than 5 architectures or, for kfold, than splits; or an unknown scheme.
    """
    if len(names) < 5:
        raise InputError(f"splits: found {len(names)} architectures, expected at least 5")
    if scheme not in SCHEMES:
        raise InputError(f"splits: found {scheme}, expected one of {', '.join(SCHEMES)}")
    if scheme == "kfold" and not 2 <= number <= len(names):
        raise InputError(f"splits: found {number} folds of {len(names)} architectures, expected 2 to {len(names)}")
    divider = (
        ShuffleSplit(number, test_size=0.2, random_state=seed)
        if scheme == "shuffle"
        else KFold(number, shuffle=True, random_state=seed)
    )
    ordered = np.array(sorted(names), dtype=object)
    return [
        Split(scheme, str(index), tuple(ordered[train]), tuple(ordered[test]))
        for index, (train, test) in enumerate(divider.split(ordered))
    ]


def leaving_families_out(families: Mapping[str, str]) -> list[Split]:
    """One split per family, tested on it; none where there is a single family, or each system is its own.

    Args:
        families: family by architecture.
    """
    present = sorted(set(families.values()))
    if not 1 < len(present) < len(families):
        return []
    names = sorted(families)
    return [
        Split(
            "family",
            family,
            tuple(name for name in names if families[name] != family),
            tuple(name for name in names if families[name] == family),
        )
        for family in present
    ]
