"""My own system on a GPU of the study: estimate, interval, warnings, score; what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from simulated import normalization_task

from isojoule.errors import InputError
from isojoule.normalization import System, normalize
from isojoule.normalization.intervals import half_widths
from isojoule.normalization.shared import Evidenced, Prediction, Tested
from isojoule.normalization.user_rows import read_rows, systems_of
from isojoule.pareto.scores import energy_weighted_score

PROJECT = Path(__file__).parents[2]
REAL = PROJECT.parent / "shared" / "real" / "imagenet-inference-energy.csv"


def test_my_system_on_a_gpu_that_the_study_does_not_have(world):
    first, *_, target = world["gpu"].unique()
    study, given, systems, truth = normalization_task(world, first, target, 8)
    other = next(name for name in systems if name not in given)
    normalized = normalize(study, target, "train", given, systems[other])
    assert normalized.energy_kwh == pytest.approx(truth[other], rel=0.25)
    assert normalized.low_kwh < normalized.energy_kwh < normalized.high_kwh
    assert normalized.kinds == ("simulated",)
    assert "kind: the study's energies are simulated" in normalized.warnings
    assert not any(warning.startswith("agreement") for warning in normalized.warnings)
    assert normalized.method.endswith("weighed on 2 other GPUs by energy_kwh, duration_s, flops, params")
    assert (
        normalized.interval == f"conformal, {2 * (43 - 8)} errors of the same references on 2 other GPUs of the study"
    )
    by_energy = normalize(study, target, "train", given, System(systems[other].energy_kwh))
    assert by_energy.method.endswith("by energy_kwh")
    alone = normalize(study[study["gpu"] == target], target, "train", given, systems[other])
    assert "corrected on energy_kwh, duration_s, flops, params" in alone.method
    assert alone.interval == "Student's t, 6 references between the ends left out one by one"
    record = normalized.record()
    assert (record["record"], record["energy_kind"]) == ("normalized-energy", "simulated")
    assert json.loads(json.dumps(record))["target"] == target


def test_warnings_name_what_is_doubtful(world):
    first, *_, target = world["gpu"].unique()
    study, given, _, _ = normalization_task(world, first, target, 3)
    middle = sorted(given.values(), key=lambda system: system.energy_kwh)[1]
    beyond = System(10 * max(system.energy_kwh for system in given.values()))
    warnings = normalize(study, target, "train", given, beyond).warnings
    assert any(warning.startswith("extrapolation: energy_kwh of your system") for warning in warnings)
    assert any(warning.startswith("few references: 3") for warning in warnings)
    timed = normalize(study, target, "train", given, System(middle.energy_kwh, duration_s=1e6))
    assert any(warning.startswith("extrapolation: duration_s of your system") for warning in timed.warnings)
    untimed = {name: System(system.energy_kwh) for name, system in given.items()}
    timed = normalize(study, target, "train", untimed, System(middle.energy_kwh, duration_s=1.0))
    assert "not used: duration_s, which is not known of all references" in timed.warnings
    in_wh = {name: System(1000 * system.energy_kwh) for name, system in given.items()}
    warnings = normalize(study, target, "train", in_wh, System(1000 * middle.energy_kwh)).warnings
    assert any("are your energies in kWh?" in warning for warning in warnings)
    alone = study[study["gpu"] == target]
    normalized = normalize(alone, target, "train", given, middle)
    assert (normalized.low_kwh, normalized.high_kwh) == (None, None)
    assert any(warning.startswith("no interval") for warning in normalized.warnings)


@pytest.mark.parametrize("count", [2, 4, 8])
def test_references_that_disagree_with_the_study_widen_the_interval(world, count):
    """The energies of the smallest and the largest reference are mixed up: what other GPUs teach no longer holds."""
    first, *_, target = world["gpu"].unique()
    study, given, systems, truth = normalization_task(world, first, target, count)
    low, *_, high = sorted(given, key=lambda name: given[name].energy_kwh)
    mixed_up = given | {low: given[high], high: given[low]}
    others = [name for name in systems if name not in given]
    held = []
    for name in others:
        normalized = normalize(study, target, "train", mixed_up, systems[name])
        held.append(normalized.low_kwh <= truth[name] <= normalized.high_kwh)
    assert sum(held) >= 0.8 * len(held)
    (warning,) = [warning for warning in normalized.warnings if warning.startswith("agreement")]
    assert f"({high}) to " in warning
    assert f"({low}) times those on the target" in warning


def test_a_single_other_gpu_tells_half_of_how_much_references_disagree():
    """Either GPU may be the odd one: the half width goes with the square root of the ratio of both disagreements."""
    errors = np.linspace(-0.3, 0.2, 30)
    tested, prediction = Tested(errors, np.full(30, 0.5)), Prediction(np.zeros(2), np.array([0.5, 1.0]))
    # the 28th of 30 absolute errors holds 90 % of further ones
    half = 1.5 * np.sort(np.abs(errors))[27] * np.array([1, 2])
    for ratio, factor in ((1, 1), (2.9, 1), (9, 3), (0.25, 0.5), (1e-3, 0.2**0.5)):
        widths, basis = half_widths(Evidenced(prediction, [tested], None, {}, ratio))
        assert widths == pytest.approx(factor * half)
        assert basis == "conformal, 30 errors of the same references on another GPU of the study"
    two, _ = half_widths(Evidenced(prediction, [tested, tested], None, {}, 2.9))
    unlike, _ = half_widths(Evidenced(prediction, [tested, tested], None, {}, 4.5))
    assert unlike == pytest.approx(3 * two)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "h100"}, "target: found no train energy on h100, expected one of simulated-0-"),
        (
            {"references": {"mlp-1x513": System(1.0), "mlp-1x512": System(2.0)}},
            "references: found mlp-1x513, which was not",
        ),
        ({"references": {"mlp-1x512": System(1.0)}}, "references: found 1, expected at least 2"),
        ({"references": {"mlp-1x512": System(1.0), "mlp-1x1024": System(1.0)}}, "energies that are all 1.0 kWh"),
        ({"references": {"mlp-1x512": System(0.0), "mlp-1x1024": System(1.0)}}, "energy_kwh of mlp-1x512: found 0.0"),
        ({"system": System(float("nan"))}, "energy_kwh of the system: found nan, expected a number above 0"),
        ({"system": System(1.0, flops=-3)}, "flops of the system: found -3, expected a number above 0"),
    ],
)
def test_what_cannot_be_normalized_is_refused(world, change, message):
    call = {
        "target": world["gpu"].iloc[0], "phase": "train", "system": System(1.5),
        "references": {"mlp-1x512": System(1.0), "mlp-1x1024": System(2.0)},
    } | change  # fmt: skip
    with pytest.raises(InputError) as refused:
        normalize(world, **call)
    assert message in str(refused.value)


def test_the_energy_weighted_score_of_dcase():
    assert energy_weighted_score(0.4, 2.0, 4.0) == 0.2
    with pytest.raises(InputError, match="energy-weighted score: found quality 1, reference 0 kWh"):
        energy_weighted_score(1, 0, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("architecture\na\n", "found no column energy_kwh, expected architecture and energy_kwh"),
        ("architecture,energy_kwh\na,many\n", "column energy_kwh: found many in line 2, expected a number"),
        (
            "architecture,energy_kwh\na,1\na,3\n",
            "found 1 to 3 kWh for a, expected repeats that differ by a factor of 2",
        ),
        ("architecture,energy_kwh,duration_s\na,1,2\nb,1,-2\n", "column duration_s: found -2 in line 3, expected"),
        ("architecture,energy_kwh,phase\na,1,test\n", "found no row of train with outcome ok"),
        ("architecture,energy_kwh,gpu\na,1,t4\nb,1,a40\n", "found the GPUs t4, a40, expected yours alone"),
        ("", "is not a table of references: found nothing in it"),
    ],
)
def test_references_that_cannot_be_read_are_refused(tmp_path, content, message):
    path = tmp_path / "mine.csv"
    path.write_text(content)
    with pytest.raises(InputError) as refused:
        read_rows(path, "train")
    assert f"{path}: {message}" in str(refused.value)


def test_repeated_references_are_averaged(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("architecture,energy_kwh,duration_s\na,2,2\na,3,4\nb,5,\n")
    rows = read_rows(path, "train")
    assert rows["a"].energies_kwh == (2.0, 3.0)
    assert systems_of(rows) == {"a": System(2.5, 3.0), "b": System(5.0)}
    assert systems_of(rows, complete=True) == {"a": System(2.5), "b": System(5.0)}, "no duration where one has none"
