"""What runs again when: every row of the table in docs/measure.md, on a checkout of its own."""

import compileall
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import warm
import yaml
from commands import isojoule

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
ENERGY = {
    "aggregate": 1,
    "tabulate_energy": 1,
    "tabulate_flags": 1,
    "tabulate_findings": 1,
    "link_compute_energy": 1,
    "compare_fronts": 1,
    "plot_measurements": 1,
    "plot_fronts": 1,
    "write_report": 1,
}
NORMALIZATION = {
    "evaluate_normalization": 1,
    "rank_normalization": 1,
    "evaluate_mixed": 1,
    "choose_references": 1,
    "plot_errors": 1,
}
ANALYSIS = ENERGY | NORMALIZATION
LIBRARY = Path("scripts") / "isojoule"
SESSIONS = LIBRARY / "workloads" / "tagging" / "sessions.py"
ARCHITECTURES = ("mlp-1x4", "mlp-1x5", "cnn-1x2", "rnn-1x4", "mine")
GPUS = ("cpu-1thread", "cpu-2threads")
TABLE = "results/tiny/measurements.parquet"


class Checkout:
    """A checkout of the project beside a folder in which a study was run."""

    def __init__(self, folder):
        self.folder = folder
        self.project, self.study = folder / "project", folder / "study"

    def snakemake(self, *arguments):
        words = ["-s", self.project / "Snakefile", "--configfile", "study.yaml", *arguments]
        ended = subprocess.run(
            [sys.executable, "-m", "snakemake", *map(str, words)], cwd=self.study, env=warm.started(self.environment()),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    def environment(self):
        paths = [str(self.project / "scripts"), *filter(None, [ENVIRONMENT.get("PYTHONPATH")])]
        return {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(paths)}

    def planned(self):
        """Jobs by rule that a start would run."""
        output = self.snakemake("-n")
        if "Job stats" not in output:
            return {}
        lines = output.split("Job stats:")[1].split("\n\n")[0].splitlines()[3:]
        jobs = {name: int(count) for name, count in (line.split() for line in lines)}
        return {name: count for name, count in jobs.items() if name not in ("all", "total")}

    def edit(self, path, old, new):
        text = (self.project / path).read_text()
        assert old in text
        (self.project / path).write_text(text.replace(old, new))

    def configure(self, change):
        content = yaml.safe_load((self.study / "study.yaml").read_text())
        change(content)
        (self.study / "study.yaml").write_text(yaml.safe_dump(content))

    def attempts(self):
        """The file names of all attempts so far, which are the measurements so far."""
        root = self.study / "results" / "tiny" / "attempts"
        return {str(path.relative_to(root)) for path in root.rglob("*.json")}

    def measured(self, *targets):
        """Run as far as these files, and return what was measured in it."""
        before = self.attempts()
        self.snakemake("--", *targets)
        return self.attempts() - before

    def git(self, *arguments):
        command = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *arguments]
        subprocess.run(command, cwd=self.project, check=True, capture_output=True)


@pytest.fixture(scope="module")
def original(tmp_path_factory, copied):
    """A checkout of the project, and the finished study beside it."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    for part in ("scripts", "workflow", "profiles", "reference"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(PROJECT / part, checkout.project / part, symlinks=True, ignore=ignored)
    shutil.copy(PROJECT / "Snakefile", checkout.project)
    checkout.git("init", "-q")
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "as it is")
    # once for all copies of it
    compileall.compile_dir(checkout.project / "scripts", quiet=1)
    copied(checkout.study)
    return checkout


@pytest.fixture
def checkout(original, tmp_path):
    """A copy of it, to change at will."""
    shutil.copytree(original.folder, tmp_path / "copy", symlinks=True)
    return Checkout(tmp_path / "copy")


def block(gpu=GPUS[0], architecture="mlp-1x4", repeat=0):
    """A file of one measuring job: enough to run where a dry run has said which jobs would."""
    return f"results/tiny/records/{gpu}/{architecture}/train-{repeat}.json"


def cells(*architectures, gpus=GPUS[:1], repeat=0, attempt=1):
    return {
        f"{gpu}/{architecture}/{phase}-{repeat}.{attempt}.json"
        for gpu in gpus
        for architecture in architectures
        for phase in ("train", "test")
    }


def test_nothing_changed_but_every_file_touched(checkout):
    later = time.time() + 5
    for path in [*checkout.project.rglob("*"), *(checkout.study / "results").rglob("*"), checkout.study / "study.yaml"]:
        if path.is_file() and ".git" not in path.parts:
            os.utime(path, (later, later))
    assert checkout.planned() == {}


def test_a_checkout_to_other_content_and_back(checkout):
    checkout.git("switch", "-qc", "other")
    for name in ("sessions.py", "features.py", "example.py"):
        path = SESSIONS.with_name(name)
        (checkout.project / path).write_text((checkout.project / path).read_text() + "\nADDED = 1\n")
    checkout.git("commit", "-qam", "other")
    assert "measure" in checkout.planned()
    checkout.git("switch", "-q", "-")
    assert checkout.planned() == {}


def test_comment_docstring_and_formatting_of_measuring_code(checkout):
    checkout.edit(SESSIONS, "        self.model.train()\n", "        self.model.train()  # as it should be\n")
    checkout.edit(SESSIONS, '"""Return the mean loss over the clips of an epoch."""', '"""The loss."""')
    checkout.edit(SESSIONS, "loss.backward()", "(loss.backward())")
    assert checkout.planned() == {}


def test_logic_of_training(checkout):
    checkout.edit(SESSIONS, "WARM_UP_STEPS = 3", "WARM_UP_STEPS = 4")
    assert checkout.planned() == {"measure": 2, **ANALYSIS}
    assert checkout.measured(TABLE) == cells(*ARCHITECTURES, gpus=GPUS, attempt=2)
    assert checkout.planned() == {rule: jobs for rule, jobs in ANALYSIS.items() if rule != "aggregate"}
    checkout.edit(SESSIONS, "WARM_UP_STEPS = 4", "WARM_UP_STEPS = 3")
    assert checkout.measured(block()) == set()


def test_logic_of_one_family(checkout):
    checkout.edit(LIBRARY / "workloads" / "tagging" / "models" / "mlp.py", "nn.ReLU()", "nn.GELU()")
    assert checkout.planned() == {"count_compute": 2, "measure": 2, **ANALYSIS}
    assert checkout.measured(block()) == cells("mlp-1x4", "mlp-1x5", attempt=2)


def test_logic_of_a_model_of_the_user(checkout):
    path = checkout.study / "my_net.py"
    path.write_text(path.read_text().replace("AvgPool2d", "MaxPool2d"))
    assert checkout.planned() == {"count_compute": 1, "measure": 2, **ANALYSIS}
    assert checkout.measured(block()) == cells("mine", attempt=2)


def test_logic_of_features(checkout):
    checkout.edit(LIBRARY / "workloads" / "tagging" / "extraction.py", "BATCH = 4", "BATCH = 8")
    assert checkout.planned() == {"extract_features": 1, "measure": 2, **ANALYSIS}
    assert checkout.measured(block()) == set(), "the features are the same bytes, so no cell is measured again"


def test_logic_of_compute_counting(checkout):
    checkout.edit(LIBRARY / "compute" / "counting.py", "3 * published_flops", "1 * 3 * published_flops")
    jobs = checkout.planned()
    assert jobs == {"count_compute": 5, **ANALYSIS}


def test_logic_of_a_figure(checkout):
    checkout.edit(LIBRARY / "figures" / "energy_quality.py", "2.4 * len(gpus)", "2.5 * len(gpus)")
    assert checkout.planned() == {"plot_measurements": 1, "write_report": 1}
    figures = checkout.study / "results" / "tiny" / "figures"
    before = {path: path.stat().st_ino for path in figures.glob("*.*g")}
    checkout.snakemake("--", "results/tiny/figures/energy-quality.svg")
    said = (checkout.study / "results" / "tiny" / "logs" / "plot_measurements.log").read_text()
    assert "kept as they are: energy-computation-test, energy-computation-train, energy-explained, " in said
    changed = {path.name for path, inode in before.items() if path.stat().st_ino != inode}
    assert changed == {"energy-quality.svg", "energy-quality.png"}
    assert checkout.planned() == {"write_report": 1}


def test_the_caption_of_a_figure(checkout):
    checkout.edit(LIBRARY / "figures" / "captions.py", "Quality on the test data against", "Quality beside")
    assert checkout.planned() == {"write_report": 1}


def test_the_page_of_the_report(checkout):
    checkout.edit(LIBRARY / "report" / "template" / "page.html.j2", "Worth their energy", "Worth it")
    assert checkout.planned() == {"write_report": 1}


def test_words_of_programs(checkout):
    """How a configuration is checked, a file written or a message worded decides no measured number."""
    checkout.edit(LIBRARY / "configuration" / "yaml_reader.py", "cannot be read", "is not readable")
    checkout.edit(LIBRARY / "cli" / "running.py", "error: {error}", "wrong: {error}")
    checkout.edit(LIBRARY / "files.py", "nothing is lost yet", "all is well")
    assert not {"measure", "extract_features", "count_compute", "prepare_dataset"} & checkout.planned().keys()


def test_a_training_hyperparameter(checkout):
    checkout.configure(lambda study: study["optimizer"].update(learning_rate=0.5))
    assert checkout.planned() == {"measure": 2, **ANALYSIS}
    assert checkout.measured(block()) == cells(*ARCHITECTURES, attempt=2)


def test_one_width_in_a_grid(checkout):
    before = checkout.study / "results" / "tiny" / "records" / "cpu-1thread" / "mlp-1x4" / "train-0.json"
    content = before.read_bytes()
    checkout.configure(lambda study: study["architectures"]["mlp"][0].update(hidden=[4, 5, 6]))
    assert checkout.planned() == {"count_compute": 1, "measure": 2, **ANALYSIS}
    assert checkout.measured(block(architecture="mlp-1x6")) == cells("mlp-1x6")
    assert before.read_bytes() == content


def test_more_repeats(checkout):
    checkout.configure(lambda study: study.update(repeats=2))
    assert checkout.planned() == {"measure": 2, **ANALYSIS}
    assert checkout.measured(block(repeat=1)) == cells(*ARCHITECTURES, repeat=1)


def removed_gpu(study):
    del study["gpus"]["cpu-2threads"]


def removed_architecture(study):
    del study["architectures"]["cnn"]


@pytest.mark.parametrize(
    ("change", "rows"), [(removed_gpu, 10), (removed_architecture, 16)], ids=["gpu", "architecture"]
)
def test_what_is_removed(checkout, change, rows):
    checkout.configure(change)
    assert checkout.planned() == ENERGY, "too little is left to normalize"
    before = {path: path.read_bytes() for path in (checkout.study / "results" / "tiny" / "records").rglob("*.json")}
    assert checkout.measured(TABLE) == set()
    assert {path: path.read_bytes() for path in before} == before
    assert len(pd.read_parquet(checkout.study / "results" / "tiny" / "measurements.parquet")) == rows


def test_where_a_gpu_is(checkout):
    checkout.configure(lambda study: study["gpus"]["cpu-1thread"].update(partition="x", gres="gpu:x:1", constraint="y"))
    assert checkout.planned() == {}


def test_a_new_gpu_after_another_version_of_a_library(checkout):
    """The version runs nothing again by itself; the report says which records were made with which version."""
    libraries = checkout.folder / "libraries"
    (libraries / "codecarbon-9.9.dist-info").mkdir(parents=True)
    (libraries / "codecarbon-9.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: codecarbon\nVersion: 9.9\n"
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(ENVIRONMENT, "PYTHONPATH", str(libraries))
        assert checkout.planned() == {}
        checkout.configure(lambda study: study["gpus"].update({"new": {"device": "cpu"}}))
        assert checkout.planned() == {"measure": 1, **ANALYSIS}
        assert checkout.measured(TABLE) == cells(*ARCHITECTURES, gpus=("new",))
        assert checkout.planned() == {rule: jobs for rule, jobs in ANALYSIS.items() if rule != "aggregate"}
    record = json.loads((checkout.study / "results" / "tiny" / "records" / "new" / "mine" / "train-0.json").read_text())
    assert record["provenance"]["software"]["codecarbon"] == "9.9"
    assert (
        isojoule(
            "report", TABLE, "--results", "results/tiny", "--output", "versions.html", cwd=checkout.study
        ).returncode
        == 0
    )
    page = (checkout.study / "versions.html").read_text()
    versions = page.split("<h3>Versions</h3>")[1].split("</table>")[0]
    assert "<td>9.9</td>" in versions
    assert versions.count("<tr>") == 3


def test_results_that_moved(checkout):
    """The same study in another folder, run by the same files in another place."""
    moved = checkout.folder.with_name("moved")
    checkout.folder.rename(moved)
    assert Checkout(moved).planned() == {}


def test_a_lost_memory_of_snakemake(checkout):
    shutil.rmtree(checkout.study / ".snakemake")
    assert checkout.planned() == {}
    shutil.rmtree(checkout.study / "results" / "tiny" / "records")
    assert checkout.measured(*map(block, GPUS)) == set()
    assert len(list((checkout.study / "results" / "tiny" / "records").rglob("*.json"))) == 20
