"""The experiment of a whole study: what is tried by default, on every phase that can be normalized."""

from collections.abc import Iterator

import pandas as pd

from isojoule.errors import InputError
from isojoule.measurements import PHASES
from isojoule.normalization import references
from isojoule.normalization.experiment import Plan, experiment
from isojoule.normalization.methods import METHODS
from isojoule.normalization.splits import leaving_families_out, splits

# where a user decides how many references to measure
COUNTS = (2, 3, 4, 6, 8, 10)


def plan_of(frame: pd.DataFrame, scheme: str, number: int, seed: int, draws: int) -> Plan:
    """All methods; random splits, and each family left out; the published shares, and few references.

    Raises:
        InputError: too few architectures.
    """
    families = frame.groupby("architecture", sort=False)["family"].first().astype(str).to_dict()
    divided = splits(list(families), number, seed, scheme)
    models = len(divided[0].train)
    shares = {f"{percent} %": references.published_count(percent, models) for percent in references.PUBLISHED_PERCENTS}
    return Plan(METHODS, [*divided, *leaving_families_out(families)], shares, COUNTS, draws, seed)


def evaluate(
    frame: pd.DataFrame, scheme: str, number: int, seed: int, draws: int, workers: int
) -> Iterator[pd.DataFrame]:
    """The rows of the experiment, part by part.

    Raises:
        InputError: no phase was measured on two GPUs.
    """
    plan = plan_of(frame, scheme, number, seed, draws)
    refused = []
    for phase in PHASES:
        try:
            for part in experiment(frame, phase, plan, workers):
                if not part.empty:
                    yield part
        except InputError as error:
            refused.append(str(error))
    if len(refused) == len(PHASES):
        raise InputError(refused[0])
