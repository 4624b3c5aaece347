"""The default method beside the study's other GPUs: what it learns from them, what it does not see, its intervals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import normalization_task
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct

from isojoule.normalization import System, normalize, references
from isojoule.normalization.intervals import half_widths
from isojoule.normalization.methods import METHODS, default_method
from isojoule.normalization.other_gpus import in_parts, known_gpus, others_beside, predicted_beside
from isojoule.normalization.pairs import Pair, pairs
from isojoule.normalization.shared import Shared
from isojoule.normalization.shared_process import NOISE, OWN_SHARE, OtherGpu, SharedProcess
from isojoule.simulation import worlds
from isojoule.tables import measurements

REAL = Path(__file__).parents[3] / "shared" / "real"
NO_REAL = pytest.mark.skipif(
    not REAL.exists(), reason="needs the measured tables in ../shared/real, no part of isojoule"
)


@pytest.fixture(scope="module")
def of_world():
    """The pairs of a world of four GPUs, in training."""
    return pairs(worlds.world(3, gpus=4), "train")


def beside(all_pairs, number=0):
    """Return a pair, and those of other GPUs with the same target."""
    chosen = all_pairs[number]
    return chosen, [pair for pair in all_pairs if pair.target == chosen.target and pair.source != chosen.source]


def test_the_process_of_references_alone_is_scikit_learns():
    """Energies, durations, FLOPs and parameters without an outlier, by features that scale to standard deviation 1."""
    generator = np.random.default_rng(0)
    columns = np.exp(generator.uniform(-1, 1, (20, 4)))
    known, asked = columns[:12], columns[12:]
    left_over = generator.normal(0, 0.2, 12)
    logs = np.log(columns)
    values = np.column_stack([logs[:, 0], logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 0], logs[:, 2] - logs[:, 3]])
    values = (values - values[:12].mean(axis=0)) / values[:12].std(axis=0)
    low, high = np.percentile(values[:12], [25, 75], axis=0)
    values = np.clip(values, low - 1.5 * (high - low), high + 1.5 * (high - low))
    features = values / np.sqrt(4)
    kernel = ConstantKernel(1 + OWN_SHARE, "fixed") * (
        ConstantKernel(1, "fixed") + DotProduct(1e-9, "fixed") + RBF(1.0, "fixed")
    )
    process = GaussianProcessRegressor(kernel, alpha=NOISE, optimizer=None).fit(features[:12], left_over)
    mean, deviation = process.predict(features[12:], return_std=True)
    answer = SharedProcess(known, left_over).of(asked)
    np.testing.assert_allclose(answer.mean, mean, rtol=1e-6, atol=1e-9)
    assert (answer.deviation >= np.sqrt(deviation**2 + NOISE) - 1e-9).all()


def test_a_gpu_that_is_like_mine_tells_what_a_system_leaves_over():
    """The other GPU has the same energies: the shared process knows what the references cannot tell."""
    generator = np.random.default_rng(1)
    systems = np.exp(generator.uniform(-2, 2, (40, 1)))
    left_over = 0.5 * np.sin(2 * np.log(systems[:, 0]))
    known, further = np.arange(4), np.arange(4, 40)
    other = OtherGpu(systems[known], systems[further], np.exp(left_over[further]))
    alone = SharedProcess(systems[known], left_over[known])
    shared = SharedProcess(systems[known], left_over[known], [other], [left_over])
    errors = [np.abs(process.of(systems[further]).mean - left_over[further]).mean() for process in (alone, shared)]
    assert errors[1] < 0.25 * errors[0]
    assert (shared.of(systems[further]).deviation <= alone.of(systems[further]).deviation + 1e-9).all()


def test_systems_that_are_left_out_at_once_are_those_of_solving_again_without_them():
    generator = np.random.default_rng(3)
    others = [OtherGpu(*(np.exp(generator.normal(size=size)) for size in ((4, 4), (n, 4), n))) for n in (12, 7, 20)]
    left_over = [generator.normal(0, 0.2, 4 + len(other.systems)) for other in others]
    process = SharedProcess(np.exp(generator.normal(size=(4, 4))), generator.normal(0, 0.2, 4), others, left_over)
    covariance, part = process._covariance, process._part
    for number in range(len(others)):
        is_asked = (process._gpu == number + 1) & (part >= 0)
        answer = process.of_other(number)
        for row, mean, deviation in zip(np.flatnonzero(is_asked), answer.mean, answer.deviation, strict=True):
            known = ~is_asked & (part != part[row])
            solved = np.linalg.solve(
                covariance[np.ix_(known, known)] + NOISE * np.eye(known.sum()), covariance[known, row]
            )
            assert mean == pytest.approx(solved @ process._left_over[known], abs=1e-10)
            variance = covariance[row, row] - solved @ covariance[known, row] + NOISE
            assert deviation**2 == pytest.approx(variance + process._squared_distances_beyond[row], rel=1e-9)


def test_no_gpu_knows_the_systems_that_are_asked_for(of_world):
    """Neither the prediction nor the pretended ones change where other GPUs measured the asked systems otherwise."""
    chosen, to_target = beside(of_world)
    rows = references.choose_recommended(chosen.systems, 4)
    asked = in_parts(chosen, rows)
    method = default_method().suited(chosen.systems)
    (mine,) = known_gpus([chosen], method)
    predicted = predicted_beside(method, mine, known_gpus(to_target, method), rows, asked)
    assert np.isnan(predicted[rows]).all()
    assert np.isfinite(predicted).sum() == len(predicted) - 4
    otherwise = []
    for pair in to_target:
        systems = pair.systems.copy()
        systems.loc[systems.index[asked[0]], ["energy_kwh", "duration_s"]] *= 7
        otherwise.append(Pair(**{**vars(pair), "systems": systems}))
    again = predicted_beside(method, mine, known_gpus(otherwise, method), rows, asked[:1])
    np.testing.assert_array_equal(again[asked[0]], predicted[asked[0]])


def test_what_would_have_been_right_on_the_other_gpus_counts_most(of_world):
    """GPUs on which the two-point line is exact, and a user's GPU for which it is as well."""
    chosen, to_target = beside(of_world)
    rows = references.choose_recommended(chosen.systems, 4)
    target_kwh = chosen.target_kwh
    exact = [
        Pair(**{**vars(pair), "systems": pair.systems.assign(energy_kwh=target_kwh * slope + slope * 1e-4)})
        for pair, slope in zip(to_target, (0.5, 3.0), strict=True)
    ]
    method = default_method().suited(chosen.systems)
    others = others_beside(known_gpus(exact, method), chosen.systems.index[rows], pd.Index([]))
    mine = method.matrix(chosen.systems.assign(energy_kwh=2 * target_kwh + 1e-4))
    evidenced = method.beside(others).evidenced(mine[rows], target_kwh[rows], mine)
    assert sum(evidenced.weights.values()) == pytest.approx(1)
    assert max(evidenced.weights, key=evidenced.weights.get) == "line"
    np.testing.assert_allclose(np.exp(evidenced.prediction.log_kwh), target_kwh, rtol=0.02)
    assert [len(tested.log_errors) for tested in evidenced.tested_on_others] == [len(target_kwh) - 4] * 2


def test_a_gpu_without_a_reference_or_with_few_systems_more_is_not_beside_mine(of_world):
    chosen, to_target = beside(of_world)
    names = chosen.systems.index
    method = default_method().suited(chosen.systems)
    assert len(others_beside(known_gpus(to_target, method), names[:4], pd.Index([]))) == 2
    assert not others_beside(known_gpus(to_target, method), names[:4], names[:-4])
    lacking = [Pair(**{**vars(pair), "systems": pair.systems.assign(duration_s=np.nan)}) for pair in to_target]
    assert not others_beside(known_gpus(lacking, method), names[:4], pd.Index([]))
    assert len(others_beside(known_gpus(lacking, Shared(("energy_kwh",))), names[:4], pd.Index([]))) == 2


def test_without_other_gpus_it_is_the_corrected_method(of_world):
    chosen, _ = beside(of_world)
    method = default_method().suited(chosen.systems)
    values = method.matrix(chosen.systems)
    for count in (2, 3, 4, 8):
        rows = references.choose_recommended(chosen.systems, count)
        arguments = values[None, rows], chosen.target_kwh[None, rows], values
        np.testing.assert_array_equal(
            method.predictions(*arguments), METHODS["corrected"](method.columns).predictions(*arguments)
        )


def coverage_and_width(all_pairs, counts, *, step=1, knows_source=False):
    """Return the share of systems in their 90 % intervals, and the median of half width by the constant one needed.

    Args:
        all_pairs: the pairs of a table.
        counts: numbers of references.
        step: every so many pairs are tried.
        knows_source: whether the user's GPU is in the study, too.
    """
    errors, halves = [], []
    for chosen in all_pairs[::step]:
        to_target = [
            pair
            for pair in all_pairs
            if pair.target == chosen.target and (knows_source or pair.source != chosen.source)
        ]
        method = default_method().suited(chosen.systems)
        known, values, names = known_gpus(to_target, method), method.matrix(chosen.systems), chosen.systems.index
        for count in counts:
            rows = references.choose_recommended(chosen.systems, count)
            for asked in in_parts(chosen, rows)[::2]:
                beside_mine = method.beside(others_beside(known, names[rows], names[asked]))
                evidenced = beside_mine.evidenced(values[rows], chosen.target_kwh[rows], values[asked])
                halves.append(half_widths(evidenced)[0])
                errors.append(np.log(chosen.target_kwh[asked]) - evidenced.prediction.log_kwh)
    absolute, half = np.abs(np.concatenate(errors)), np.concatenate(halves)
    return np.mean(absolute <= half), np.median(half) / np.quantile(absolute, 0.9)


# of three GPUs a single other one tells
@pytest.mark.parametrize(("gpus", "knows_source"), [(4, False), (4, True), (3, False)])
def test_intervals_of_simulated_worlds_cover_and_are_not_wide(gpus, knows_source):
    held = np.array(
        [
            coverage_and_width(pairs(worlds.world(seed, gpus), "train"), (2, 4, 6), step=4, knows_source=knows_source)
            for seed in range(6)
        ]
    )
    assert held[:, 0].mean() >= 0.86
    assert np.median(held[:, 1]) < 1.6


@pytest.mark.parametrize("counts", [(4, 6), (8, 12)])
def test_intervals_without_other_gpus_cover(counts):
    held = [coverage_and_width(pairs(worlds.world(seed, 2), "train"), counts)[0] for seed in range(5)]
    assert np.mean(held) >= 0.86


def real_pairs(name, phase, keep):
    frame = measurements.read(REAL / name)
    return pairs(frame[keep(frame)], phase)


@NO_REAL
@pytest.mark.parametrize("knows_source", [False, True])
def test_intervals_of_measured_tables_cover(knows_source):
    tables = [
        real_pairs("mlperf-edge.csv", "test", lambda frame: frame["gpu"].isin(list(frame["gpu"].unique())[::3])),
        real_pairs("zeus-train.csv", "train", lambda frame: frame["gpu"].notna()),
        real_pairs("imagenet-inference-energy.csv", "test", lambda frame: frame["gpu"].notna()),
        real_pairs("mlenergy-llm-2023.csv", "test", lambda frame: frame["architecture"].str.endswith("@chat")),
    ]
    held = np.array([coverage_and_width(table, (2, 4, 6, 10), step=2, knows_source=knows_source) for table in tables])
    assert 0.87 <= held[:, 0].mean() <= 0.96
    assert np.median(held[:, 1]) <= 1.4


def test_the_interval_is_wider_the_further_a_system_lies_beyond_the_references(world):
    first, *_, target = world["gpu"].unique()
    for frame in (world, world[world["gpu"].isin([first, target])]):
        study, given, *_ = normalization_task(frame, first, target, 6)
        most = max(system.energy_kwh for system in given.values())
        widths = []
        for factor in (1, 30, 1e6):
            normalized = normalize(study, target, "train", given, System(factor * most))
            widths.append(normalized.high_kwh / normalized.low_kwh)
        assert widths[0] < widths[1] < widths[2]
        assert widths[2] > 100


@pytest.mark.parametrize("gpus", [2, 4])
def test_an_interval_is_never_narrower_than_repeats_differ(gpus):
    """GPUs whose energies are proportional, so that nothing is ever wrong, with other GPUs and without."""
    names = [f"net-{number}" for number in range(1, 13)]
    frame = pd.DataFrame(
        [(f"g{gpu}", name, (gpu + 1) * number) for gpu in range(gpus) for number, name in enumerate(names, 1)],
        columns=["gpu", "architecture", "energy_kwh"],
    ).assign(phase="train", repeat=0, outcome="ok", family="mlp", duration_s=1.0, energy_kind="measured")
    given = {name: System(7.0 * number) for number, name in enumerate(names, 1) if number % 2}
    normalized = normalize(frame, "g0", "train", given, System(28.0))
    assert normalized.energy_kwh == pytest.approx(4)
    assert normalized.high_kwh / normalized.energy_kwh >= 1.02


@pytest.mark.parametrize("spread", [0.0, 1e-4, 1e-2])
def test_a_power_that_hardly_differs_makes_no_interval_of_many_powers_of_ten(spread):
    """An estimated CPU has the same power in all systems; 5 % more of it was thousands of deviations away."""
    generator = np.random.default_rng(0)
    energy_kwh = np.exp(np.linspace(-8, 0, 8))
    power_kw = 0.004 * np.exp(spread * generator.normal(size=8))
    references = np.column_stack([energy_kwh, energy_kwh / power_kw])
    asked = np.array([[0.01, 0.01 / (0.004 * 1.05)]])
    evidenced = Shared(("energy_kwh", "duration_s")).evidenced(references, 2 * energy_kwh, asked)
    (half,), _ = half_widths(evidenced)
    assert half < np.log(10)
