"""Fingerprints of code: what is no change of logic changes nothing, and no module that runs is left out."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from isojoule.study import code_fingerprint, reruns

PROJECT = Path(__file__).parents[2]
WORKLOAD = "isojoule.workloads.tagging"
MODEL = '''"""A model."""

from torch import nn


class MyNet(nn.Linear):
    """Of the user."""

    def __init__(self, width):
        # any width
        if width > 1:
            width = width + 1
        else:
            width = 2
        super().__init__(width, 10)
'''


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("# any width", "# a comment that says more"),
        lambda text: text.replace("Of the user.", "Another docstring."),
        lambda text: text.replace('"""Of the user."""\n\n    def', "def"),
        lambda text: text.replace("width + 1", "(width+1)").replace("\n\n\n", "\n\n"),
        lambda text: ast.unparse(ast.parse(text)),
    ],
    ids=["comment", "docstring", "docstring removed", "formatting", "unparsed"],
)
def test_what_is_no_logic_is_no_change(fingerprint, change):
    assert change(MODEL) != MODEL
    assert fingerprint(change(MODEL)) == fingerprint(MODEL)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("width + 1", "width + 2"),
        lambda text: text.replace("width > 1", "width >= 1"),
        lambda text: text.replace("nn.Linear", "nn.Bilinear"),
        lambda text: text.replace("        else:\n            width = 2\n", "            width = 2\n"),
        lambda text: text.replace("1:", "True:"),
    ],
    ids=["number", "comparison", "base class", "another branch", "constant"],
)
def test_logic_is_a_change(fingerprint, change):
    assert change(MODEL) != MODEL
    assert fingerprint(change(MODEL)) != fingerprint(MODEL)


def test_a_module_that_the_users_model_imports_counts(fingerprint, tmp_path):
    (tmp_path / "layers.py").write_text("SIZE = 1\n")
    before = fingerprint("from layers import SIZE\n")
    (tmp_path / "layers.py").write_text("SIZE = 2\n")
    assert fingerprint("from layers import SIZE\n") != before


def test_what_is_there_for_a_type_checker_alone_does_not_count(fingerprint, tmp_path):
    text = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from layers import Size\n"
    instead = "else:\n    from layers import SIZE\n"
    (tmp_path / "layers.py").write_text("SIZE = 1\n")
    before, before_instead = fingerprint(text), fingerprint(text + instead)
    (tmp_path / "layers.py").write_text("SIZE = 2\n")
    assert fingerprint(text) == before
    assert fingerprint(text + instead) != before_instead


# every stage in a process of its own, forked from one that has imported the libraries: they would take most of the time
IMPORTED = """
import json, os, pathlib, runpy, sys
import deepspeed.profiling.flops_profiler, matplotlib.figure, pandas, sklearn.metrics, torch._dynamo

ours = lambda: sorted(name for name in sys.modules if name.split(".")[0] in ("isojoule", "my_net"))
assert not ours()
for command in json.loads(sys.argv[1]):
    if stage := os.fork():
        assert os.waitpid(stage, 0)[1] == 0, command
        continue
    sys.argv = ["isojoule", *command]
    leave, os._exit = os._exit, lambda code: sys.exit(code)
    try:
        runpy.run_module("isojoule", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        assert not ended.code, ended.code
    pathlib.Path(sys.argv[-1] + ".imported").write_text(json.dumps(ours()))
    leave(0)
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A tiny study with a model of each family and one of the user's."""
    folder = tmp_path_factory.mktemp("study")
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    content |= {
        "dataset": {"source": "synthetic", "train_clips": 20, "test_clips": 20},
        "architectures": {
            "mlp": [{"layers": 1, "hidden": 4}],
            "crnn": [{"layers": [[5, 1]], "hidden": [[2, 2]]}],
            "custom": [{"name": "mine", "model": "my_net:MyNet"}],
        },
        "gpus": {"cpu": {"device": "cpu"}},
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100},
        "repeats": 1,
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    (folder / "my_net.py").write_text(
        "from torch import nn\n\n\nclass MyNet(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.AdaptiveAvgPool2d((16, 2)), nn.Flatten(), nn.Linear(32, 10))\n"
    )
    return folder


def counting(name, model):
    arguments = ("--config", "study.yaml", "--architecture", name, "--output", f"results/compute/{name}.json")
    return ("count-compute", *arguments), (WORKLOAD, f"{WORKLOAD}.example", model)


MEASUREMENTS, FIGURE = "results/measurements.parquet", "results/energy-quality.svg"
ERRORS = "results/errors.parquet"
EXTRACTION = ("--dataset", "results/dataset", "--output", "results/features")
LINKS = "results/links"
REPORT = ("--extraction", "results/features/record.json", "--tables", f"{LINKS}/claims.csv", "--figures", FIGURE)
MODELS = (f"{WORKLOAD}.models.mlp", f"{WORKLOAD}.models.crnn", "my_net")
STAGES = [
    (("prepare-dataset", "--config", "study.yaml", "--output", "results/dataset"), (f"{WORKLOAD}.dataset",)),
    (("extract-features", "--config", "study.yaml", *EXTRACTION), (f"{WORKLOAD}.extraction",)),
    *(counting(name, model) for name, model in zip(("mlp-1x4", "crnn-5+1-2+2", "mine"), MODELS, strict=True)),
    (
        ("measure", "--config", "study.yaml", "--gpu", "cpu", "--results", "results"),
        (WORKLOAD, f"{WORKLOAD}.sessions", *MODELS),
    ),
    (
        ("aggregate", "--config", "study.yaml", "--results", "results", "--output", MEASUREMENTS),
        (f"{WORKLOAD}.description",),
    ),
    (("tabulate-energy", MEASUREMENTS, "--output", "results/energy.csv"), ()),
    (("tabulate-flags", MEASUREMENTS, "--output", "results/flags.csv"), ()),
    (("tabulate-findings", MEASUREMENTS, "--output", "results/findings.csv"), ()),
    (("link-compute-energy", MEASUREMENTS, "--output", LINKS), ()),
    (("plot", "energy-quality", MEASUREMENTS, "--keep-same", "--output", FIGURE), ("isojoule.figures.energy_quality",)),
    (("evaluate-normalization", MEASUREMENTS, "--allow-empty", "--output", ERRORS), ()),
    (("rank-normalization", ERRORS, "--output", "results/ranking.csv"), ()),
    (("evaluate-mixed", MEASUREMENTS, "--allow-empty", "--output", "results/mixed.csv"), ()),
    (("choose-references", MEASUREMENTS, "--allow-empty", "--output", "results/references.csv"), ()),
    (("compare-fronts", MEASUREMENTS, "--output", "results/pareto"), ()),
    (("report", MEASUREMENTS, *REPORT, "--output", "results/report.html"), ()),
]


@pytest.fixture(scope="module")
def imported(study):
    """Run every stage for real, in the order of the study; what each has imported at its end."""
    commands = [list(command) for command, _ in STAGES]
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED, json.dumps(commands)],
        cwd=study, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "scripts")},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return [
        (arguments, entries, json.loads((study / f"{arguments[-1]}.imported").read_text()))
        for arguments, entries in STAGES
    ]


def test_the_modules_of_a_fingerprint_are_those_that_its_stage_imports(imported, study, monkeypatch):
    monkeypatch.chdir(study)
    of_every_command = {*code_fingerprint.modules("isojoule.cli.main"), "isojoule.__main__"}
    description = set(code_fingerprint.modules(f"{WORKLOAD}.description"))
    for (command, *arguments), entries, names in imported:
        program = f"isojoule.cli.{command.replace('-', '_')}"
        listed = set(code_fingerprint.modules(program, *entries))
        # what a description gives to a costly stage is in the slices of the configuration
        exempt = of_every_command if command == "aggregate" else of_every_command | description
        assert listed - exempt == set(names) - exempt, (command, *arguments)


def test_only_modules_that_decide_measurements_can_reach_a_device(imported):
    """Nothing that a measurement executes and its fingerprint leaves out imports what computes or measures."""
    (names,) = (names for (command, *_), _, names in imported if command == "measure")
    computing = {"torch", "pynvml", "codecarbon", "soundfile", "sklearn"}
    for name in names:
        if not code_fingerprint.decides_measurements(name):
            file = code_fingerprint.modules(name)[name]
            assert not computing & {module.split(".")[0] for module in code_fingerprint._imported(file, name)}, name


def test_the_snakefile_names_the_same_entries(study, monkeypatch):
    """The parameters of the rules are these fingerprints, not those of other entries."""
    from isojoule.study import cells, reading

    monkeypatch.chdir(study)
    content = reading.load(study / "study.yaml")
    named = cells.architectures(content)
    for arguments, entries in STAGES:
        if arguments[0] == "count-compute":
            architecture = named[arguments[arguments.index("--architecture") + 1]]
            counted = code_fingerprint.fingerprint("isojoule.compute.counting", *entries)
            assert reruns.compute_code(content, architecture) == counted
        if arguments[0] == "measure":
            for name, model in [("mlp-1x4", entries[2]), ("mine", "my_net")]:
                found = reruns.fingerprints(content, cells.Cell("cpu", name, "train", 0), "data", named)
                decisive = code_fingerprint.fingerprint("isojoule.measuring.block", *entries[:2], model)
                assert found["code_fingerprint"] == decisive
