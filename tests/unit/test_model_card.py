import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from isojoule import readable
from isojoule.errors import InputError
from isojoule.report.model_card import emissions, sentence
from isojoule.tables import measurements

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study(world):
    """A simulated world with three runs of everything, and CodeCarbon's estimate for France."""
    rows = world[world["gpu"].isin(world["gpu"].unique()[:3])]
    factors = enumerate((1.0, 1.1, 0.9))
    frame = pd.concat([rows.assign(repeat=run, energy_kwh=rows["energy_kwh"] * factor) for run, factor in factors])
    frame = frame.assign(
        emissions_kg_co2e=frame["energy_kwh"] * 0.056,
        country_iso_code="FRA",
        codecarbon="3.3.2",
        device_name="Tesla T4",
    )
    return measurements.completed(frame.reset_index(drop=True), "study")


def test_the_metadata_is_what_hugging_face_asks_for(study):
    gpu, name = study["gpu"].iloc[0], study["architecture"].iloc[0]
    card = yaml.safe_load(emissions(study, name, gpu))["co2_eq_emissions"]
    assert list(card) == ["emissions", "source", "training_type", "geographical_location", "hardware_used"]
    rows = study[(study["gpu"] == gpu) & (study["architecture"] == name) & (study["phase"] == "train")]
    assert card["emissions"] == pytest.approx(1000 * 0.056 * rows["energy_kwh"].mean(), rel=1e-3)
    assert card["geographical_location"] == "FRA"
    assert card["training_type"] == "pre-training"
    assert card["hardware_used"] == f"1 x Tesla T4 ({gpu})"
    assert "CodeCarbon 3.3.2" in card["source"]
    by_factor = yaml.safe_load(emissions(study, name, gpu, "fine-tuning", "Paris", 0.437))["co2_eq_emissions"]
    assert by_factor["emissions"] == pytest.approx(437 * rows["energy_kwh"].mean(), rel=1e-3)
    assert by_factor["source"].startswith("0.437 kg CO2e/kWh x simulated energy")
    assert by_factor["geographical_location"] == "Paris"


def test_the_sentence_has_energy_interval_gpu_and_normalized_energy(study):
    first, second = study["gpu"].unique()[:2]
    name = "mlp-4x2048"
    rows = study[(study["gpu"] == first) & (study["architecture"] == name) & (study["phase"] == "train")]
    words = sentence(study, name, first, "train", second)
    energy = readable.shown(rows["energy_kwh"].mean(), "kWh")
    assert words.startswith(f"Training {name} (10 epochs, 1,980 steps) took {energy} (simulated; 95 % interval ")
    assert f"3 runs) on Tesla T4 ({first}). Normalized to Tesla T4 ({second}) by 8 references: " in words
    truth = study[(study["gpu"] == second) & (study["architecture"] == name) & (study["phase"] == "train")]
    number, symbol = words.split("references: ")[1].split()[:2]
    (unit,) = (unit for unit in readable.UNITS["kWh"] if unit.symbol == symbol)
    assert float(number) * unit.size == pytest.approx(truth["energy_kwh"].mean(), rel=0.5)
    assert "(simulated; 90 % interval" in words
    single = study[study["repeat"] == 0]
    assert "one run, no interval" in sentence(single, name, first, "train")


def test_a_card_says_what_was_carried_to_the_whole(study):
    gpu, name = study["gpu"].iloc[0], study["architecture"].iloc[0]
    part = study.assign(
        epochs=pd.NA, steps=3_000_000, devices=4, energy_kind="estimated", gpu_energy_kwh=study["energy_kwh"]
    )
    part["measured_energy_kwh"], part["measured_duration_s"] = part["energy_kwh"] / 200, part["duration_s"] / 200
    part = measurements.completed(part, "part")
    card = yaml.safe_load(emissions(part, name, gpu))["co2_eq_emissions"]
    assert card["source"] == "CodeCarbon 3.3.2, mean of 3 trainings, 3,000,000 steps, carried from 0.5 % of it"
    assert card["hardware_used"].startswith("4 x ")
    on_a_cpu = yaml.safe_load(emissions(part.assign(gpu_energy_kwh=pd.NA), name, gpu))["co2_eq_emissions"]
    assert on_a_cpu["hardware_used"].startswith("1 x ")
    unknown = measurements.completed(part.assign(duration_s=pd.NA), "unknown")
    assert f"Training {name} (3,000,000 steps) " in sentence(unknown, name, gpu, "train")
    words = sentence(part, name, gpu, "train")
    assert words.startswith(f"Training {name} (3,000,000 steps, carried from 0.5 % of it) would take ")
    single = part[part["repeat"] == 0].assign(carried_low_kwh=1e-6, carried_high_kwh=2e-6)
    words = sentence(single, name, gpu, "train")
    assert " would take " in words
    assert "one run, 95 % interval 3.6 to 7.2 J by its repetitions" in words
    mixed = single.assign(measured_duration_s=pd.NA)
    mixed = measurements.completed(pd.concat([single, mixed.assign(repeat=1)], ignore_index=True), "mixed")
    assert "(3,000,000 steps, 1 of 2 carried from 0.5 % of it)" in sentence(mixed, name, gpu, "train")
    heard = sentence(part.assign(audio_s=100.0), name, gpu, "test")
    assert heard.startswith(f"Testing {name} (100 s of audio, carried from 0.5 % of it) would take ")


def test_what_is_not_there_is_named(study):
    gpu = study["gpu"].iloc[0]
    with pytest.raises(InputError, match="architecture: found mlp-9x9"):
        emissions(study, "mlp-9x9", gpu)
    with pytest.raises(InputError, match="found no energy of phase train"):
        emissions(study.assign(outcome="oom"), "mlp-1x512", gpu)
    with pytest.raises(InputError, match=r"found it for 0 of \d trainings of .*; --kg-per-kwh"):
        emissions(study.assign(emissions_kg_co2e=pd.NA), "mlp-1x512", gpu)
    with pytest.raises(InputError, match="expected another GPU"):
        sentence(study, "mlp-1x512", gpu, "train", gpu)


def test_by_hand(study, tmp_path):
    study.to_parquet(tmp_path / "study.parquet")
    first, second = study["gpu"].unique()[:2]
    command = ["-m", "isojoule", "model-card", tmp_path / "study.parquet", "--architecture", "mlp-1x512"]
    command += ["--gpu", first, "--target", second, "--output", tmp_path / "card.md"]
    done = subprocess.run([sys.executable, *map(str, command)], text=True, capture_output=True, check=True)
    assert (tmp_path / "card.md").read_text() == done.stdout
    _, front, words = done.stdout.split("---\n")
    assert yaml.safe_load(front)["co2_eq_emissions"]["emissions"] > 0
    assert "Training mlp-1x512 (10 epochs, 1,980 steps) took" in words
    assert "Testing mlp-1x512 (" in words
