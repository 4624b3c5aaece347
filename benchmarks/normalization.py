"""Time the published normalization experiment: batched linear algebra beside a loop of scikit-learn's fits.

    python benchmarks normalization

The published grid has 43 simulated systems, training and test, every directed pair, and 5 splits. Its references are 10
to 100 % of the systems, those of lowest and highest energy and 20 random draws. Its methods are single and dual
reference, line, polynomial and SVR, each with FLOPs and parameters. Our fits and the naive loop are timed on one pair,
and both must predict the same. On the smallest study the grid of the workflow is timed too, which also has our methods
and choices, and leaves out families and GPUs. So does the evaluation of 91 systems on 4 GPUs with ten splits, which is
to take a minute on two cores. Beside it stands a naive loop that fits, predicts and computes errors row by row. It is
timed on one row in 400, and its time is scaled to all rows and shared among as many processes. The Gaussian processes
of our methods are timed beside a loop that solves for every kernel, noise level and reference that is left out.
"""

import time
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR
from suite import Row, interleaved, timed
from threadpoolctl import threadpool_limits

from isojoule.normalization import corrected, references, study_experiment
from isojoule.normalization.accuracy import errors
from isojoule.normalization.corrected import Corrected
from isojoule.normalization.experiment import experiment
from isojoule.normalization.experiment_plan import Plan, choices
from isojoule.normalization.methods import METHODS
from isojoule.normalization.other_gpus import in_parts, known_gpus, predicted_beside
from isojoule.normalization.pairs import SEPARATOR, Pair, pair, pairs
from isojoule.normalization.published import PUBLISHED, VARIANTS, LeastSquares, SupportVectors
from isojoule.normalization.shared import Shared
from isojoule.normalization.splits import splits
from isojoule.normalization.study_experiment import COUNTS
from isojoule.simulation import worlds
from isojoule.study import cpus

PHASES = ("train", "test")
ROWS_PER_NAIVE_ROW = 400


def measure(rounds: int) -> list[Row]:
    """Time whole grids, and every method that scikit-learn has beside the naive loop."""
    workers = cpus.of_process()
    published = [timed(partial(grid, 4, workers, True)) for _ in range(rounds)]
    whole = [timed(partial(grid, 4, workers, False)) for _ in range(rounds)]
    large = timed(partial(grid, 20, workers, True))
    return [
        Row("published grid, 4 GPUs, 12 pairs", published, "half a minute", [30.0], "s", "<= 1"),
        Row("published grid, 20 GPUs, 380 pairs", [large], "a quarter of an hour", [900.0], "s", "<= 1"),
        Row("with our methods and choices, 4 GPUs", whole, "published grid", published, "s"),
        *large_evaluation(workers),
        *processes(rounds),
        *one_pair(rounds),
    ]


def grid(gpus: int, workers: int, published: bool) -> None:
    """Run the whole experiment once: the published grid, or the grid of this workflow."""
    world = worlds.world(0, gpus)
    plan = published_plan(world) if published else Plan(METHODS, divided(world), shares(), COUNTS)
    for phase in PHASES:
        for part in experiment(world, phase, plan, workers):
            assert len(part)


def large_evaluation(workers: int) -> list[Row]:
    """Evaluate the training of 91 systems as `isojoule evaluate-normalization` does, with ten splits."""
    world = worlds.world(0, 4, many_systems(91))
    world = world[world["phase"] == "train"]
    began_s = time.perf_counter()
    parts = list(study_experiment.evaluate(world, "shuffle", 10, 0, 20, workers))
    ours_s = time.perf_counter() - began_s
    rows = pd.concat([part.astype(dict.fromkeys(part.select_dtypes("category"), "str")) for part in parts])
    sampled = rows.sample(frac=1 / ROWS_PER_NAIVE_ROW, random_state=0)
    all_pairs = {(of_pair.source, of_pair.target): of_pair for of_pair in pairs(world, "train")}
    began_s = time.perf_counter()
    with threadpool_limits(1):
        again = [naive_error(all_pairs, row) for row in sampled.itertuples()]
    naive_s = (time.perf_counter() - began_s) * len(rows) / len(sampled) / workers
    apart = float(np.max(np.abs(np.array(again) / sampled["mdape_percent"].to_numpy() - 1)))
    what = "91 systems on 4 GPUs, all methods, 10 splits"
    return [
        Row(what, [ours_s], "a minute", [60.0], "s", "<= 1"),
        Row(what, [ours_s], f"naive loop over {len(rows)} rows, scaled from {len(sampled)}", [naive_s], "s", "<= 1"),
        Row(f"{what}, largest relative difference", [apart], "what is allowed", [1e-8], "", "<= 1"),
    ]


def naive_error(all_pairs: dict[tuple[str, str], Pair], row: Any) -> float:
    """Compute the errors of one row by its names alone, and return the MdAPE."""
    of_pair = all_pairs[row.source, row.target]
    names = of_pair.systems.index
    is_reference = names.isin(row.reference_names.split(SEPARATOR))
    is_tested = names.isin(row.test_names.split(SEPARATOR))
    method = METHODS[row.method]().suited(of_pair.systems)
    assert method is not None
    if isinstance(method, Shared):
        to_target = [pair for (source, target), pair in all_pairs.items() if target == row.target != source]
        known = known_gpus([pair for pair in to_target if pair.source != row.source], method)
        (mine,), rows = known_gpus([of_pair], method), np.flatnonzero(is_reference)
        asked = in_parts(of_pair, rows) if row.scheme == "gpu" else [np.flatnonzero(is_tested)]
        predicted_kwh = predicted_beside(method, mine, known, rows, asked)[is_tested]
    else:
        method.fit(of_pair.systems[is_reference], of_pair.target_kwh[is_reference])
        predicted_kwh = method.predict(of_pair.systems[is_tested])
    quality = of_pair.systems["quality"].to_numpy()[is_tested]
    return float(errors(of_pair.target_kwh[is_tested], predicted_kwh, quality)["mdape_percent"])


def many_systems(count: int) -> Any:
    """Make up systems that are published ones of other sizes."""
    generator = np.random.default_rng(0)
    systems = worlds.published_systems().sample(count, replace=True, random_state=0, ignore_index=True)
    size = np.exp(generator.normal(0, 1, count))
    numbers = [name for name in systems if systems[name].dtype.kind in "if"]
    resized = {name: np.ceil(systems[name] * size) for name in numbers}
    return systems.assign(architecture=[f"system-{number}" for number in range(count)], **resized)


def processes(rounds: int) -> list[Row]:
    """Compare the processes of one set of 40 references with a loop over kernels, noise levels and references."""
    systems = many_systems(91)
    directed = pair(worlds.world(0, 2, systems), "train", *worlds.world(0, 2, systems)["gpu"].unique())
    values = Corrected().matrix(directed.systems)
    known, asked = values[:40], values[40:]
    residuals = np.log(directed.target_kwh[:40] / known[:, 0])
    ours = partial(by_eigenvectors, known, asked, residuals)
    loop = partial(by_solving, known, asked, residuals)
    apart = max(float(np.abs(mine - theirs).max()) for mine, theirs in zip(ours(), loop(), strict=True))
    seconds = interleaved(rounds, partial(timed, ours), partial(timed, loop))
    what = "52 Gaussian processes, 40 references, each left out"
    return [
        Row(what, seconds[0], "loop that solves for each", seconds[1], "s", "<= 1"),
        Row(f"{what}, largest difference", [apart], "what is allowed", [1e-8], "", "<= 1"),
    ]


def by_eigenvectors(known: Any, asked: Any, residuals: Any) -> tuple[Any, Any]:
    """Correct the systems, and leave every reference out, with our processes."""
    of_set = corrected.gaussian_processes(known, asked)
    return of_set.corrections(residuals), of_set.left_out(np.tile(residuals, (len(known), 1)))


def by_solving(known: Any, asked: Any, residuals: Any) -> tuple[Any, Any]:
    """Do the same by solving one system of equations for each kernel, noise level and reference."""
    of_all = corrected.features(known, asked)
    count = len(known)
    corrections, left_out = [], []
    for kernel in corrected.KERNELS:
        linear = 1 + of_all @ of_all[:count].T / of_all.shape[1]
        squared = ((of_all[:, None] - of_all[None, :count]) ** 2).mean(axis=2)
        covariance = linear + kernel.amplitude * np.exp(-squared / (2 * kernel.length**2))
        for noise in corrected.NOISES:
            of_known = covariance[:count] + noise * np.eye(count)
            corrections.append(covariance[count:] @ np.linalg.solve(of_known, residuals))
            for row in range(count):
                others = np.delete(np.arange(count), row)
                weights = np.linalg.solve(of_known[np.ix_(others, others)], residuals[others])
                left_out.append(residuals[row] - covariance[row, others] @ weights)
    shape = (len(corrected.KERNELS), len(corrected.NOISES), -1)
    return np.reshape(corrections, shape), np.reshape(left_out, shape)


def shares() -> dict[str, int]:
    """Return the numbers of references among 34 systems, by their share."""
    return {f"{percent} %": references.published_count(percent, 34) for percent in references.PUBLISHED_PERCENTS}


def divided(world: Any) -> Any:
    """Draw five random splits."""
    return splits(list(world["architecture"].unique()))


def published_plan(world: Any) -> Plan:
    """Make the plan of the published grid."""
    return Plan({**PUBLISHED, **VARIANTS}, divided(world), shares(), samplings=("min-max",))


def one_pair(rounds: int) -> list[Row]:
    """Compare our fits with the naive loop on one pair, for every method that scikit-learn has."""
    world = worlds.world(0, 2)
    directed = pair(world, "train", *world["gpu"].unique())
    chosen = sorted(choices(directed, published_plan(world), {}), key=lambda choice: len(choice.rows))
    rows = []
    for name, method in {**PUBLISHED, **VARIANTS}.items():
        if not isinstance(method(), (LeastSquares, SupportVectors)):
            continue
        features, truth = method().matrix(directed.systems), directed.target_kwh
        groups = [
            np.array([choice.rows for choice in group])
            for count, group in groupby(chosen, key=lambda choice: len(choice.rows))
            if count >= method().minimum_references
        ]
        ours = partial(batched, method(), features, truth, groups)
        loop = partial(looped, method(), features, truth, groups)
        # relative, since fits that their references barely determine predict large numbers
        apart = max(
            float((np.abs(batch - single).max(1) / np.abs(single).max(1)).max())
            for batch, single in zip(ours(), loop(), strict=True)
        )
        seconds = interleaved(rounds, partial(timed, ours), partial(timed, loop))
        what = f"{name}, {sum(map(len, groups))} fits"
        rows.append(Row(what, seconds[0], "loop over scikit-learn's fits", seconds[1], "s", "<= 1"))
        rows.append(Row(f"{what}, largest relative difference", [apart], "what is allowed", [1e-8], "", "<= 1"))
    return rows


def batched(method: Any, features: Any, truth: Any, groups: list[Any]) -> list[Any]:
    """Predict from every set of references with our fits, all sets of one size at once."""
    return [method.predictions(features[rows], truth[rows], features) for rows in groups]


def looped(method: Any, features: Any, truth: Any, groups: list[Any]) -> list[Any]:
    """Predict the same with scikit-learn, set by set."""
    return [np.array([naive(method, features[rows], truth[rows], features) for rows in sets]) for sets in groups]


def naive(method: LeastSquares | SupportVectors, features: Any, target_kwh: Any, asked: Any) -> Any:
    """Fit and predict once with scikit-learn."""
    if isinstance(method, LeastSquares):
        terms = PolynomialFeatures(method.degree, include_bias=False)
        return make_pipeline(StandardScaler(), terms, LinearRegression()).fit(features, target_kwh).predict(asked)
    level, unit = (target_kwh.mean(), target_kwh.std()) if method.standardize else (0.0, 1.0)
    cost, epsilon = (100.0, 0.01) if method.standardize else (0.1, 1e-4)
    regression = SVR(C=cost, epsilon=epsilon, tol=1e-8)
    scaled = method.standardize or len(method.columns) > 1
    fitted = make_pipeline(StandardScaler(), regression) if scaled else regression
    return level + unit * fitted.fit(features, (target_kwh - level) / unit).predict(asked)
