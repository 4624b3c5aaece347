"""The link of compute to energy: fits against other libraries and hand counts, claims against made-up studies."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import isojoule
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from isojoule.compute_energy.claims import claims
from isojoule.compute_energy.fits import explained, fit_affine, fits, power_ratios, rank_correlation
from isojoule.compute_energy.quantities import groups, quantities
from isojoule.errors import InputError
from isojoule.figures import captions
from isojoule.figures.shared import drawing
from isojoule.records.memory_traffic import step_bytes
from isojoule.tables import measurements
from isojoule.tables.writing import write_table

PROJECT = Path(__file__).parents[2]
points = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=4, max_size=20)


@given(points=points)
def test_a_fit_is_scipys_with_its_intervals(points):
    x, y = np.array(points).T
    assume(np.ptp(x) > 1e-3 and np.ptp(y) > 1e-3)
    fit, expected = fit_affine(y, x), stats.linregress(x, y)
    t = stats.t.ppf(0.975, len(x) - 2)
    scale = abs(expected.slope) + expected.stderr + 1e-9
    assert fit.coefficients[1] == pytest.approx(expected.slope, abs=1e-6 * scale)
    assert fit.half_widths[1] == pytest.approx(t * expected.stderr, rel=1e-5, abs=1e-6 * scale)
    assert fit.half_widths[0] == pytest.approx(t * expected.intercept_stderr, rel=1e-4, abs=1e-6 * np.abs(points).max())
    assert fit.r2 == pytest.approx(expected.rvalue**2, abs=1e-6)


@given(points=points, seed=st.integers(0, 100))
def test_what_is_left_out_is_predicted_by_all_the_others(points, seed):
    x, y = np.array(points).T
    z = np.random.default_rng(seed).normal(size=len(x))
    assume(np.ptp(y) > 1e-3 and len(np.unique(np.round(x, 3))) == len(x))
    fit = fit_affine(y, x, z)
    assume(fit is not None)
    for index in range(len(x)):
        others = np.arange(len(x)) != index
        design = np.column_stack([np.ones(len(x)), x / np.abs(x).max(), z])
        if np.linalg.cond(design[others]) < 1e4:
            expected = design[index] @ np.linalg.lstsq(design[others], y[others], rcond=None)[0]
            assert fit.left_out[index] == pytest.approx(expected, rel=1e-4, abs=1e-6 * np.abs(y).max())


@pytest.mark.parametrize(
    "x", [[1, 2], [1, 1, 1, 1], [np.nan, np.nan, 1, 2], [0, 0, 0, 0]], ids=["two", "constant", "unknown", "zero"]
)
def test_there_is_no_fit_to_too_little(x):
    assert fit_affine([1.0, 2, 3, 5][: len(x)], x) is None


def test_two_predictors_that_say_the_same_are_no_fit():
    x = np.arange(6.0)
    assert fit_affine(np.square(x), x, 2 * x) is None


def test_intervals_of_the_slope_cover_it():
    """Noise of known size: 95 % intervals should hold the truth about 95 times in 100."""
    generator = np.random.default_rng(0)
    x = np.linspace(1, 10, 8)
    repeated = [fit_affine(3 + 2 * x + generator.normal(0, 1, 8), x) for _ in range(1000)]
    share = np.mean([abs(fit.coefficients[1] - 2) <= fit.half_widths[1] for fit in repeated])
    assert 0.93 < share < 0.97


def test_bytes_of_a_step_by_hand():
    """Adam: weights read twice, gradients written and read, weights read and written, two slots read and written."""
    assert step_bytes("train", 100, 10, 200) == 100 * (2 + 2 + 2) + 200 * 2 + 10 * 3
    assert step_bytes("test", 100, 10, 200) == 110


def study(**changes):
    """Four families on one GPU; energy is 5 J + 2e-9 J/FLOP in training and 1e-9 at test."""
    rows = []
    for family, factor in (("mlp", 1), ("rnn", 3), ("cnn", 7), ("crnn", 11)):
        for size in range(1, 6):
            flops = 10**6 * size * factor
            for phase, per_flop in (("train", 2e-9), ("test", 1e-9)):
                computed = flops * 1000 * (3 if phase == "train" else 1)
                rows += [
                    {
                        "gpu": "t4",
                        "architecture": f"{family}-{size}",
                        "family": family,
                        "phase": phase,
                        "repeat": repeat,
                        "energy_kwh": (5 + per_flop * computed) * factor / 3.6e6,
                        "duration_s": 1 + computed / 1e10,
                        "flops": flops,
                        "params": 100 * size**2,
                        "samples": 1000,
                        "steps": 125,
                        "forward_flops": flops,
                        "training_flops_published": 3 * flops,
                        "training_flops_exact": 2 * flops,
                        "weights_bytes": 400 * size**2,
                        "activations_bytes": 50,
                        "optimizer_state_bytes": 800 * size**2,
                    }
                    for repeat, factor in enumerate((0.99, 1.0, 1.01))
                ]
    return measurements.completed(pd.DataFrame(rows).assign(**changes), "test")


def test_quantities_are_of_the_whole_phase():
    table, notes = quantities(study())
    row = table.set_index(["architecture", "phase"]).loc[("mlp-2", "train")]
    assert notes == []
    assert row.published_flops == 3 * 2e6 * 1000
    assert row.exact_flops == 2 * 2e6 * 1000
    assert row.moved_bytes == 125 * (6 * 1600 + 2 * 3200 + 3 * 50)
    assert row.energy_j == pytest.approx(5 + 2e-9 * row.published_flops)
    assert row.flop_per_s == pytest.approx(6e9 / 1.6)
    tested = table.set_index(["architecture", "phase"]).loc[("mlp-2", "test")]
    assert (tested.published_flops, tested.exact_flops, tested.moved_bytes) == (2e9, 2e9, 125 * 1650)


def test_slopes_are_joules_per_flop():
    table = fits(quantities(study())[0]).set_index(["phase", "predictor", "families"])
    for families in ("all", "mlp", "cnn"):
        row = table.loc[("train", "flops", families)]
        assert (row.slope, row.slope_unit, row.intercept_j) == (pytest.approx(2e-9), "J/FLOP", pytest.approx(5))
        assert row.slope_low <= row.slope <= row.slope_high
        assert row.r2 == pytest.approx(1)
    assert table.loc[("train", "flops-exact", "all")].slope == pytest.approx(3e-9)
    assert table.loc[("test", "params", "mlp")].r2 < 1
    assert set(table["energy_kind"]) == {"not stated"}


def test_what_explains_how_much_is_ranked_rightly():
    table = explained(quantities(study())[0]).set_index(["phase", "families", "predictors"])
    assert table.loc[("train", "all", "flops")].r2 == pytest.approx(1)
    assert table.loc[("train", "all", "flops")].left_out_mdape_percent == pytest.approx(0, abs=1e-6)
    assert table.loc[("train", "all", "params")].r2 < 0.9
    assert table.loc[("train", "all", "flops-exact + bytes-moved")].r2 == pytest.approx(1)
    assert table.loc[("train", "mlp", "params")].spearman == pytest.approx(1)


def test_the_power_ratio_is_training_over_test():
    row = power_ratios(quantities(study())[0]).set_index("architecture").loc["mlp-1"]
    train_w, test_w = 11 / 1.3, 6 / 1.1
    assert (row.train_power_w, row.test_power_w) == (pytest.approx(train_w), pytest.approx(test_w))
    log_half = np.hypot(0.01, 0.01) * 4.3027 / 3**0.5
    assert np.log(row.ratio_ci95_high / row.ratio) == pytest.approx(log_half, rel=1e-3)
    assert row.ratio_ci95_low * row.ratio_ci95_high == pytest.approx(row.ratio**2)


def judged(frame):
    return claims(quantities(frame)[0]).set_index("claim")


def test_claims_hold_where_they_should_and_not_where_not():
    table = judged(study())
    holds = table["holds"].to_dict()
    assert holds["At test, more FLOPs mean more energy in all types of architecture."] == "yes"
    assert holds["In training, energy is almost affine in FLOPs for MLP and RNN."] == "yes"
    assert holds["In training, MLP and RNN follow a steeper trend than CNN and CRNN."] == "no"
    assert holds["In training, FLOPs alone do not tell the energy of CNN and CRNN."] == "no"
    assert holds["A training step computes three times what a forward pass does."] == "no"
    assert holds["Energy follows the GPU's utilisation, whatever the phase and the architecture."] == "unknown"
    three = table.loc["A training step computes three times what a forward pass does."]
    assert three["found"] == "2.00 to 2.00, median 2.00"


def test_a_steeper_group_and_a_busy_gpu_are_seen():
    frame = study()
    dense = frame["family"].isin(["mlp", "rnn"])
    frame["energy_kwh"] *= np.where(dense & (frame["phase"] == "train"), 4.0, 1.0)
    frame["power_w"] = frame["energy_kwh"] * 3.6e6 / frame["duration_s"]
    frame["gpu_utilization_percent"] = 100 * frame["energy_kwh"] / frame["energy_kwh"].max()
    frame["gpu_memory_utilization_percent"] = frame["flops"] % 7
    holds = judged(frame)["holds"].to_dict()
    assert holds["In training, MLP and RNN follow a steeper trend than CNN and CRNN."] == "yes"
    assert holds["MLP and RNN draw more power in training than at test, without overlap."] == "yes"
    assert holds["Energy follows the GPU's utilisation, whatever the phase and the architecture."] == "yes"
    assert holds["The memory's utilisation says less."] == "yes"


def test_three_points_of_one_type_prove_nothing():
    few = study()[lambda frame: (frame["family"] == "mlp") & frame["architecture"].str[-1].isin(["1", "2", "3"])]
    assert set(judged(few)["holds"]) <= {"unknown", "no"}
    mlps = study()[lambda frame: frame["family"] == "mlp"]
    assert judged(mlps).loc["At test, more FLOPs mean more energy in all types of architecture.", "holds"] == "unknown"


def test_what_a_study_cannot_tell_is_unknown_rather_than_no():
    table = judged(study()[lambda frame: (frame["phase"] == "test") & (frame["family"] == "cnn")])
    training = table[table.index.str.startswith("In training") | table.index.str.startswith("MLP and RNN")]
    assert (training["holds"] == "unknown").all()


def test_a_claim_that_cannot_be_told_says_why():
    found = judged(study()[lambda frame: frame["family"].isin(["mlp", "cnn"])])["found"]
    assert found["At test, more FLOPs mean more energy in all types of architecture."].endswith(
        "found 5 of MLP, 0 of RNN, 5 of CNN, 0 of CRNN, expected at least 5 architectures of each"
    )
    assert found["The memory's utilisation says less."] == "cannot be told here: there is no utilisation of a GPU"
    few = judged(study()[lambda frame: frame["architecture"].isin(["mlp-1", "mlp-2", "mlp-3"])])["found"]
    assert few["At test, energy is almost affine in the parameters for MLP and RNN."].endswith(
        "found 3 of MLP/RNN, expected at least 5 architectures"
    )
    assert few["CNN and CRNN draw similar power in training and at test."].endswith(
        "no such architecture has an energy"
    )
    same = judged(study().assign(params=1000.0))["found"]
    assert same["At test, the relation of parameters and energy is chaotic for CNN and CRNN."].endswith(
        "energy or parameters does not differ"
    )


@pytest.mark.parametrize(("families", "expected"), [
    (["mlp", "rnn", "cnn", "crnn"], {"all": 4, "MLP/RNN": 2, "CNN/CRNN": 2}),
    (["mlp", "mine"], {"all": 2, "MLP/RNN": 1, "others": 1}),
    (["mine", "yours"], {"all": 2}),
])  # fmt: skip
def test_families_are_pooled_as_in_the_paper(families, expected):
    pooled = groups(pd.DataFrame({"family": families}))
    assert {name: len(members) for name, members in pooled.items()} == expected


def test_rank_correlation_is_spearmans():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(2, 30))
    assert rank_correlation(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert np.isnan(rank_correlation([1, 1], [1, 2]))


def test_a_table_of_one_example_each_enters_and_says_so():
    frame = study().drop(columns=["samples", "steps"])
    table, notes = quantities(measurements.completed(frame, "theirs"))
    assert len(notes) == 1
    assert notes[0].startswith("the table has no column samples (examples in the energy): its energies are taken as")
    assert table.set_index(["architecture", "phase"]).loc[("mlp-1", "test")].published_flops == 1e6


def test_a_table_without_energy_is_refused():
    with pytest.raises(InputError, match="no row with outcome ok of the kinds asked for, there is no energy"):
        quantities(study(outcome="oom"))


def test_the_program_writes_its_tables_and_mixes_no_kinds(tmp_path):
    frame = study()
    frame["energy_kind"] = np.where(frame["family"] == "cnn", "estimated", "measured")
    write_table(frame, tmp_path / "table.csv")
    ended = isojoule("link-compute-energy", "table.csv", "--output", "links", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "left out: 30 estimated rows; ask for them by --kinds" in ended.stdout
    for name in ("fits", "explained", "power-ratios", "claims"):
        assert set(pd.read_csv(tmp_path / "links" / f"{name}.csv")["energy_kind"]) == {"measured"}
    missing = isojoule("link-compute-energy", "none.csv", "--output", "links", cwd=tmp_path)
    assert missing.returncode == 2
    assert (
        missing.stderr.strip()
        .splitlines()[-1]
        .endswith("none.csv: found no such file, expected a table of measurements (parquet or CSV)")
    )


def test_utilisation_is_drawn_with_its_correlation(tmp_path):
    frame = study()
    frame["gpu_utilization_percent"] = 90 * frame["energy_kwh"] / frame["energy_kwh"].max()
    drawing.save(captions.load("energy-utilization").draw, frame, [tmp_path / "figure.svg"])
    assert (tmp_path / "figure.svg").stat().st_size > 20_000
