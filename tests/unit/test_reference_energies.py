"""Tables of others in reference/energies, and what holds our default against the published methods on them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import isojoule

from isojoule.errors import InputError
from isojoule.figures import captions
from isojoule.figures.shared import drawing
from isojoule.normalization import (
    DEFAULT,
    METHODS,
    default_against_published,
    interval_coverage,
    reference_tables,
    split_noise,
)
from isojoule.normalization.pairs import pairs
from isojoule.normalization.published import PUBLISHED
from isojoule.normalization.references import min_max
from isojoule.normalization.splits import splits

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "reference" / "energies"
REAL = PROJECT.parent / "shared" / "real"
DESCRIPTION = {
    "title": "made-up networks",
    "source": "nobody",
    "licence": "MIT",
    "instrument": "none",
    "energy_kind": "simulated",
    "phase": "test",
}


def put(folder, frame=None, **changes):
    """Put a table of made-up networks, or another one, and its description into a folder."""
    generator = np.random.default_rng(0)
    if frame is None:
        energy_j = 1e3 * 1.5 ** np.arange(10)
        frame = pd.DataFrame(
            [
                {"device": f"0{gpu}0", "architecture": f"n{n}", "family": f"f{n % 3}", "joules": energy * factor}
                for gpu, power in enumerate((1.0, 0.9, 1.2))
                for n, (energy, factor) in enumerate(
                    zip(energy_j**power, np.exp(generator.normal(0, 0.1, 10)), strict=True)
                )
            ]
        )
        changes = {"columns": {"gpu": "device", "energy_kwh": "joules"}, "energy_unit": "J"} | changes
    folder.mkdir(exist_ok=True)
    frame.to_csv(folder / "nets.csv", index=False)
    (folder / "nets.yaml").write_text(yaml.safe_dump({**DESCRIPTION, **changes}))
    return folder


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    (table,) = reference_tables.read_folder(put(tmp_path_factory.mktemp("made-up") / "energies"))
    return table


def test_our_tables_name_their_source_and_a_licence_that_permits_to_give_them_on():
    tables = {table.name: table for table in reference_tables.read_folder(FOLDER)}
    shapes = {name: (t.frame["gpu"].nunique(), t.frame["architecture"].nunique()) for name, t in tables.items()}
    assert shapes == {
        "edge-boards": (6, 94),
        "image-classifiers": (3, 26),
        "language-models": (3, 23),
        "training-jobs": (4, 74),
    }
    page = (FOLDER / "README.md").read_text()
    for name, table in tables.items():
        assert table.description.licence.startswith(("MIT, Copyright", "Apache-2.0"))
        assert table.description.source.split(":")[-1].split()[0].split("/")[0] in page
        assert f"`{name}.csv`" in page
        assert set(table.frame["energy_kind"]) == {"measured"}
    assert [name for name, table in tables.items() if table.description.unverified] == ["edge-boards"]
    assert "numbers derived from it are unverified" in reference_tables.in_words(tables["edge-boards"])


@pytest.mark.skipif(not REAL.exists(), reason="needs the tables in ../shared/real, which is no part of isojoule")
def test_our_tables_have_the_energies_of_their_sources():
    for ours, theirs in {
        "edge-boards": "mlperf-edge",
        "image-classifiers": "imagenet-inference-energy",
        "language-models": "mlenergy-llm-2023",
        "training-jobs": "zeus-train",
    }.items():
        assert (FOLDER / f"{ours}.csv").read_text() == (REAL / f"{theirs}.csv").read_text()


def test_columns_and_units_of_a_table_are_those_of_its_description(made_up):
    assert made_up.frame["gpu"].unique().tolist() == ["000", "010", "020"]
    assert made_up.frame["energy_kwh"].iloc[0] == pytest.approx(1e3 / 3.6e6, rel=0.3)
    assert set(made_up.frame["phase"]) == {"test"}
    assert set(made_up.frame["energy_kind"]) == {"simulated"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"licence": ""}, "nets.yaml: licence: found '', expected text that is not empty"),
        ({"color": "red"}, "nets.yaml: color: unknown key, expected one of title, source"),
        (
            {"columns": {"board": "device"}},
            "nets.yaml: columns: found board, expected columns of a table of measurements",
        ),
        ({"columns": {"gpu": "board"}}, "nets.yaml: columns.gpu: found board, expected a column of nets.csv"),
        ({"columns": {"gpu": "joules", "family": "joules"}}, "columns.gpu: found joules, which is family already"),
        ({"columns": {"family": "device"}}, "nets.yaml: columns.family: found it in nets.csv as well"),
        ({"only": {"task": ["chat"]}}, "nets.yaml: only: found task, expected a column of nets.csv"),
        ({"only": {"family": ["f9"]}}, "nets.yaml: only.family: found f9, expected values of that column"),
        ({"energy_unit": "cal"}, "nets.yaml: energy_unit: found 'cal', expected one of"),
        ({"energy_kind": "guessed"}, "nets.yaml: energy_kind: found 'guessed', expected one of"),
        ({"phase": None}, "nets.csv: found no column phase"),
    ],
)
def test_a_wrong_description_is_one_sentence(tmp_path, changes, sentence):
    put(tmp_path, **changes)
    with pytest.raises(InputError) as refused:
        reference_tables.read_folder(tmp_path)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_table_without_its_description_is_refused_and_so_is_the_reverse(tmp_path):
    put(tmp_path)
    (tmp_path / "other.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"found other.csv alone, expected other.yaml beside it"):
        reference_tables.read_folder(tmp_path)
    (tmp_path / "other.csv").rename(tmp_path / "other.txt")
    (tmp_path / "third.yaml").write_text("")
    with pytest.raises(InputError, match=r"found third.yaml alone, expected third.csv beside it"):
        reference_tables.read_folder(tmp_path)
    with pytest.raises(InputError, match="found no such folder"):
        reference_tables.read_folder(tmp_path / "none")


def test_the_error_of_a_published_method_is_what_a_loop_by_hand_finds(made_up):
    errors = default_against_published.errors_by_references(made_up, 3, 0, 1, counts=(4,))
    by_hand = []
    for of_pair in pairs(made_up.frame, "test"):
        for split in splits(sorted(made_up.frame["architecture"].unique()), 3, 0):
            is_train = of_pair.systems.index.isin(split.train)
            train, test = of_pair.systems[is_train], of_pair.systems[~is_train]
            chosen = min_max(train["energy_kwh"].to_numpy(), 4)
            fitted = METHODS["dual"]().fit(train.iloc[chosen], of_pair.target_kwh[is_train][chosen])
            off = np.abs(fitted.predict(test) / of_pair.target_kwh[~is_train] - 1)
            by_hand.append(100 * np.median(off))
    cell = errors[(errors["method"] == "dual") & (errors["sampling"] == "min-max") & (errors["references"] == "4")]
    assert cell["mdape_percent"].item() == pytest.approx(np.median(by_hand))
    assert cell["fits"].item() == len(by_hand)
    assert set(errors["method"]) == {*PUBLISHED, DEFAULT} - {name for name in PUBLISHED if "+" in name}
    assert errors.groupby(["references", "method", "sampling"]).size().max() == 1


def test_each_family_is_held_out_where_the_description_says_so(tmp_path):
    (table,) = reference_tables.read_folder(put(tmp_path, held_out=["families"]))
    errors = default_against_published.errors_by_references(table, 3, 0, 1, counts=(2,))
    assert set(errors["held_out"]) == {"families"}
    # six ordered pairs of three platforms, three families
    assert set(errors.loc[errors["sampling"] == "min-max", "fits"]) == {18}
    (alone,) = reference_tables.read_folder(put(tmp_path, held_out=["families"], only={"family": ["f0"]}))
    with pytest.raises(InputError, match=r"nets: held_out: found families, expected a table with several"):
        default_against_published.errors_by_references(alone, 3, 0, 1)


def test_each_goal_that_is_not_met_is_said_with_by_how_much():
    cells = [("2", DEFAULT, 9.0), ("2", "dual", 10.0), ("2", "line", 8.0), ("3", DEFAULT, 5.0), ("3", "dual", 10.0)]
    errors = pd.DataFrame(
        [
            {
                "table": "t",
                "title": "nets",
                "held_out": "architectures",
                "phase": "test",
                "references": count,
                "method": method,
                "sampling": "min-max",
                "published": method != DEFAULT,
                "mdape_percent": error,
                "default_ratio_low": 0.9,
                "default_ratio_high": 1.4,
            }
            for count, method, error in [*cells, ("all", DEFAULT, 10.3), ("all", "svr", 10.0)]
        ]
    )
    table = default_against_published.compared(errors)
    assert table["published_method"].tolist() == ["line", "dual", "svr"]
    assert table["ratio"].tolist() == pytest.approx([1.125, 0.5, 1.03])
    assert table["is_met"].tolist() == [False, True, True]
    lines = default_against_published.in_words(table)
    assert "9.0 / 8.0" in lines[2]
    (unmet,) = [line for line in lines if line.startswith("not met")]
    assert "2 references: our default leaves 12 % more error than line (min-max)" in unmet
    assert unmet.endswith("and with the splits drawn again it leaves 10 % less to 40 % more (90 % interval)")
    # sqrt(0.5 x 1.03): only two cells have three references or more
    assert lines[-1].startswith(
        "met: from 3 references up the geometric mean of the ratio of the errors is 0.72 over 2"
    )


def test_errors_that_no_measurement_could_tell_from_none_are_equal():
    columns = {"table": "t", "title": "nets", "held_out": "architectures", "phase": "test", "references": "2"}
    columns |= {"default_ratio_low": 1.0, "default_ratio_high": 1.0}
    rows = [(DEFAULT, False, 2e-12), ("dual", True, 0.0)]
    of_each = [
        {**columns, "method": name, "sampling": "min-max", "published": published, "mdape_percent": error}
        for name, published, error in rows
    ]
    (row,) = default_against_published.compared(pd.DataFrame(of_each)).to_dict("records")
    assert (row["ratio"], row["is_met"]) == (1.0, True)


def test_the_noise_of_splits_is_that_of_drawing_them_again_one_by_one():
    generator = np.random.default_rng(1)
    rows = pd.DataFrame(
        [
            # the published method is tried on two draws of references, and not on split 4
            {"method": method, "sampling": "min-max", "split": str(split), "mdape_percent": generator.gamma(5)}
            for method, splits_tried in ((DEFAULT, range(6)), ("dual", [0, 0, 1, 1, 2, 3, 5]))
            for split in splits_tried
        ]
    )
    found = split_noise.ratio_intervals(rows, DEFAULT, 0.1, seed=7)
    errors = {key: of_key.groupby("split")["mdape_percent"].apply(list) for key, of_key in rows.groupby("method")}
    ratios = []
    for draw in np.random.default_rng(7).integers(0, 6, (split_noise.DRAWS, 6)):
        ours, theirs = (
            [error for split in draw for error in errors[method].get(str(split), [])] for method in (DEFAULT, "dual")
        )
        if theirs:
            ratios.append(np.median(ours) / np.median(theirs))
    assert found.loc[("dual", "min-max")].tolist() == pytest.approx(np.quantile(ratios, [0.05, 0.95]))
    assert found.loc[(DEFAULT, "min-max")].tolist() == [1.0, 1.0]


def test_intervals_are_asked_for_systems_that_nobody_has_seen(made_up, monkeypatch):
    seen = []

    class Watched(interval_coverage.Target):
        def __init__(self, study, target, phase):
            super().__init__(study, target, phase)
            self.of_study = set(study["architecture"]), set(study["gpu"])

        def normalize(self, own, system):
            seen.append((*self.of_study, set(own), system))
            return super().normalize(own, system)

    monkeypatch.setattr(interval_coverage, "Target", Watched)
    table = interval_coverage.interval_coverage(made_up, 6, 0, (4,))
    assert table["scenario"].tolist() == ["own", "new"]
    # of each split both systems that are held out
    assert table["asked"].tolist() == [12, 12]
    assert table["coverage"].between(0, 1).all()
    assert (table["width"] > 1).all()
    for architectures, gpus, own, system in seen:
        assert own <= architectures
        assert len(architectures) == 8
        asked = made_up.frame.set_index("energy_kwh")["architecture"][system.energy_kwh]
        assert asked not in architectures
        assert len(gpus) in (2, 3)
    assert [len(gpus) for _, gpus, _, _ in seen] == [3, 3, 2, 2] * 6


def test_the_goals_of_the_intervals_are_said():
    row = {"title": "nets", "scenario": "new", "references": 4, "asked": 9, "without_interval": 0, "constant_width": 2}
    rows = [
        row | {"coverage": 0.9, "width": 2.2},
        row | {"coverage": 0.7, "width": 3.0},
        row | {"without_interval": 1.0, "coverage": np.nan, "width": np.nan},
    ]
    lines = interval_coverage.in_words(pd.DataFrame(rows))[1:]
    assert lines[0] == "nets, my GPU is new, 4 references: 90% of 9, width 2.20 beside 2.00"
    assert lines[1].endswith(
        "not met: 88% to 94% are to hold the energy, and the width is to be at most 1.3 times the constant one"
    )
    assert lines[2].endswith("no interval, since nothing supports one")


def test_one_command_makes_the_tables_and_the_figure(tmp_path):
    put(tmp_path / "energies")
    ended = isojoule("compare-normalization", tmp_path / "energies", "--splits", 2, "--draws", 1, "--questions", 2,
                     "--output", tmp_path / "out")  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "nets: 10 systems on 3 platforms, simulated (none); nobody; MIT" in ended.stdout
    assert "made-up networks, test, architectures held out" in ended.stdout
    goals = pd.read_csv(tmp_path / "out" / "goals.csv")
    # of 8 systems to choose from
    assert goals["references"].tolist() == ["2", "3", "4", "6", "8", "all"]
    assert len(pd.read_csv(tmp_path / "out" / "intervals.csv")) == 8
    new_gpus = pd.read_csv(tmp_path / "out" / "new-gpus.csv")
    assert new_gpus.groupby("target")["references"].apply(list).tolist() == [[2, 3, 4, 6, 8]] * 3
    assert "on a new GPU, MdAPE in %" in ended.stdout
    figure = captions.load("normalization-tables")
    with drawing.mpl.rc_context({"svg.fonttype": "none"}):
        drawing.save(figure.draw, figure.READ(tmp_path / "out" / "errors.csv"), [tmp_path / "figure.svg"])
    text = (tmp_path / "figure.svg").read_text()
    assert "made-up networks" in text
    assert "simulated" in text
