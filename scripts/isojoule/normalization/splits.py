"""Which systems references are chosen from, and which ones errors are computed on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import KFold, ShuffleSplit

from isojoule.errors import InputError
from isojoule.readable import counted

# schemes of random splits
SCHEMES = ("shuffle", "kfold")


@dataclass(frozen=True)
class Split:
    """One division of the architectures.

    Attributes:
        scheme: `shuffle` or `kfold`; `family` or `gpu` where one of them is left out.
        name: number of a random split, or name of what is left out.
        train: names of the architectures that references are chosen from.
        test: names of the architectures that errors are computed on.
    """

    scheme: str
    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]


def splits(names: Sequence[str], number: int = 5, seed: int = 0, scheme: str = "shuffle") -> list[Split]:
    """Divide the architectures at random, whatever the order of their names.

    Args:
        names: names of all architectures of the study.
        number: number of splits.
        seed: seed of the shuffling.
        scheme: `shuffle`, 80/20 each time as in section 3.1 of the paper, or `kfold`.

    Raises:
        InputError: there are fewer than 5 architectures or, for kfold, fewer than splits; or the scheme is unknown.
    """
    if len(names) < 5:
        raise InputError(f"splits: found {counted(len(names), 'architecture')}, expected at least 5")
    if scheme not in SCHEMES:
        raise InputError(f"splits: found {scheme}, expected one of {', '.join(SCHEMES)}")
    if scheme == "kfold" and not 2 <= number <= len(names):
        raise InputError(f"splits: found {number} folds of {len(names)} architectures, expected 2 to {len(names)}")
    divider = (
        ShuffleSplit(number, test_size=0.2, random_state=seed)
        if scheme == "shuffle"
        else KFold(number, shuffle=True, random_state=seed)
    )
    sorted_names = np.array(sorted(names), dtype=object)
    return [
        Split(scheme, str(index), tuple(sorted_names[train]), tuple(sorted_names[test]))
        for index, (train, test) in enumerate(divider.split(sorted_names))
    ]


def leaving_families_out(families: Mapping[str, str]) -> list[Split]:
    """Return one split per family, which is tested on that family.

    Args:
        families: family by architecture.

    Returns:
        the splits; none where there is a single family, or where each system is a family of its own.
    """
    present = sorted(set(families.values()))
    if not 1 < len(present) < len(families):
        return []
    names = sorted(families)
    return [
        Split(
            scheme="family",
            name=family,
            train=tuple(name for name in names if families[name] != family),
            test=tuple(name for name in names if families[name] == family),
        )
        for family in present
    ]
