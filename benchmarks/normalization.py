"""Time of the published normalization experiment: batched linear algebra beside a loop of scikit-learn's fits.

    python benchmarks normalization

The grid: 43 simulated systems, training and test, every directed pair, 5 splits, 10 to 100 % references of lowest and
highest energy and 20 times at random, and all; single and dual reference, line, polynomial, SVR, each with FLOPs and
parameters. The naive loop is timed on one pair, as is ours, and both must predict the same. On the smallest study what
the workflow evaluates is timed as well: our methods and choices, families and GPUs left out.
"""

import os
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR
from suite import Row, interleaved, timed

from isojoule.normalization import references
from isojoule.normalization.experiment import experiment
from isojoule.normalization.experiment_plan import Plan, choices
from isojoule.normalization.methods import METHODS
from isojoule.normalization.pairs import pair
from isojoule.normalization.published import PUBLISHED, LeastSquares, SupportVectors
from isojoule.normalization.splits import splits
from isojoule.normalization.study_experiment import COUNTS
from isojoule.simulation import worlds

PHASES = ("train", "test")


def measure(rounds: int) -> list[Row]:
    """Seconds of whole grids, and of every method that scikit-learn has beside the loop."""
    workers = os.cpu_count() or 1
    published = [timed(partial(grid, 4, workers, True)) for _ in range(rounds)]
    whole = [timed(partial(grid, 4, workers, False)) for _ in range(rounds)]
    large = timed(partial(grid, 20, workers, True))
    return [
        Row("published grid, 4 GPUs, 12 pairs", published, "half a minute", [30.0], "s", "<= 1"),
        Row("published grid, 20 GPUs, 380 pairs", [large], "a quarter of an hour", [900.0], "s", "<= 1"),
        Row("with our methods and choices, 4 GPUs", whole, "published grid", published, "s"),
        *one_pair(rounds),
    ]


def grid(gpus: int, workers: int, published: bool) -> None:
    """The whole experiment once; the published one, or what a study of this workflow evaluates."""
    world = worlds.world(0, gpus)
    plan = published_plan(world) if published else Plan(METHODS, divided(world), shares(), COUNTS)
    for phase in PHASES:
        for part in experiment(world, phase, plan, workers):
            assert len(part)


def shares() -> dict[str, int]:
    """Numbers of references of 34, by their share."""
    return {f"{percent} %": references.published_count(percent, 34) for percent in references.PUBLISHED_PERCENTS}


def divided(world: Any) -> Any:
    """Five random splits."""
    return splits(list(world["architecture"].unique()))


def published_plan(world: Any) -> Plan:
    """What the paper tries."""
    return Plan(PUBLISHED, divided(world), shares(), samplings=("min-max",))


def one_pair(rounds: int) -> list[Row]:
    """Every method that scikit-learn has, on one pair: ours beside the loop, and how far they are apart."""
    world = worlds.world(0, 2)
    directed = pair(world, "train", *world["gpu"].unique())
    chosen = sorted(choices(directed, published_plan(world), {}), key=lambda choice: len(choice.rows))
    rows = []
    for name, method in PUBLISHED.items():
        if not isinstance(method(), (LeastSquares, SupportVectors)):
            continue
        known, truth = method().matrix(directed.systems), directed.target_kwh
        groups = [
            np.array([choice.rows for choice in group])
            for count, group in groupby(chosen, key=lambda choice: len(choice.rows))
            if count >= method().minimum_references
        ]
        ours = partial(batched, method(), known, truth, groups)
        loop = partial(looped, method(), known, truth, groups)
        # a fit that its references barely determine is as far off in either, relative to what it predicts
        apart = max(
            float((np.abs(mine - theirs).max(1) / np.abs(theirs).max(1)).max())
            for mine, theirs in zip(ours(), loop(), strict=True)
        )
        seconds = interleaved(rounds, partial(timed, ours), partial(timed, loop))
        what = f"{name}, {sum(map(len, groups))} fits"
        rows.append(Row(what, seconds[0], "loop over scikit-learn's fits", seconds[1], "s", "<= 1"))
        rows.append(Row(f"{what}, largest relative difference", [apart], "what is allowed", [1e-8], "", "<= 1"))
    return rows


def batched(method: Any, known: Any, truth: Any, groups: list[Any]) -> list[Any]:
    """What ours predicts from every set of references, sets of the same size at once."""
    return [method.predictions(known[rows], truth[rows], known) for rows in groups]


def looped(method: Any, known: Any, truth: Any, groups: list[Any]) -> list[Any]:
    """The same by scikit-learn, set by set."""
    return [np.array([naive(method, known[one], truth[one], known) for one in rows]) for rows in groups]


def naive(method: LeastSquares | SupportVectors, known: Any, target_kwh: Any, asked: Any) -> Any:
    """One fit by scikit-learn."""
    if isinstance(method, LeastSquares):
        terms = PolynomialFeatures(method.degree, include_bias=False)
        return make_pipeline(StandardScaler(), terms, LinearRegression()).fit(known, target_kwh).predict(asked)
    level, unit = (target_kwh.mean(), target_kwh.std()) if method.standardize else (0.0, 1.0)
    cost, epsilon = (100.0, 0.01) if method.standardize else (0.1, 1e-4)
    regression = SVR(C=cost, epsilon=epsilon, tol=1e-8)
    scaled = method.standardize or len(method.columns) > 1
    fitted = make_pipeline(StandardScaler(), regression) if scaled else regression
    return level + unit * fitted.fit(known, (target_kwh - level) / unit).predict(asked)
