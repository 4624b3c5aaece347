"""Time of the published normalization experiment: batched linear algebra beside a loop of scikit-learn's fits.

    python benchmarks/normalization.py --gpus 4 20

The grid: 43 simulated systems, training and test, every directed pair, 5 splits, 10 to 100 % references of lowest and
highest energy and 20 times at random, and all; single and dual reference, line, polynomial, SVR, each with FLOPs and
parameters. The naive loop is timed on one pair, as is ours, and both must predict the same. On the smallest study what
the workflow evaluates is timed as well: our methods and choices, families and GPUs left out.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "scripts"))

from isojoule import simulation
from isojoule.normalization import references
from isojoule.normalization.experiment import Plan, choices, experiment
from isojoule.normalization.methods import METHODS
from isojoule.normalization.pairs import pair
from isojoule.normalization.published import PUBLISHED, LeastSquares, SupportVectors
from isojoule.normalization.splits import splits
from isojoule.normalization.study import COUNTS

PHASES = ("train", "test")


def main(options: argparse.Namespace) -> None:
    """Measure, write JSON, print Markdown."""
    whole = [
        grid(options.gpus[0], options.workers, False),
        *(grid(gpus, options.workers, True) for gpus in options.gpus),
    ]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False)
    result = {
        "benchmark": "normalization",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {options.workers} processes",
        "grids": whole,
        "one_pair": one_pair(),
    }
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print("| grid | GPUs | directed pairs | rows | s |\n|---|---:|---:|---:|---:|")
    for row in whole:
        print(f"| {row['methods']} | {row['gpus']} | {row['pairs']} | {row['rows']:,} | {row['duration_s']:.0f} |")
    print(
        "\n| one pair, fits | naive loop (s) | ours (s) | times faster | largest relative difference |\n"
        "|---|---:|---:|---:|---:|"
    )
    for row in result["one_pair"]:
        faster = row["naive_s"] / row["ours_s"]
        print(
            f"| {row['method']}, {row['fits']:,} | {row['naive_s']:.2f} | {row['ours_s']:.3f} | {faster:.0f} "
            f"| {row['difference']:.1g} |"
        )


def grid(gpus: int, workers: int, published: bool) -> dict[str, Any]:
    """The whole experiment once; the published one, or what a study of this workflow evaluates."""
    world = simulation.world(0, gpus)
    plan = published_plan(world) if published else Plan(METHODS, divided(world), shares(), COUNTS)
    begin = time.perf_counter()
    rows = sum(len(part) for phase in PHASES for part in experiment(world, phase, plan, workers))
    return {
        "methods": "published" if published else "published and ours",
        "gpus": gpus,
        "pairs": gpus * (gpus - 1),
        "rows": rows,
        "duration_s": time.perf_counter() - begin,
    }


def shares() -> dict[str, int]:
    """Numbers of references of 34, by their share."""
    return {f"{percent} %": references.published_count(percent, 34) for percent in references.PUBLISHED_PERCENTS}


def divided(world: Any) -> Any:
    """Five random splits."""
    return splits(list(world["architecture"].unique()))


def published_plan(world: Any) -> Plan:
    """What the paper tries."""
    return Plan(PUBLISHED, divided(world), shares(), samplings=("min-max",))


def one_pair() -> list[dict[str, Any]]:
    """Every method that scikit-learn has, on one pair: the loop, ours, and how far they are apart."""
    world = simulation.world(0, 2)
    directed = pair(world, "train", *world["gpu"].unique())
    chosen = sorted(choices(directed, published_plan(world), {}), key=lambda choice: len(choice.rows))
    found = []
    for name, method in PUBLISHED.items():
        if not isinstance(method(), (LeastSquares, SupportVectors)):
            continue
        values, truth = method().matrix(directed.systems), directed.target_kwh
        naive_s = ours_s = difference = 0.0
        fits = 0
        for count, group in groupby(chosen, key=lambda choice: len(choice.rows)):
            if count < method().minimum_references:
                continue
            rows = np.array([choice.rows for choice in group])
            begin = time.perf_counter()
            expected = np.array([naive(method(), values[one], truth[one], values) for one in rows])
            middle = time.perf_counter()
            predicted = method().predictions(values[rows], truth[rows], values)
            ours_s += time.perf_counter() - middle
            naive_s += middle - begin
            fits += len(rows)
            # a fit that its references barely determine is as far off in either, relative to what it predicts
            difference = max(difference, float((np.abs(predicted - expected).max(1) / np.abs(expected).max(1)).max()))
        found.append({"method": name, "fits": fits, "naive_s": naive_s, "ours_s": ours_s, "difference": difference})
    return found


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", type=int, nargs="+", default=[4, 20], help="sizes of the simulated studies")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--output", type=Path, default=PROJECT / "benchmarks" / "normalization.json", help="JSON file")
    main(parser.parse_args())
