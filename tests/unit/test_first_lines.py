"""What the first lines of a page say: what the study is and is not, which model to take, and how the page is shared."""

import numpy as np
import pandas as pd
import pytest
from commands import isojoule

from isojoule.report.about import about
from isojoule.report.choices import choices
from isojoule.report.sharing import picture, title
from isojoule.tables import measurements
from isojoule.tables.energy import energy_table

NOTHING = pd.DataFrame()


def study(**columns):
    """Four cells of one platform."""
    rows = {"gpu": "t4", "architecture": ["a", "b", "c", "d"], "phase": "train", "repeat": 0, "energy_kwh": 1.0}
    return measurements.completed(pd.DataFrame({**rows, **columns}), "made up")


ESTIMATED = {"energy_kind": "estimated", "energy_source": "CPU time"}
TWO_PLATFORMS = {"gpu": ["1-thread", "1-thread", "2-threads", "2-threads"], "device_name": "EPYC", "hostname": "a"}
CARRIED = {"measured_energy_kind": ["measured", "measured", None, None]}
REMARKS = [
    ({}, None, ["Not stated. The table does not say whether all 4 energies are measured or estimated"]),
    (
        {"energy_kind": "measured", "energy_source": "NVML", "gpu_energy_kwh": 1.0},
        None,
        ["Measured. Instruments measured all 4 energies (NVML); of a GPU it is the energy of its board, without"],
    ),
    (ESTIMATED, None, ["Estimated, not measured. None of the 4 energies is measured: they are computed (CPU time)"]),
    (
        ESTIMATED | {"cpu_energy_kwh": 1.0},
        None,
        [
            "Estimated, not measured. None of the 4 energies is measured: they are computed (CPU time); this is the "
            "energy of the processor alone, without memory and the rest of the machine"
        ],
    ),
    (
        {"energy_kind": "measured", "cpu_energy_kwh": 1.0, "gpu_energy_kwh": [1.0, 1.0, None, None]},
        None,
        [
            "Measured. Instruments measured all 4 energies; of a GPU it is the energy of its board, without the rest "
            "of the machine; of a CPU it is the energy of the processor alone, without memory and the rest of the "
            "machine"
        ],
    ),
    (
        ESTIMATED | CARRIED,
        None,
        ["Estimated, not measured. None of the 4 energies is measured: they are computed (CPU time); of 2 a part"],
    ),
    (
        ESTIMATED | {"measured_energy_kind": "measured"},
        None,
        ["Estimated from a part. A part of the work was measured for all 4 energies, and carried to all of it"],
    ),
    (
        {"energy_kind": ["measured", "simulated", "simulated", "simulated"]},
        "synthetic",
        [
            "Measured. Instruments measured 1 of 4 energies",
            "Simulated, not measured. 3 of 4 energies are made up: nobody ran",
            "Made-up data. ",
        ],
    ),
    (
        {"energy_kind": ["measured", "estimated", "estimated", "estimated"]},
        None,
        ["Measured. ", "Estimated, not measured. No instrument measured 3 of 4 energies: they are computed"],
    ),
    ({"energy_kind": "measured"}, "desed", ["Measured. Instruments measured all 4 energies"]),
    (
        ESTIMATED | TWO_PLATFORMS,
        "synthetic",
        [
            "Estimated, not measured. ",
            "One machine. Both platforms are settings of one device (EPYC): nothing here tells what another",
            "Made-up data. ",
        ],
    ),
    (ESTIMATED | TWO_PLATFORMS | {"hostname": ["a", "a", "b", "b"]}, None, ["Estimated, not measured. "]),
    (ESTIMATED | TWO_PLATFORMS | {"hostname": None}, None, ["Estimated, not measured. "]),
]


@pytest.mark.parametrize(("columns", "data_source", "expected"), REMARKS)
def test_a_study_says_what_it_is(columns, data_source, expected):
    remarks = about(study(**columns), data_source)
    for remark, beginning in zip(remarks, expected, strict=True):
        assert f"{remark.words}. {remark.sentence}".startswith(beginning)


def front(**columns):
    rows = {
        "cost": "energy_kwh",
        "phase": "train",
        "gpu": "t4",
        "normalized_to": None,
        "quality": "macro_f1",
        "energy_kind": "measured",
        "architecture": ["small", "middle", "large", "like-middle"],
        "cost_mean": [1.0, 2.0, 4.0, 2.1],
        "cost_ci95_low": [0.9, 1.9, 3.9, 1.95],
        "cost_ci95_high": [1.1, 2.1, 4.1, 2.2],
        "quality_mean": [0.5, 0.895, 0.9, 0.896],
        "quality_ci95_low": [0.49, 0.89, 0.899, 0.895],
        "quality_ci95_high": [0.51, 0.898, 0.91, 0.897],
    }
    return pd.DataFrame({**rows, **columns})


def test_the_models_to_choose_from_and_what_they_could_as_well_be():
    rows = {row["choice"]: row for row in choices(front(), NOTHING)["rows"]}
    assert {choice: (row["architecture"], row["like"]) for choice, row in rows.items()} == {
        "least energy": ("small", "no other"),
        "least energy within 1 % of the best": ("middle", "like-middle"),
        "best quality": ("large", "no other"),
    }
    assert rows["best quality"]["energy_kwh"] == 4.0
    once = choices(front(cost_ci95_low=np.nan, cost_ci95_high=np.nan), NOTHING)["rows"]
    assert once[0]["like"] == "not known: one run has no interval"


def test_the_answer_in_words():
    assert choices(front(), NOTHING)["sentence"] == (
        "By the means, take middle if quality counts most: within 1 % of the best, nothing takes less energy. Take "
        "small if energy does: it takes 50 % less, and reaches 0.5 in place of 0.895"
    )
    platforms = pd.concat([front(), front(gpu="v100", cost_mean=[4.0, 2.0, 1.0, 3.0])])
    assert choices(platforms, NOTHING)["sentence"] == (
        "By the means, take middle on t4, large on v100 if quality counts most: within 1 % of the best, nothing takes "
        "less energy. Take small on t4, large on v100 if energy does: it takes 50 % less on t4, and reaches 0.5 in "
        "place of 0.895"
    )
    alike = front(cost_mean=[4.0, 2.0, 1.0, 3.0])
    assert choices(alike, NOTHING)["sentence"] == (
        "By the means, take large: none takes less energy, or is better by more than 1 %"
    )
    assert choices(front(quality_mean=0.5), NOTHING)["sentence"] == ""
    frame = study(energy_kwh=[4.0, 1.0, 3.0, 2.0])
    assert choices(NOTHING, energy_table(frame))["sentence"] == (
        "Nothing here tells how good the models are. The least energy is that of b"
    )


def test_without_a_quality_the_three_that_take_least():
    frame = study(energy_kwh=[4.0, 1.0, 3.0, 2.0])
    found = choices(NOTHING, energy_table(frame))
    assert [(row["architecture"], row["choice"]) for row in found["rows"]] == [
        ("b", "least energy"),
        ("d", "second least energy"),
        ("c", "third least energy"),
    ]
    assert choices(NOTHING, energy_table(study(outcome="oom", energy_kwh=None))) is None


def test_a_page_is_named_after_its_study():
    assert title("mine", study(energy_kind="estimated")) == "mine: energy of 4 models on 1 platform (estimated)"
    with_quality = study(energy_kind="measured", macro_f1=0.5)
    assert title("mine", with_quality) == "mine: energy and quality of 4 models on 1 platform (measured)"


def test_the_picture_of_a_page_is_a_figure_beside_it(tmp_path):
    figures = [tmp_path / "figures" / f"{name}.svg" for name in ("energy-platforms", "pareto-energy")]
    page = tmp_path / "report.html"
    figures[0].parent.mkdir()
    for figure in figures:
        figure.write_text("<svg/>")
    assert picture(figures, page) == ""
    for figure in figures:
        figure.with_suffix(".png").touch()
    assert picture(figures, page) == "figures/pareto-energy.png"
    assert (
        picture(figures, page, "https://example.org/s/report.html") == "https://example.org/s/figures/pareto-energy.png"
    )
    # what is not below the page's folder is not where the page is put
    assert picture(figures, tmp_path / "pages" / "report.html") == ""
    study().to_csv(tmp_path / "t.csv", index=False)
    words = ("--figures", "figures/energy-platforms.svg", "--url", "https://example.org/s/", "--output", "report.html")
    assert isojoule("report", "t.csv", *words, cwd=tmp_path).returncode == 0
    assert '<meta property="og:image" content="https://example.org/s/figures/energy-platforms.png">' in page.read_text()
