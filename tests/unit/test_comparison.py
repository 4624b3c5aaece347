"""Two studies side by side: which cells differ, by how much, and what else does; worlds of known truth."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from commands import isojoule
from scipy.stats import ttest_ind

from isojoule.comparison.cells import compared_cells
from isojoule.comparison.circumstances import CIRCUMSTANCES, differing_circumstances
from isojoule.comparison.in_words import in_words
from isojoule.errors import InputError
from isojoule.tables import measurements
from isojoule.tables.columns import COLUMNS

NAMES = [f"net-{number}" for number in range(40)]


@cache
def without_energies(repeats):
    """A study of 40 architectures on one platform, in which all energies are 1 kWh."""
    return measurements.completed(
        pd.DataFrame(
            {
                "gpu": "t4",
                "architecture": np.repeat(NAMES, repeats),
                "phase": "train",
                "repeat": np.tile(np.arange(repeats), len(NAMES)),
                "energy_kwh": 1.0,
                "energy_kind": "measured",
                "duration_s": 36000.0,
                "driver": "535.1",
                "torch": "2.13.0",
                "epochs": 5,
            }
        ),
        "made up",
    )


def study(seed, repeats=3, deviation=0.02, **columns):
    """A study with energies that are the same for every seed, but for what repeats differ by."""
    log_kwh = np.random.default_rng(0).uniform(-6, 0, len(NAMES)).repeat(repeats)
    noise = deviation * np.random.default_rng(seed).normal(size=len(log_kwh))
    return without_energies(repeats).assign(energy_kwh=np.exp(log_kwh + noise), **columns)


def with_more_energy(frame, factor):
    """The same study, in which the first half of the architectures uses so many times the energy."""
    is_changed = frame["architecture"].isin(NAMES[: len(NAMES) // 2])
    return frame.assign(energy_kwh=frame["energy_kwh"].where(~is_changed, frame["energy_kwh"] * factor))


def test_the_test_is_that_of_scipy():
    a, b = study(1, 3), study(2, 4, deviation=0.1)
    found = compared_cells(a, b).set_index("architecture")
    for name in NAMES[:5]:
        logs = [np.log(frame.loc[frame["architecture"] == name, "energy_kwh"].astype(float)) for frame in (b, a)]
        test = ttest_ind(*logs, equal_var=False)
        ends = np.log(found.loc[name, ["ratio_low", "ratio_high"]].astype(float))
        np.testing.assert_allclose(ends, test.confidence_interval(0.95), rtol=1e-6)
    # adjusting lowers no chance
    assert found.loc[name, "p_adjusted"] >= test.pvalue


@pytest.mark.parametrize("repeats", [2, 3, 5, 10])
def test_the_interval_of_a_ratio_holds_the_truth(repeats):
    held = [
        compared_cells(study(2 * seed, repeats), study(2 * seed + 1, repeats, deviation=0.05)).eval(
            "ratio_low <= 1 and 1 <= ratio_high"
        )
        for seed in range(20)
    ]
    assert 0.93 <= np.mean(held) <= 0.99


def test_the_cells_that_were_changed_are_found_and_few_others():
    found = pd.concat(
        [compared_cells(study(2 * seed), with_more_energy(study(2 * seed + 1), 1.2)) for seed in range(10)]
    )
    is_changed = found["architecture"].isin(NAMES[: len(NAMES) // 2])
    differs = found["finding"] == "differs"
    assert differs[is_changed].mean() > 0.9
    assert (differs & ~is_changed).sum() <= 0.1 * differs.sum()
    assert found.loc[is_changed, "energy_ratio"].median() == pytest.approx(1.2, rel=0.01)
    assert found.loc[~is_changed, "energy_ratio"].median() == pytest.approx(1.0, rel=0.01)


def test_a_study_does_not_differ_from_itself():
    found = compared_cells(study(1), study(1))
    assert set(found["finding"]) == {"no difference found"}
    assert (found["energy_ratio"] == 1).all()
    told = list(in_words(found, differing_circumstances(study(1), study(1))))
    assert told[0].startswith("0 of 40 cells have another energy in B than in A")
    assert told[-1].startswith("nothing else differs")


@pytest.mark.parametrize(
    ("b", "finding"),
    [
        (study(2, repeats=1), "too few repeats"),
        (study(2, energy_kind="estimated"), "other kind of energy"),
        (study(2, epochs=6), "other work"),
    ],
)
def test_what_cannot_be_compared_has_no_ratio_or_no_finding(b, finding):
    found = compared_cells(study(1), b)
    assert set(found["finding"]) == {finding}
    assert found["p_adjusted"].isna().all()
    assert found["energy_ratio"].notna().all() == (finding == "too few repeats")
    (told,) = [line for line in in_words(found, differing_circumstances(study(1), b)) if "not compared" in line]
    assert told.startswith("40 cells are not compared: ")


def test_cells_of_one_study_alone_are_told_and_strangers_refused():
    a, b = study(1), study(2)
    found = compared_cells(a[a["architecture"] != NAMES[0]], b[b["architecture"] != NAMES[1]]).set_index("architecture")
    assert (found.loc[NAMES[0], "finding"], found.loc[NAMES[1], "finding"]) == ("only in B", "only in A")
    with pytest.raises(InputError, match="A has the platforms t4 and B has a40; expected the same names"):
        compared_cells(a, b.assign(gpu="a40"))


def test_circumstances_that_differ_are_named():
    b = study(2).assign(driver="550.2", precision="tf32", data_fingerprint="b")
    b.loc[b["architecture"] == NAMES[0], "torch"] = "2.14.0"
    found = differing_circumstances(study(1).assign(precision="fp32", data_fingerprint="a"), b)
    rows = {row["column"]: (row["of"], row["cells"], row["in_a"], row["in_b"]) for _, row in found.iterrows()}
    assert rows == {
        "driver": ("versions", 40, "535.1", "550.2"),
        "torch": ("versions", 1, "2.13.0", "2.14.0"),
        "precision": ("configuration", 40, "fp32", "tf32"),
        "data_fingerprint": ("data", 40, "a", "b"),
    }
    assert {name for names in CIRCUMSTANCES.values() for name in names} <= set(COLUMNS)


def test_the_command_writes_both_tables_and_says_what_it_found(tmp_path):
    study(1).to_csv(tmp_path / "before.csv", index=False)
    with_more_energy(study(2), 1.5).assign(driver="550.2").to_parquet(tmp_path / "after.parquet")
    ended = isojoule("compare", tmp_path / "before.csv", tmp_path / "after.parquet", "--output", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    assert "20 of 40 cells have another energy in B than in A" in ended.stdout
    assert "t4, train: 20 use more in B, 50" in ended.stdout or "t4, train: 20 use more in B, 49" in ended.stdout
    assert "t4, versions: driver is 535.1 in A, 550.2 in B (40 cells)" in ended.stdout
    cells = pd.read_csv(tmp_path / "out" / "cells.csv")
    assert (cells["finding"] == "differs").sum() == 20
    assert len(pd.read_csv(tmp_path / "out" / "circumstances.csv")) == 1
    missing = isojoule("compare", tmp_path / "before.csv", tmp_path / "none.csv", "--output", tmp_path / "out")
    assert missing.returncode != 0
    assert "none.csv" in missing.stderr
