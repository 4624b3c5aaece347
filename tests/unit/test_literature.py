from pathlib import Path

import pandas as pd
import pytest
from commands import isojoule, process

from isojoule.errors import InputError
from isojoule.figures import captions
from isojoule.figures.shared import drawing
from isojoule.literature import training

PROJECT = Path(__file__).parents[2]
PUBLISHED = PROJECT / "reference" / "published" / "training.csv"
# table 1 of the paper, the poster's factor, and a US person's 12.1 kWh a day
IMPACT = "ML CO2 Impact, data/gpus.csv"
PRINTED = {
    "FloWaveNet": (81.6, 35.66, 6.7),
    "GANSynth": (32.4, 14.16, 2.7),
    "SampleRNN": (42, 18.35, 3.5),
    "SING": (52, 22.72, 4.3),
    "WaveGAN": (24, 10.49, 2.0),
}


def estimate(*arguments):
    return isojoule("estimate-training", *arguments)


def test_the_published_table_comes_out_as_printed(tmp_path):
    done = process("estimate-training", PUBLISHED, "--countries", "FRA", "USA", "--output", tmp_path / "t.csv")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "t.csv").set_index("model")
    for model, (energy, emissions, days) in PRINTED.items():
        row = table.loc[model]
        assert row["energy_kwh"] == pytest.approx(energy, abs=1e-9)
        assert round(row["emissions_kg_co2e"], 2) == emissions
        assert round(row["us_person_days"], 1) == days
    assert set(table["energy_kind"]) == {"estimated"}
    assert (table["emissions_FRA_kg_co2e"] < table["emissions_USA_kg_co2e"]).all()


def test_the_published_figures_are_drawn(tmp_path):
    assert estimate(PUBLISHED, "--output", tmp_path / "training.csv").returncode == 0
    kinds, goals = ["--kinds", "measured", "estimated"], ["--minimize", "energy_kwh", "one_minus_mos"]
    waveflow = PROJECT / "reference" / "published" / "waveflow.csv"
    assert isojoule("front", waveflow, *kinds, *goals, "--output", tmp_path / "waveflow.csv").returncode == 0
    for name in ("training", "waveflow"):
        figure = captions.load(f"published-{name}")
        drawing.save(figure.draw, figure.READ(tmp_path / f"{name}.csv"), [tmp_path / f"{name}.svg"])
    assert "estimated, worst case" in (tmp_path / "training.svg").read_text()
    text = (tmp_path / "waveflow.svg").read_text()
    assert all(f"<!-- WF{number} -->" in text for number in range(1, 6))
    assert "Energy (kWh), estimated" in text
    assert "Energy (Wh), measured" in text


def test_power_of_a_known_gpu_and_an_estimate_scaled_by_utilisation(tmp_path):
    trainings = tmp_path / "trainings.csv"
    trainings.write_text(
        "model,gpu,gpus,hours,power_w,utilization_percent\n"
        "a,NVIDIA A100-SXM4-40GB,2,10,,50\n"
        "d,NVIDIA A100-PCIE-40GB,1,10,,\nb,Tesla V100-SXM2-16GB,1,10,,\nc,home made,1,10,100,100\n"
    )
    done = estimate(trainings, "--kg-per-kwh", "0.1", "--output", tmp_path / "t.csv")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "t.csv").set_index("model")
    assert table["energy_kwh"].to_dict() == pytest.approx({"a": 8.0, "b": 3.0, "c": 1.0, "d": 2.5})
    assert table["energy_scaled_kwh"].dropna().to_dict() == pytest.approx({"a": 4.0, "c": 1.0})
    assert table["emissions_kg_co2e"].to_dict() == pytest.approx({"a": 0.8, "b": 0.3, "c": 0.1, "d": 0.25})
    assert table["power_from"].tolist() == [IMPACT, IMPACT, "Douwes, Esling and Briot, table 1", "the table"]
    assert "estimated, worst case" in done.stdout


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("model,gpu,gpus\na,T4,1\n", "found no column hours"),
        ("model,gpu,gpus,hours\na,T4,0,1\n", "column gpus: found 0 in line 2, expected a number above 0"),
        ("model,gpu,gpus,hours\na,T4,1,long\n", "column hours: found long in line 2"),
        ("model,gpu,gpus,hours\na,Z9,1,1\n", "gpu of a: found Z9, expected a column power_w"),
        ("model,gpu,gpus,hours\na,V100-PCIE-16GB,1,1\n", "found V100-PCIE-16GB, expected a column power_w"),
        (
            "model,gpu,gpus,hours,utilization_percent\na,T4,1,1,120\n",
            "found 120 in line 2, expected a number above 0 and up to 100",
        ),
        ("model,gpu,gpus,hours\n", "found no row"),
        ("", "is not a table of trainings"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "trainings.csv"
    path.write_text(content)
    done = estimate(path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_country_is_named():
    done = estimate(PUBLISHED, "--countries", "XYZ")
    assert (done.returncode, "countries: found XYZ" in done.stderr) == (2, True)


def test_a_power_that_no_board_has_is_asked_about_and_a_gpu_without_a_name_is_refused(tmp_path):
    """Energies were a thousand times too low where the power was in kW, and a GPU without a name was called nan."""
    path = tmp_path / "trainings.csv"
    path.write_text("model,gpu,gpus,hours,power_w\nours,V100,4,24,0.3\ntheirs,,1,1,250\n")
    table = training.estimate(training.read(path))
    assert training.in_words(table, 0.4)[0] == "ours: one GPU takes at most 0.3 W; is power_w in W?"
    assert sum("is power_w in W" in line for line in training.in_words(table, 0.4)) == 1
    assert "(1 x GPU, 250 W by the table, 1 h)" in training.in_words(table, 0.4)[-1]
    path.write_text("model,gpu,gpus,hours\nours,,4,24\n")
    with pytest.raises(InputError, match=r"csv: column gpu: found nothing in line 2, expected a name, or its maximum"):
        training.read(path)
