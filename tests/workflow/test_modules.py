"""Workflows of others that import ours: from a tag of a git repository, as the catalog has it, and from a folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import warm
import yaml

import isojoule
from isojoule.figures import captions

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
TARGETS = ("measurements.csv", "pareto/fronts.csv", "figures/pareto-energy.svg")
# what `snakedeploy deploy-workflow` writes, and the handlers that profiles/README.md tells to add
DEPLOYED = """
configfile: "config/config.yaml"


module isojoule:
    snakefile:
        "{snakefile}"
    config:
        config


use rule * from isojoule


onstart:
    isojoule.onstart()


onsuccess:
    isojoule.onsuccess()
"""


def snakemake(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *map(str, arguments)],
        cwd=folder, env=warm.started(ENVIRONMENT | environment), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A git repository of the workflow, tagged as a release, without package, profiles and configurations."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(PROJECT / "workflow", folder / "workflow", symlinks=True)
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for words in (["init"], ["add", "."], ["commit", "-m", "release"], ["tag", f"v{isojoule.__version__}"]):
        subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, check=True)
    # what is checked out is not what is tagged
    shutil.rmtree(folder / "workflow")
    return folder


@pytest.fixture(scope="module")
def deployed(tmp_path_factory, repository):
    """A folder in which a tiny study was run by the tagged workflow, and what the run said."""
    folder = tmp_path_factory.mktemp("deployed")
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text()) | {
        "study": "imported",
        "dataset": {"source": "synthetic", "train_clips": 24, "test_clips": 20},
        "architectures": {"mlp": [{"layers": 1, "hidden": [4, 5]}]},
        "gpus": {"here": {"device": "cpu"}},
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100},
        "repeats": 1,
    }
    for name in ("config", "workflow"):
        (folder / name).mkdir()
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(content))
    address = f"git+file://{repository}/workflow/Snakefile@v{isojoule.__version__}"
    (folder / "workflow" / "Snakefile").write_text(DEPLOYED.format(snakefile=address))
    run = snakemake(folder, *(f"results/imported/{target}" for target in TARGETS))
    assert run.returncode == 0, run.stdout
    return folder, run.stdout


def test_a_tag_of_a_git_repository_brings_a_study_to_its_table(deployed):
    folder, said = deployed
    table = pd.read_csv(folder / "results" / "imported" / "measurements.csv")
    assert list(table["outcome"]) == ["ok"] * 4
    assert (folder / "results" / "imported" / "configuration.yaml").is_file()
    assert "imported: 4 cells: 4 done" in said


def test_everything_else_of_the_study_can_be_made_as_well(deployed):
    folder, _ = deployed
    run = snakemake(folder, "-n", "--quiet", "host")
    assert run.returncode == 0, run.stdout
    assert "results/imported/report.html" in run.stdout
    assert "measure:" not in run.stdout


def test_snakemakes_own_report_finds_the_captions_in_the_repository(deployed):
    folder, _ = deployed
    run = snakemake(folder, *(f"results/imported/{target}" for target in TARGETS), "--report", "report.html")
    assert run.returncode == 0, run.stdout
    page = (folder / "report.html").read_text()
    assert captions.FIGURES["pareto-energy"].title in page
    assert "models that no other model beats" in page
    assert "on here: study <strong>imported</strong>" in page


def test_a_folder_is_the_same_workflow_under_the_names_of_another_one(deployed):
    """What the tag has made, the folder does not make again."""
    folder, _ = deployed
    (folder / "other.yaml").write_text(
        yaml.safe_dump({"energy": yaml.safe_load((folder / "config" / "config.yaml").read_text())})
    )
    (folder / "other.smk").write_text(
        "module energy:\n"
        f"    snakefile: {str(PROJECT / 'workflow' / 'Snakefile')!r}\n"
        '    config: config["energy"]\n\n'
        "use rule * from energy as energy_*\n\n"
        "rule cells:\n"
        "    default_target: True\n"
        '    input: "results/imported/measurements.csv", "results/imported/pareto/fronts.csv"\n'
        '    output: "cells.txt"\n'
        '    shell: "wc -l < {input[0]} > {output}"\n'
    )
    run = snakemake(folder, "-s", "other.smk", "--configfile", "other.yaml")
    assert run.returncode == 0, run.stdout
    assert "1 of 1 steps (100%) done" in run.stdout
    assert int((folder / "cells.txt").read_text()) == 1 + 4
    run = snakemake(folder, "-s", "other.smk", "--configfile", "other.yaml", "--report", "other.html")
    assert run.returncode == 0, run.stdout
    assert "Energy of training and testing neural networks." in (folder / "other.html").read_text()


def two_studies(folder, *names, seeds=(0, 1)):
    """Write a workflow of two studies with these names, and plan both."""
    content = yaml.safe_load((folder / "config" / "config.yaml").read_text())
    studies = {f"s{number}": {**content, "study": name, "seed": seeds[number]} for number, name in enumerate(names)}
    (folder / "two.yaml").write_text(yaml.safe_dump(studies))
    snakefile = str(PROJECT / "workflow" / "Snakefile")
    modules = [
        f"module {key}:\n    snakefile: {snakefile!r}\n    config: config[{key!r}]\n\n"
        f"use rule * from {key} as {key}_*\n\n"
        for key in studies
    ]
    (folder / "two.smk").write_text("".join(modules))
    targets = [f"results/{name}/measurements.csv" for name in dict.fromkeys(names)]
    return snakemake(folder, "-s", "two.smk", "--configfile", "two.yaml", "-n", "-p", *targets)


def test_two_studies_whose_names_differ_in_punctuation_have_a_configuration_each(deployed):
    """Both read that of the first, silently."""
    run = two_studies(deployed[0], "one-study", "one_study")
    assert run.returncode == 0, run.stdout
    variables = {
        name: {
            variable
            for line in run.stdout.splitlines()
            if f"results/{name}/" in line
            for variable in re.findall(r"\$ISOJOULE_\w+", line)
        }
        for name in ("one-study", "one_study")
    }
    assert {len(names) for names in variables.values()} == {1}
    assert variables["one-study"] != variables["one_study"]


def test_two_studies_of_one_name_are_refused_where_they_differ(deployed):
    run = two_studies(deployed[0], "same", "same")
    assert run.returncode != 0
    assert "error: study: found same a second time in this workflow with another content" in run.stdout


@pytest.mark.parametrize(
    ("package", "sentence"),
    [
        ("raise ImportError", "error: found no package isojoule in"),
        ("__version__ = '0.1.0'", "error: found version 0.1.0 of the package isojoule in"),
    ],
)
def test_the_package_must_be_there_in_the_same_version(tmp_path, package, sentence):
    (tmp_path / "isojoule.py").write_text(package)
    source = ["-s", PROJECT / "workflow" / "Snakefile", "--configfile", PROJECT / "config" / "demo.yaml"]
    run = snakemake(tmp_path, "-n", *source, PYTHONPATH=str(tmp_path))
    assert run.returncode != 0
    assert re.search(rf"{sentence} .*, expected (version )?{re.escape(isojoule.__version__)}\b", run.stdout)
    assert "Traceback" not in run.stdout
