"""What each extra of the package brings: commands run without the packages of the others, or name what is missing."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import isojoule
from isojoule.cli.extras import EXTRAS
from isojoule.study import reading

PROJECT = Path(__file__).parents[2]
LIBRARY = Path(isojoule.__file__).parent
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
# modules of what is always installed
NEEDED = {"psutil": "psutil", "pydantic": "pydantic", "pydantic_core": "pydantic", "yaml": "pyyaml"}
ANALYSIS, MEASURE = (set(EXTRAS[extra]) for extra in ("analysis", "measure"))
# CodeCarbon needs pandas, PyTorch needs Jinja, scikit-learn needs threadpoolctl
ALSO_IN_MEASURE = {"jinja2", "pandas", "threadpoolctl"}

BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture
def without(tmp_path):
    """Make a function that runs a command as if some modules were not installed."""

    def make(names):
        (tmp_path / "blocked").mkdir()
        (tmp_path / "blocked" / "sitecustomize.py").write_text(BLOCK.format(names=set(names)))
        path = os.pathsep.join([str(tmp_path / "blocked"), str(LIBRARY.parent)])

        def run(*words, code=0):
            ended = subprocess.run(
                [sys.executable, "-m", "isojoule", *map(str, words)],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            assert ended.returncode == code, ended.stderr
            return ended.stdout if code == 0 else ended.stderr

        return run

    return make


def distributions(extra):
    requirements = DECLARED["dependencies"] if extra is None else DECLARED["optional-dependencies"][extra]
    return {re.split(r"[\[<>=;]", requirement)[0] for requirement in requirements}


def test_the_messages_name_what_the_package_declares():
    assert set(NEEDED.values()) == distributions(None)
    for extra, packages in EXTRAS.items():
        assert set(packages.values()) == distributions(extra)


def test_every_library_that_is_imported_is_declared():
    imported = set()
    for path in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    assert imported - sys.stdlib_module_names - {"isojoule"} <= set(NEEDED) | ANALYSIS | MEASURE


def test_the_package_alone_tells_its_commands_the_schema_and_how_far_a_study_is(without, demo, tmp_path):
    run = without(ANALYSIS | MEASURE)
    reading.store(demo, tmp_path / "results" / "configuration.yaml")
    assert "isojoule COMMAND" in run("--help")
    assert '"schema_version"' in run("schema")
    assert run("status", "results").startswith("demo: 96 cells: 0 done, 96 waiting")


def test_analysis_goes_from_a_table_to_the_report_without_what_measures(without, tmp_path):
    run = without(MEASURE - ANALYSIS)
    run("simulate", "--gpus", 2, "--output", "world.parquet")
    run("compare-fronts", "world.parquet", "--draws", 1, "--output", "pareto")
    run("plot", "energy-platforms", "world.parquet", "--output", "energy-platforms.svg")
    run(
        "report",
        "world.parquet",
        "--figures",
        "energy-platforms.svg",
        "--tables",
        "pareto/fronts.csv",
        "--output",
        "r.html",
    )
    assert "simulated" in (tmp_path / "r.html").read_text()


def test_a_study_is_measured_without_what_analyses(without, tmp_path):
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text()) | {
        "dataset": {"source": "synthetic", "train_clips": 20, "test_clips": 20},
        "architectures": {"mlp": [{"layers": 1, "hidden": 4}]},
        "gpus": {"here": {"device": "cpu"}},
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01},
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    run = without(ANALYSIS - MEASURE - ALSO_IN_MEASURE)
    run("prepare-dataset", "--config", "study.yaml", "--output", "results/dataset")
    run("extract-features", "--config", "study.yaml", "--dataset", "results/dataset", "--output", "results/features")
    run("count-compute", "--config", "study.yaml", "--architecture", "mlp-1x4", "--output", "results/mlp.json")
    run("measure", "--config", "study.yaml", "--gpu", "here", "--results", "results")
    assert len(list((tmp_path / "results" / "records").rglob("*.json"))) == 2


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("analysis", ["plot", "energy-quality", "t.csv", "--output", "f.svg"]),
        ("analysis", ["aggregate", "--config", "c", "--results", "r", "--output", "o"]),
        ("analysis", ["estimate-training", "t.csv", "--countries", "FRA"]),
        ("measure", ["measure", "--config", "c", "--gpu", "g", "--results", "r"]),
        ("measure", ["count-compute", "--config", "c", "--architecture", "a", "--output", "o"]),
    ],
)
def test_a_missing_extra_is_named_in_one_sentence(without, extra, words):
    said = without(ANALYSIS | MEASURE)(*words, code=2)
    needed = re.fullmatch(rf"error: isojoule {words[0]} needs (\S+): pip install 'isojoule\[{extra}\]'\n", said)
    assert needed[1] in EXTRAS[extra].values()


def test_what_an_analysis_seldom_needs_is_named_when_it_is_asked_for(without, tmp_path):
    (tmp_path / "t.csv").write_text("model,hours,max_power_w,gpus\nSING,1,300,1\n")
    said = without(MEASURE - ANALYSIS)("estimate-training", "t.csv", "--countries", "FRA", code=2)
    assert said == "error: isojoule estimate-training needs codecarbon: pip install 'isojoule[measure]'\n"


def test_a_module_that_no_extra_brings_is_no_missing_extra(without):
    assert "No module named 'pydantic'" in without({"pydantic"})("schema", code=1)
