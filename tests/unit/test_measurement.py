"""Whole cells on the CPU: the real meter, real models, real features; a fake only where a GPU would be needed."""

import re
from functools import partial
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import torch
import yaml
from safetensors import safe_open
from studies import changed

from isojoule.energy import nvml
from isojoule.energy.steady import until_steady
from isojoule.errors import InputError
from isojoule.measuring import cell as cell_module
from isojoule.measuring import checkpoints
from isojoule.measuring.cell import CellJob, measure, metered, opened
from isojoule.measuring.device_check import Arrival
from isojoule.measuring.device_lock import Device
from isojoule.progress import heartbeat
from isojoule.records import provenance
from isojoule.study.cells import Cell
from isojoule.study.reruns import cell_slice, fingerprints
from isojoule.workloads.precision import set_precision
from isojoule.workloads.tagging.dataset import prepare
from isojoule.workloads.tagging.extraction import extract

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny study: its configuration and its extracted features."""
    folder = tmp_path_factory.mktemp("study")
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    content |= {
        "dataset": {"source": "synthetic", "train_clips": 20, "test_clips": 20},
        "architectures": {"mlp": [{"layers": 1, "hidden": 4}], "cnn": [{"layers": 1, "hidden": 2}]},
        "phases": {"train": {"epochs": 2}, "test": {"epochs": 1}},
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    from isojoule.study import reading

    study = reading.check(content)
    prepare(study.dataset, study.mel, folder / "dataset")
    extract(folder / "dataset", study.mel, study.classes, folder / "features", workers=2)
    return folder


@pytest.fixture
def study(folder):
    from isojoule.study import reading

    return reading.load(folder / "study.yaml")


@pytest.fixture
def machine(tmp_path):
    with Device(f"test-{tmp_path.name}") as machine:
        yield machine


def train(study, folder, machine, checkpoint, arrival=None, **changes):
    cell = Cell(**{"gpu": "cpu-1thread", "architecture": "mlp-1x4", "phase": "train", "repeat": 0, **changes})
    arrival = arrival or Arrival(torch.device("cpu"), None)
    made_by = provenance.provenance(3, **fingerprints(study, cell, "data"))
    begun = opened(study, cell, arrival.gpus, made_by, place=5)
    assert begun.outcome == "running"
    job = CellJob(
        configuration=study,
        begun=begun,
        features=folder / "features",
        checkpoint=checkpoint,
        origin="origin",
        arrival=arrival,
        machine=machine,
        meter=metered(study, cell.gpu, arrival),
        trace=folder / "trace.parquet",
        products=folder / "products",
    )
    return measure(job)


def test_training_is_measured_and_leaves_weights_for_its_test(study, folder, machine, tmp_path):
    checkpoint = tmp_path / "weights.safetensors"
    record = train(study, folder, machine, checkpoint)
    assert record.outcome == "ok"
    assert (record.work.epochs, record.work.steps, record.work.samples) == (2, 2 * 3, 2 * 20)
    assert record.energy.component == "cpu"
    assert record.energy.computing.energy_kwh > 0
    assert record.energy.computing.kind in ("measured", "estimated")
    assert record.energy.ram.kind == "estimated"
    assert record.loss > 0
    assert record.quality == {}
    cell = Cell("cpu-1thread", "mlp-1x4", "train", 0)
    assert record.is_of(fingerprints(study, cell, "data"))
    assert (record.provenance.attempt, record.place) == (3, 5)
    assert checkpoints.is_there(checkpoint, "origin")
    tested = train(study, folder, machine, checkpoint, phase="test")
    assert set(tested.quality) == {"macro_f1", "mean_average_precision"}
    assert tested.work.samples == 20
    assert set(tested.flags) <= {"estimated", "short-window", "attempt-above-1", "busy-host"}


def test_the_same_seed_trains_the_same_weights_whatever_the_warm_up_did(study, folder, machine, tmp_path):
    """The warm-up's steps must not be in the weights: a plain loop from the same seed ends at the same ones."""
    from isojoule.study.cells import architectures
    from isojoule.workloads.building import build
    from isojoule.workloads.tagging.sessions import Session

    decisive = cell_slice(study, Cell("cpu-1thread", "mlp-1x4", "train", 0))
    trained = []
    for warm_up in (True, False):
        torch.manual_seed(0)
        model = build(architectures(study)["mlp-1x4"])
        session = Session(model, decisive, "train", folder / "features", torch.device("cpu"))
        if warm_up:
            session.warm_up()
        session.run()
        trained.append(model.state_dict())
    for name, value in trained[0].items():
        torch.testing.assert_close(value, trained[1][name], rtol=0, atol=0)


def test_work_that_is_repeated_in_its_window_leaves_weights_and_loss_of_the_first_time(study, folder):
    from isojoule.study.cells import architectures
    from isojoule.workloads.building import build
    from isojoule.workloads.tagging.sessions import Session

    decisive = cell_slice(study, Cell("cpu-1thread", "mlp-1x4", "train", 0))
    trained, losses, told = [], [], []
    for runs in (1, 3):
        torch.manual_seed(0)
        session = Session(
            build(architectures(study)["mlp-1x4"]), decisive, "train", folder / "features", torch.device("cpu")
        )
        session.warm_up()
        for _ in range(runs):
            session.run(told.append)
        assert session.progress().startswith(f"repetition {runs + 1}, epoch 1/2, step 0/6")
        session.settle()
        trained.append(session.model.state_dict())
        losses.append(session.loss())
    assert losses[0] == losses[1]
    # the steps of both epochs over 20 clips, in each of the four runs
    assert told == 4 * 2 * [8, 8, 4]
    for name, value in trained[0].items():
        torch.testing.assert_close(value, trained[1][name], rtol=0, atol=0)


def test_steps_that_decode_other_clips_do_other_work(study, folder):
    told = []
    session_of(changed(study, {"features": "in_loop"}), folder).run(told.append)
    assert len(set(told)) == len(told) == 3


def test_a_short_phase_is_repeated_and_its_energy_divided(study, folder, machine, tmp_path):
    record = train(changed(study, {"energy.min_window_s": 0.5}), folder, machine, tmp_path / "w")
    window = record.energy.window
    assert window.repetitions > 3
    assert window.duration_s >= 0.5
    assert record.energy.duration_s == pytest.approx(window.duration_s / window.repetitions)
    assert record.work.epochs == 2
    assert record.energy.computing.energy_kwh < 1e-3 * window.duration_s / 3600 * 500 / window.repetitions


def test_a_cell_on_a_gpu_has_all_readings_and_a_trace(study, folder, machine, tmp_path, driver, monkeypatch):
    """Everything but CUDA: the driver is the fake, the work is done by the CPU."""
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 7)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (15 * 2**30, 16 * 2**30))
    # the driver's board is as warm as it will be
    monkeypatch.setattr(until_steady, "__kwdefaults__", {**until_steady.__kwdefaults__, "stretch_s": 0.5})
    energy = {"energy.min_window_s": 0.6, "energy.idle_s": 0.2, "energy.sample_period_s": 0.2}
    study = changed(study, {"gpus.t4": {}, **energy})
    vars(driver.driver).update(temperature_c=85, throttle_reasons=0x24)
    arrival = Arrival(torch.device("cpu"), nvml.identify(driver.UUIDS[1]))
    record = train(study, folder, machine, tmp_path / "w", gpu="t4", arrival=arrival)
    energy = record.energy
    assert (energy.component, energy.gpu.kind, energy.gpu.source) == ("gpu", "measured", "NVML energy counter")
    expected_kwh = 70 * energy.duration_s / 3.6e6
    bound_kwh = energy.gpu.uncertainty_kwh
    for reading_kwh in (
        energy.gpu.energy_kwh,
        energy.integrated_power.energy_kwh,
        energy.codecarbon.gpu_energy_kwh,
    ):
        assert reading_kwh == pytest.approx(expected_kwh, abs=bound_kwh + 0.05 * expected_kwh)
    assert record.gpu_statistics.peak_memory_bytes == 7
    assert record.gpu_statistics.samples >= 3
    assert {"throttled", "power-capped", "hot-start", "short-window"} <= set(record.flags)
    assert "estimated" not in record.flags
    assert parquet.read_table(folder / "trace.parquet").num_rows >= 6


def test_repeats_differ_by_their_seed(study, folder, machine, tmp_path):
    losses = {train(study, folder, machine, tmp_path / "w", repeat=repeat).loss for repeat in (0, 0, 1)}
    assert len(losses) == 2


def test_features_decoded_in_the_loop_train_the_same_model(study, folder, machine, tmp_path):
    resident = train(study, folder, machine, tmp_path / "a").loss
    in_loop = train(changed(study, {"features": "in_loop"}), folder, machine, tmp_path / "b")
    assert in_loop.loss == pytest.approx(resident, rel=1e-4)
    assert in_loop.settings["features"] == "in_loop"


def test_a_training_that_diverges_keeps_its_energy_and_claims_no_quality(study, folder, machine, tmp_path):
    study = changed(study, {"optimizer": {"name": "sgd", "learning_rate": 1e30}})
    record = train(study, folder, machine, tmp_path / "w")
    assert (record.outcome, record.loss) == ("ok", None)
    assert "loss-not-finite" in record.flags
    tested = train(study, folder, machine, tmp_path / "w", phase="test")
    assert (tested.outcome, tested.loss, tested.quality) == ("ok", None, {})
    assert tested.energy.computing.energy_kwh > 0


def test_bf16_trains(study, folder, machine, tmp_path):
    record = train(changed(study, {"precision": "bf16"}), folder, machine, tmp_path / "w")
    assert (record.precision, record.outcome) == ("bf16", "ok")


def test_out_of_memory_is_an_outcome_and_its_test_is_untrained(study, folder, machine, tmp_path, monkeypatch):
    from isojoule.workloads.tagging.sessions import Session

    def exhaust(self, part_done=None):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.30 GiB")

    monkeypatch.setattr(Session, "run", exhaust)
    record = train(study, folder, machine, tmp_path / "w")
    assert (record.outcome, record.energy, record.work) == ("oom", None, None)
    assert record.message.startswith("CUDA out of memory")
    with safe_open(str(tmp_path / "w"), framework="pt") as weights:
        assert list(weights.keys()) == []
    tested = train(study, folder, machine, tmp_path / "w", phase="test")
    assert (tested.outcome, tested.message) == ("untrained", "training ended with outcome oom")


def test_another_failure_is_no_outcome(study, folder, machine, tmp_path, monkeypatch):
    from isojoule.workloads.tagging.sessions import Session

    def fail(self, part_done=None):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(Session, "run", fail)
    with pytest.raises(RuntimeError, match="mat1"):
        train(study, folder, machine, tmp_path / "w")


def test_a_test_without_training_uses_initial_weights_and_claims_no_quality(study, folder, machine):
    record = train(study, folder, machine, None, phase="test")
    assert record.outcome == "ok"
    assert record.quality == {}
    assert "initial-weights" in record.flags


def test_weights_of_another_architecture_are_refused(study, folder, machine, tmp_path):
    train(study, folder, machine, tmp_path / "w")
    with pytest.raises(InputError, match="holds the weights of another architecture"):
        train(study, folder, machine, tmp_path / "w", phase="test", architecture="cnn-1x2")
    (tmp_path / "w").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"/w: was changed since"):
        train(study, folder, machine, tmp_path / "w", phase="test")
    (tmp_path / "own").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"/own: is not a checkpoint that can be read"):
        train(study, folder, machine, tmp_path / "own", phase="test")


@pytest.mark.parametrize(("precision", "expected"), [("fp32", "ieee"), ("tf32", "tf32"), ("bf16", "ieee")])
def test_tf32_is_on_only_where_it_was_asked_for(precision, expected):
    """cuDNN has it on unless told otherwise: an fp32 measurement would be one of TF32 convolutions."""
    backends = torch.backends
    try:
        set_precision(precision)
        for backend in (backends.cuda.matmul, backends.cudnn, backends.cudnn.conv, backends.cudnn.rnn):
            assert backend.fp32_precision == expected
    finally:
        set_precision("fp32")


@pytest.mark.parametrize(
    ("truth", "logits", "macro_f1"),
    [
        ([[1], [1], [0], [0]], [[-9], [-9], [-9], [-9]], 0.0),
        ([[1], [1], [1], [0]], [[9], [9], [9], [9]], 2 * 3 / (2 * 3 + 1)),
        ([[1, 0], [0, 1], [1, 0]], [[9, -9], [-9, -9], [9, 9]], (1.0 + 0.0) / 2),
        ([[1, 0], [1, 0]], [[9, 9], [9, 9]], 1.0),
    ],
    ids=["nothing detected", "a single class", "two classes", "a class without a clip does not count"],
)
def test_macro_f1_is_the_mean_over_the_classes_that_occur(study, folder, truth, logits, macro_f1):
    """A single class took the path of scikit-learn for yes and no: 0.43 for nothing detected."""
    from isojoule.study.cells import architectures
    from isojoule.workloads.building import build
    from isojoule.workloads.tagging.sessions import Session

    decisive = cell_slice(study, Cell("cpu-1thread", "mlp-1x4", "test", 0))
    session = Session(
        build(architectures(study)["mlp-1x4"]), decisive, "test", folder / "features", torch.device("cpu")
    )
    session._clips.targets, session._logits = torch.tensor(truth, dtype=torch.float32), torch.tensor(logits).float()
    assert session.quality()["macro_f1"] == pytest.approx(macro_f1)


def session_of(study, folder, architecture="mlp-1x4", phase="test"):
    from isojoule.study.cells import architectures
    from isojoule.workloads.building import build
    from isojoule.workloads.tagging.sessions import Session

    torch.manual_seed(0)
    decisive = cell_slice(study, Cell("cpu-1thread", architecture, phase, 0))
    model = build(architectures(study)[architecture])
    return Session(model, decisive, phase, folder / "features", torch.device("cpu"))


@pytest.fixture(scope="module")
def single(folder, tmp_path_factory):
    """The tiny study with one label per clip, and the folder of its features."""
    from isojoule.study import reading

    study = changed(reading.load(folder / "study.yaml"), {"task": "single_label", "pareto": {}})
    folder = tmp_path_factory.mktemp("single")
    prepare(study.dataset, study.mel, folder / "dataset", study.task)
    extract(folder / "dataset", study.mel, study.classes, folder / "features", workers=2)
    return study, folder


def test_a_single_label_is_trained_and_tested_by_softmax_and_cross_entropy(single, machine, tmp_path):
    study, folder = single
    trained = train(study, folder, machine, tmp_path / "weights.safetensors")
    tested = train(study, folder, machine, tmp_path / "weights.safetensors", phase="test")
    assert tested.settings["task"] == "single_label"
    assert set(tested.quality) == {"accuracy", "macro_f1"}
    assert 0 < trained.loss < 5
    session = session_of(study, folder)
    targets = session._clips.targets
    session.run()
    with torch.no_grad():
        batches = [session.model.eval()(session._clips._values[start : start + 8]) for start in range(0, 20, 8)]
    probabilities = torch.cat(batches).softmax(dim=1)
    by_hand = -probabilities[targets.bool()].log().mean()
    assert session.loss() == pytest.approx(float(by_hand), rel=1e-5)
    found = probabilities.argmax(dim=1) == targets.argmax(dim=1)
    assert session.quality()["accuracy"] == pytest.approx(float(found.float().mean()))


def test_a_step_of_a_single_label_descends_the_cross_entropy(single):
    study, folder = single
    session = session_of(study, folder, phase="train")
    plain = session_of(study, folder, phase="train")
    session._step(session._order[0][0], session._losses[0])
    values, numbers = plain._clips._values, plain._order[0][0]
    loss = torch.nn.CrossEntropyLoss()(plain.model(values[numbers]), plain._clips.targets[numbers].argmax(dim=1))
    loss.backward()
    plain._optimizer.step()
    for name, value in session.model.state_dict().items():
        torch.testing.assert_close(value, plain.model.state_dict()[name])


@pytest.mark.parametrize(
    ("truth", "guesses", "accuracy", "macro_f1"),
    [
        ([0, 0, 1, 1], [0, 0, 1, 1], 1.0, 1.0),
        ([0, 0, 0, 1], [0, 0, 0, 0], 0.75, (6 / 7 + 0) / 2),
        ([0, 0, 1, 2], [0, 1, 1, 1], 0.5, (2 / 3 + 2 / 4 + 0) / 3),
        ([0, 0, 0], [0, 0, 2], 2 / 3, 4 / 5),
    ],
    ids=["all right", "the rare class is missed", "three classes", "a class without a clip does not count"],
)
def test_accuracy_is_beside_macro_f1(single, truth, guesses, accuracy, macro_f1):
    study, folder = single
    session = session_of(study, folder)
    one_hot = torch.nn.functional.one_hot
    session._clips.targets = one_hot(torch.tensor(truth), 10).float()
    # a guess below a probability of 0.5 is the class all the same
    session._logits = one_hot(torch.tensor(guesses), 10) * 0.1
    assert session.quality() == pytest.approx({"accuracy": accuracy, "macro_f1": macro_f1})


def test_features_with_several_labels_are_refused_for_a_single_one(single, folder):
    with pytest.raises(InputError, match="found a clip that has not exactly one class, which task: single_label"):
        session_of(single[0], folder)


def test_progress_names_its_cell(study, folder, machine, tmp_path, monkeypatch, capsys):
    """Two jobs may run side by side, in one terminal."""
    monkeypatch.setattr(cell_module, "heartbeat", partial(heartbeat, period_s=0.001))
    train(study, folder, machine, tmp_path / "weights.safetensors")
    said = capsys.readouterr().err
    assert re.search(r"^0 s: mlp-1x4 on cpu-1thread, train, repeat 0: .+ [µm]?J so far$", said, re.MULTILINE), said
