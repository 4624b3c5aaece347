import csv
import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from commands import isojoule, process
from simulated import write_results
from studies import changed

from isojoule.compute import counting
from isojoule.configuration.every_study import Gpu
from isojoule.errors import InputError
from isojoule.records.compute import ComputeRecord, read
from isojoule.study import cells, reading
from isojoule.study.cost import plan
from isojoule.workloads.interface import Architecture
from isojoule.workloads.tagging import example

PROJECT = Path(__file__).parents[2]
CONFIG = PROJECT / "config" / "config.yaml"
MODELS = "isojoule.workloads.tagging.models"
SETTINGS = {"n_mels": 16, "n_frames": 8, "n_classes": 3, "batch_size": 4, "optimizer": "adam"}
SINGLE = {"task": "single_label"}
SHAPE = {"n_mels": 16, "n_frames": 8, "n_classes": 3}


def name_of(row):
    separator = "-" if row["family"] == "crnn" else "x"
    layers, hidden = (row[key].replace("-", "+") for key in ("layers", "hidden"))
    return f"{row['family']}-{layers}{separator}{hidden}"


with (Path(__file__).parent / "compute43.csv").open() as file:
    PUBLISHED = {name_of(row): row for row in csv.DictReader(file)}

# a GRU over 2048 positions takes half a minute to count; isojoule count-compute was checked on all 43
QUICK = [name for name in PUBLISHED if not name.startswith("crnn")] + ["crnn-2+1-64+64"]
CHEAP = [
    "mlp-1x512",
    "mlp-4x1024",
    "cnn-1x128",
    "cnn-2x128",
    "rnn-1x128",
    "rnn-4x1024",
    "crnn-1+1-64+64",
    "crnn-1+2-64+64",
]

SMALL = [
    Architecture("mlp", "mlp", f"{MODELS}.mlp:MLP", {**SHAPE, "layers": 2, "hidden": 5}),
    Architecture("cnn", "cnn", f"{MODELS}.cnn:CNN", {**SHAPE, "layers": 2, "hidden": 5}),
    Architecture("rnn", "rnn", f"{MODELS}.rnn:RNN", {**SHAPE, "layers": 2, "hidden": 5}),
    Architecture("frames", "rnn", f"{MODELS}.rnn:RNN", {**SHAPE, "layers": 1, "hidden": 5, "layout": "frames"}),
    Architecture(
        "crnn", "crnn", f"{MODELS}.crnn:CRNN", {**SHAPE, "conv_layers": 1, "gru_layers": 1, "channels": 4, "hidden": 5}
    ),
]


@pytest.mark.parametrize("name", QUICK)
def test_exact_counts_of_published_architectures(published, name):
    step = counting.training_step(cells.architectures(published)[name], example, published.compute_settings())
    expected = PUBLISHED[name]
    assert step.parameters == int(expected["params"])
    assert step.forward_flops == 2 * int(expected["forward_macs"])
    assert step.backward_flops == int(expected["backward_flops"])


def test_deepspeed_counts_of_published_architectures():
    # in a process of its own, as DeepSpeed leaves torch patched
    code = (
        "import json, sys; from pathlib import Path; from isojoule.compute import counting; "
        "from isojoule.study import cells, reading; from isojoule.workloads.tagging import example; "
        f"study = reading.load(Path({str(CONFIG)!r})); named = cells.architectures(study); "
        "print(json.dumps({name: counting.deepspeed_forward_flops(named[name], example, study.compute_settings()) "
        "for name in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *CHEAP],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(PROJECT / "scripts")},
    )
    assert json.loads(done.stdout) == {name: int(PUBLISHED[name]["deepspeed_forward_flops"]) for name in CHEAP}
    assert done.stderr == ""


def test_bytes_of_a_small_mlp_by_hand():
    step = counting.training_step(SMALL[0], example, SETTINGS)
    parameters = (128 * 5 + 5) + (5 * 5 + 5) + (5 * 3 + 3)
    assert step.parameters == parameters
    assert step.weights_bytes == step.gradients_bytes == 4 * parameters
    # input, the output of each ReLU, and for the loss the logits and the targets
    assert step.activations_bytes == 4 * 4 * (128 + 5 + 5 + 3 + 3)


def test_a_single_label_costs_the_same_flops_and_keeps_other_bytes_for_its_loss():
    multi, single = (counting.training_step(SMALL[0], example, {**SETTINGS, **task}) for task in ({}, SINGLE))
    # the logarithm of the softmax, the number of the class, and for all clips together one sum of weights
    assert single.activations_bytes == 4 * (4 * (128 + 5 + 5 + 3) + 8) + 4
    assert replace(single, activations_bytes=multi.activations_bytes) == multi


@pytest.mark.parametrize(("optimizer", "slots", "steps"), [("adam", 2, 1), ("adamw", 2, 1), ("sgd", 0, 0)])
def test_optimizer_state_by_hand(optimizer, slots, steps):
    step = counting.training_step(SMALL[0], example, {**SETTINGS, "optimizer": optimizer})
    # every one of the six parameter tensors has its own step counter
    assert step.optimizer_state_bytes == slots * step.weights_bytes + steps * 6 * 4


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("architecture", SMALL, ids=lambda architecture: architecture.name)
def test_counts_without_data_are_those_of_a_real_step(architecture, optimizer):
    settings = {**SETTINGS, "optimizer": optimizer}
    assert counting._training_step_on("meta", architecture, example, settings) == counting._training_step_on(
        "cpu", architecture, example, settings
    )


@pytest.mark.parametrize("architecture", SMALL, ids=lambda architecture: architecture.name)
def test_flops_are_of_one_example_and_activations_of_the_batch(architecture):
    one, many = (asdict(counting.training_step(architecture, example, {**SETTINGS, "batch_size": n})) for n in (1, 16))
    assert many.pop("activations_bytes") == 16 * one.pop("activations_bytes")
    assert many == one


class NeedsData(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = float(torch.ones(1).sum())
        self.linear = torch.nn.Linear(128, 3)

    def forward(self, inputs):
        return self.linear(inputs.flatten(1) * self.scale) if inputs.sum() >= 0 else None


class Normalizing(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(128, 3)
        self.norm = torch.nn.BatchNorm1d(3)

    def forward(self, inputs):
        return self.norm(self.linear(inputs.flatten(1)))


class Untrainable(torch.nn.Module):
    def forward(self, inputs):
        return inputs.flatten(1)[:, :3]


class Misshapen(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(128, 4)

    def forward(self, inputs):
        return self.linear(inputs.flatten(1))


@pytest.mark.parametrize("model", [NeedsData, Normalizing])
def test_a_model_that_needs_data_or_a_batch_is_counted(model):
    step = counting.training_step(Architecture("mine", "custom", f"{__name__}:{model.__name__}", {}), example, SETTINGS)
    assert (step.forward_flops, step.backward_flops) == (2 * 128 * 3, 2 * 128 * 3)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Untrainable, "architecture mine: a training step cannot be counted: optimizer got an empty parameter list"),
        (Misshapen, "architecture mine: given 4 x 1 x 16 x 8, found an output of 4 x 4, expected 4 x 3"),
    ],
)
def test_a_model_that_cannot_be_counted_is_refused_in_one_sentence(model, message):
    architecture = Architecture("mine", "custom", f"{__name__}:{model.__name__}", {})
    with pytest.raises(InputError, match=message):
        counting.training_step(architecture, example, SETTINGS)


def count(*arguments):
    return isojoule("count-compute", *arguments)


CUSTOM_NET = """
import torch
WINDOW = torch.ones(64)
class Net(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(width)
        self.before, self.after = torch.nn.Linear(8192, width), torch.nn.Linear(width, 10)
    def forward(self, inputs):
        return self.after(self.norm(self.before((inputs * WINDOW).flatten(1))))
"""


def test_program_counts_a_model_of_the_user(tmp_path):
    (tmp_path / "my_net.py").write_text(CUSTOM_NET)
    (tmp_path / "config.yaml").write_text(
        CONFIG.read_text().replace(
            "architectures:", "architectures:\n  custom: [{name: mine, model: 'my_net:Net', arguments: {width: 4}}]"
        )
    )
    output = tmp_path / "new" / "mine.json"
    arguments = ("--config", "config.yaml", "--architecture", "mine", "--output", output)
    done = process("count-compute", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        f"mine: {8192 * 4 + 4 + 2 * 4 + 4 * 10 + 10:,} parameters, 6.562e+04 forward FLOPs, backward/forward 1.00, "
    )
    assert done.stdout.count("\n") == 1
    record = read(output)
    macs = 8192 * 4 + 4 * 10
    assert record.forward_flops == 2 * macs
    assert record.backward_flops == 2 * macs + 2 * 40
    assert record.training_flops_exact == record.forward_flops + record.backward_flops
    assert record.training_flops_published == 3 * record.deepspeed_forward_flops
    assert record.family == "custom"
    assert record.batch_size == 8
    assert set(record.software) == {"isojoule", "python", "torch", "deepspeed"}


BILINEAR_NET = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.both = torch.nn.Bilinear(64, 64, 10)
    def forward(self, inputs):
        return self.both(inputs.mean((1, 2)), inputs.mean((1, 2)))
"""


def test_a_count_that_deepspeed_misreads_is_told(tmp_path):
    (tmp_path / "my_net.py").write_text(BILINEAR_NET)
    custom = "architectures:\n  custom: [{name: mine, model: 'my_net:Net', arguments: {}}]"
    (tmp_path / "config.yaml").write_text(CONFIG.read_text().replace("architectures:", custom))
    arguments = ("--config", "config.yaml", "--architecture", "mine", "--output", "mine.json")
    done = process("count-compute", *arguments, cwd=tmp_path)
    right = 2 * 10 * 64 * 64 + 2 * 10 * 64
    assert done.returncode == 0, done.stderr
    assert f"FLOPs, and {right} are right for its matrices and convolutions" in done.stderr
    assert read(tmp_path / "mine.json").forward_flops == right


def test_program_names_close_matches_of_an_unknown_architecture(tmp_path):
    done = count("--config", CONFIG, "--architecture", "mlp-4x1025", "--output", tmp_path / "x.json")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --architecture: found mlp-4x1025, expected one of the config")
    assert "mlp-4x1024" in done.stderr
    assert not list(tmp_path.iterdir())


def test_program_refuses_an_output_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    output = tmp_path / "file" / "x.json"
    done = count("--config", CONFIG, "--architecture", "mlp-1x512", "--output", output)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {output}: cannot be written")
    assert done.stderr.count("\n") == 1


RECORD = {
    "workload": "tagging",
    "architecture": "mlp-1x5",
    "family": "mlp",
    "parameters": 1,
    "deepspeed_forward_flops": 3,
    "forward_flops": 2,
    "backward_flops": 4,
    "training_flops_published": 9,
    "training_flops_exact": 6,
    "weights_bytes": 4,
    "gradients_bytes": 4,
    "optimizer_state_bytes": 8,
    "activations_bytes": 4,
    "batch_size": 1,
    "duration_s": 0.1,
    "peak_memory_bytes": 1,
    "software": {"torch": "2"},
    "configuration_fingerprint": "0",
}


def test_a_record_reads_as_it_was_written(tmp_path):
    record = ComputeRecord(**RECORD)
    (tmp_path / "record.json").write_text(record.model_dump_json())
    assert read(tmp_path / "record.json") == record


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"parameters": -1}, "parameters"),
        ({"schema_version": 2}, "schema_version"),
        ({"record": "measurement"}, "record"),
        ({"flops": 1}, "flops"),
        ({"training_flops_published": 8}, "training_flops_published"),
        ({"training_flops_exact": 7}, "training_flops_exact"),
    ],
)
def test_a_wrong_record_is_refused_by_file_and_field(tmp_path, change, field):
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**RECORD, **change}))
    with pytest.raises(InputError, match=rf"record\.json: is not a ComputeRecord: .*{field}"):
        read(path)


def test_reading_records_takes_no_torch():
    code = "import sys, isojoule.records.compute; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(PROJECT / "scripts")})


def test_a_plan_counts_what_is_not_counted_yet_and_writes_nothing(demo, tmp_path):
    """A count of another batch size is none of this study's."""
    study = changed(demo, {"architectures": {"mlp": [{"layers": 1, "hidden": [4, 5]}]}})
    reading.store(study, tmp_path / "study.yaml")
    another = changed(study, {"batch_size": study.batch_size + 1})
    stale = counting.count(another, cells.architectures(study)["mlp-1x4"]).model_copy(update={"weights_bytes": 10**12})
    path = tmp_path / "results" / "demo" / "compute" / "mlp-1x4.json"
    path.parent.mkdir(parents=True)
    path.write_text(stale.model_dump_json())
    before = path.read_bytes()
    ended = subprocess.run(
        [sys.executable, "-m", "isojoule", "plan", "--config", "study.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "demo: an estimate, nothing in it is measured" in ended.stdout
    assert "weights up to 164 kB per running job" in ended.stdout
    assert [path] == list((tmp_path / "results").rglob("*.json"))
    assert path.read_bytes() == before


@pytest.mark.parametrize("results", ["a-file", "a-file/demo"])
def test_a_plan_is_refused_where_a_file_stands_for_the_folder_of_results(demo, tmp_path, results):
    reading.store(demo, tmp_path / "study.yaml")
    (tmp_path / "a-file").write_text("")
    ended = isojoule("plan", "--config", "study.yaml", "--results", results, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == f"error: {results}: {tmp_path}/a-file is a file, expected a folder\n"


def test_a_plan_names_the_networks_without_published_flops(demo, tmp_path):
    write_results(demo, tmp_path)
    counts = {name: read(tmp_path / "compute" / f"{name}.json") for name in cells.architectures(demo)}
    assert "published FLOPs" not in plan(demo, tmp_path, counts)
    nothing = {"deepspeed_forward_flops": None, "training_flops_published": None}
    counts["cnn-2x2"] = counts["cnn-2x2"].model_copy(update=nothing)
    assert plan(demo, tmp_path, counts).endswith("no published FLOPs, which DeepSpeed cannot count: cnn-2x2")


def test_what_a_plan_cannot_know_is_unknown(tmp_path, demo, monkeypatch):
    """Its longest job where nothing tells how fast a GPU is, and the CPUs of a machine that is not this one."""
    write_results(demo, tmp_path)
    counts = {name: read(tmp_path / "compute" / f"{name}.json") for name in cells.architectures(demo)}
    fast, slow = Gpu(peak_tflops=8, memory_gb_per_s=300), Gpu(partition="a40", threads=64)
    here = Gpu(device="cpu", threads=3, devices=2, peak_tflops=1, memory_gb_per_s=100)

    def planned(**gpus):
        return plan(demo.model_copy(update={"gpus": gpus}), tmp_path, counts)

    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    assert "\nlongest job: unknown\n" in planned(slow=slow)
    assert re.search(r"\nlongest job: about \d.*; unknown on slow\n", planned(fast=fast, slow=slow))
    assert re.search(r"\nlongest job: about \d+(\.\d+)? (s|min|h)\n", planned(fast=fast))
    sentence = "gpus.here.threads: found 6, and 2 CPUs on this machine, expected one for each"
    assert sentence in planned(here=here)
    assert "threads: found" not in planned(slow=slow)
    script(tmp_path / "bin" / "sinfo", 'if [ "$4" = a40 ]; then echo 32; echo 48; else exit 1; fi')
    assert "gpus.slow.threads: found 64, and 48 CPUs on a node of the partition a40" in planned(slow=slow, here=here)
    assert "threads: found" not in planned(slow=slow.model_copy(update={"partition": "rtx"}))
    script(tmp_path / "bin" / "sbatch", "exit 0")
    # whoever has SLURM sends jobs to machines that nobody knows here
    assert "threads: found" not in planned(here=here)


def script(path, body):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
