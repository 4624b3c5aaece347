import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import warm
import yaml

from isojoule.cli import main
from isojoule.figures import captions
from isojoule.study.cpus import of_process
from isojoule.study.emission_factor import kg_per_kwh

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


# a study on CPUs knows from its configuration that it has no utilisation of a GPU
DRAWN = [name for name in captions.STUDY if name != "energy-utilization"]


def command(*arguments, config="study.yaml"):
    profile = ["--workflow-profile", PROJECT / "profiles" / "default"]
    base = ["-m", "snakemake", "-s", PROJECT / "Snakefile", "--configfile", config, *profile]
    return [sys.executable, *map(str, [*base, *arguments])]


def snakemake(folder, *arguments, config="study.yaml"):
    return subprocess.run(
        command(*arguments, config=config), cwd=folder, env=warm.started(ENVIRONMENT),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip


def planned(output):
    """Jobs by rule from the table of a dry run."""
    lines = output.split("Job stats:")[1].split("\n\n")[0].splitlines()[3:]
    return {name: int(count) for name, count in (line.split() for line in lines)}


@pytest.fixture(scope="module")
def study(tiny):
    return tiny


@pytest.fixture(scope="module")
def small(study):
    """The same with one architecture, which is enough where no table or figure is looked at."""
    return {**study, "architectures": {"mlp": [{"layers": 1, "hidden": 4}]}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, copied):
    """A folder in which the study was run to its end, and what the run said."""
    folder = copied(tmp_path_factory.mktemp("study"))
    return folder, (folder / "run.log").read_text()


def test_the_snakefile_in_the_root_runs_the_published_study_of_1032_cells_in_12_jobs(tmp_path):
    command = [sys.executable, "-m", "snakemake", "-n", "-s", str(PROJECT / "Snakefile"), "--cores", "1"]
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    (tmp_path / "data" / "desed" / "audio" / "train" / "weak").mkdir(parents=True)
    (tmp_path / "data" / "desed" / "metadata" / "train").mkdir(parents=True)
    (tmp_path / "data" / "desed" / "metadata" / "train" / "weak.tsv").write_text("")
    run = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    jobs = planned(run.stdout + run.stderr)
    assert jobs["measure"] == 4 * 3
    assert jobs["count_compute"] == 43
    assert jobs["extract_features"] == jobs["prepare_dataset"] == jobs["aggregate"] == 1
    records = snakemake(tmp_path, "-n", "--summary", config=PROJECT / "config" / "config.yaml").stdout
    assert records.count("results/published/records/") == 1032


def test_a_study_ends_in_records_table_figures_and_report(finished):
    folder, _ = finished
    results = folder / "results" / "tiny"
    frame = pd.read_parquet(results / "measurements.parquet")
    assert len(frame) == 5 * 2 * 2
    assert set(frame["outcome"]) == {"ok"}
    assert set(frame["gpu"]) == {"cpu-1thread", "cpu-2threads"}
    assert (frame["energy_kwh"] > 0).all()
    assert set(frame["energy_kind"]) <= {"measured", "estimated"}
    assert frame.set_index("architecture").loc["mine", "family"].unique() == ["custom"]
    assert frame["params"].notna().all()
    assert frame.loc[frame["phase"] == "test", "macro_f1"].between(0, 1).all()
    assert pd.read_csv(results / "measurements.csv").shape == frame.shape
    assert list(pd.read_csv(results / "data-dictionary.csv")["column"]) == list(frame.columns)
    for name in DRAWN:
        for ending in ("svg", "pdf", "png"):
            assert (results / "figures" / f"{name}.{ending}").stat().st_size > 5000
    assert {path.stem for path in (results / "figures").glob("*.*g")} == set(DRAWN)
    fronts = pd.read_csv(results / "pareto" / "fronts.csv")
    assert set(fronts["cost"]) == {"energy_kwh", "normalized_energy_kwh", "emissions_kg_co2e", "flops", "params"}
    assert set(fronts["quality"]) == {"macro_f1", "mean_average_precision"}
    published = pd.read_csv(results / "literature" / "training.csv").set_index("model")["energy_kwh"]
    assert published.to_dict() == {"FloWaveNet": 81.6, "GANSynth": 32.4, "SampleRNN": 42, "SING": 52, "WaveGAN": 24}
    waveflow = pd.read_csv(results / "literature" / "waveflow.csv")
    assert waveflow.loc[~waveflow["optimal"], ["architecture", "dominated_by"]].to_numpy().tolist() == [["WF3", "WF4"]]
    assert len(pd.read_csv(results / "tables" / "energy.csv")) == 5 * 2 * 2
    flagged = pd.read_csv(results / "tables" / "flags.csv")
    assert set(flagged.loc[flagged["architecture"] == "mine", "gpu"]) == {"cpu-1thread", "cpu-2threads"}
    links = {path.stem for path in (results / "compute-energy").glob("*.csv")}
    assert links == {"fits", "explained", "power-ratios", "claims"}
    page = (results / "report.html").read_text()
    assert "<strong>short-window</strong> on every record" in page
    assert 'id="calculator-form"' in page
    assert "A training step computes three times what a forward pass does." in page
    assert "mlp-1x4" in page
    assert "mine" in page
    assert not list(results.rglob("*.safetensors"))
    assert not list(results.rglob("*.tmp"))


def test_a_study_of_two_platforms_and_five_architectures_is_normalized(finished):
    folder, _ = finished
    results = folder / "results" / "tiny" / "normalization"
    errors = pd.read_parquet(results / "errors.parquet")
    assert set(errors["phase"]) == {"train", "test"}
    assert set(errors["source"]) == {"cpu-1thread", "cpu-2threads"}
    assert errors["mdape_percent"].notna().all()
    row = errors.iloc[0]
    assert row["reference_names"]
    assert row["test_names"]
    assert (pd.read_csv(results / "ranking.csv")["rank"] >= 1).all()
    assert set(pd.read_csv(results / "references.csv")["phase"]) == {"train", "test"}
    assert set(pd.read_parquet(results / "mixed.parquet")["method"]) >= {"none", "dual", "corrected", "shared"}


def test_other_draws_evaluate_again_and_measure_nothing(finished, study):
    folder, _ = finished
    (folder / "draws.yaml").write_text(yaml.safe_dump({**study, "normalization": {"draws": 3}}))
    jobs = planned(snakemake(folder, "-n", config="draws.yaml").stdout)
    assert set(jobs) - {"all", "total"} == {
        "evaluate_normalization", "evaluate_mixed", "rank_normalization", "plot_errors", "write_report",
    }  # fmt: skip


def test_excluded_flags_aggregate_again_and_measure_nothing(finished, study):
    folder, _ = finished
    (folder / "flags.yaml").write_text(yaml.safe_dump({**study, "analysis": {"exclude_flags": ["short-window"]}}))
    jobs = planned(snakemake(folder, "-n", config="flags.yaml").stdout)
    assert jobs["aggregate"] == jobs["link_compute_energy"] == jobs["tabulate_flags"] == 1
    assert not {"measure", "extract_features", "count_compute"} & set(jobs)


def test_a_study_of_one_platform_is_not(tmp_path, study):
    text = yaml.safe_dump({**study, "gpus": {"cpu": {"device": "cpu", "threads": 4096}}})
    (tmp_path / "study.yaml").write_text(text.replace("learning_rate: 0.003", "learning_rate: 3e-3"))
    run = snakemake(tmp_path, "-n")
    assert f"gpus.cpu.threads: found 4096, and {of_process()} CPUs on this machine" in run.stdout
    jobs = planned(run.stdout)
    assert "evaluate_normalization" not in jobs
    assert {name for name in jobs if name.startswith("plot")} == {
        "plot_measurements", "plot_fronts", "plot_training", "plot_waveflow",
    }  # fmt: skip
    assert "pareto-normalized" not in captions.ordered([], ["train", "test", "gpu"])


def test_the_end_of_a_run_says_what_became_of_it(finished):
    _, said = finished
    assert "tiny: 20 cells: 20 done\n" in said
    assert "macro_f1" in said


def test_no_stage_of_a_study_connects_a_socket_whatever_codecarbon_is_told_to(whole):
    """Tokens, addresses and factors of other countries stood in a file of its home and in variables."""
    log = whole.with_name("home") / "sockets.log"
    assert not log.exists(), log.read_text()
    records = [json.loads(path.read_text()) for path in whole.glob("results/tiny/records/*/*/*.json")]
    assert len(records) == 20
    for record in records:
        codecarbon = record["energy"]["codecarbon"]
        assert codecarbon["failure"] is None
        factor = codecarbon["emissions_kg_co2e"] / codecarbon["total_energy_kwh"]
        assert factor == pytest.approx(kg_per_kwh("FRA"))


def test_a_socket_that_is_connected_would_be_heard(tmp_path):
    program = "import socket\nwith socket.socket() as connection: connection.connect_ex(('127.0.0.1', 9))"
    environment = {"PYTHONPATH": str(PROJECT / "tests" / "no_sockets"), "SOCKETS_LOG": str(tmp_path / "log")}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert "('127.0.0.1', 9) by" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("deleted", "made"),
    [
        (
            (
                "pareto/summary.csv",
                "normalization/errors.parquet",
                "literature/training.csv",
                "figures/energy-quality.pdf",
            ),
            {"compare_fronts", "evaluate_normalization", "literature"},
        ),
        (("compute/mlp-1x4.json",), {"count_compute", "aggregate"}),
        (("measurements.parquet", "features/statistics.json"), {"extract_features", "aggregate"}),
    ],
)
def test_a_table_or_a_count_that_was_deleted_is_made_again(copied, tmp_path, deleted, made):
    """Snakemake does not miss a file that is older than all that was made of it."""
    folder = copied(tmp_path)
    for name in deleted:
        (folder / "results" / "tiny" / name).unlink()
    jobs = planned(snakemake(folder, "-n").stdout)
    assert made <= jobs.keys()
    assert jobs.get("count_compute", 1) == 1


def test_another_study_to_compare_with_makes_the_page_alone_again(copied, tmp_path, study):
    folder = copied(tmp_path)
    before = pd.read_parquet(folder / "results" / "tiny" / "measurements.parquet")
    before = before.assign(study="before", energy_kwh=2 * before["energy_kwh"], data_fingerprint="of other data")
    before.to_parquet(folder / "before.parquet")
    (folder / "study.yaml").write_text(yaml.safe_dump({**study, "report": {"compared_with": "before.parquet"}}))
    ended = snakemake(folder)
    assert ended.returncode == 0, ended.stdout
    assert set(planned(ended.stdout)) - {"total"} == {"all", "write_report"}
    page = (folder / "results" / "tiny" / "report.html").read_text()
    assert "A is before (before.parquet), and B is the study of this page." in " ".join(page.split())
    assert "a single repeat in A or B does not tell how far repeats differ" in page
    assert "data: data_fingerprint is of other data in A" in page


def test_a_second_run_does_nothing(finished):
    folder, _ = finished
    assert "Nothing to be done" in snakemake(folder).stdout


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("repeat: 3", "error: study.yaml: repeat: unknown key, expected one of study, workload"),
        ("repeats: 3", "the key repeats is given twice, first in line "),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_sentence(tmp_path, study, line, sentence):
    (tmp_path / "study.yaml").write_text(f"{line}\n{yaml.safe_dump(study)}")
    run = snakemake(tmp_path)
    assert run.returncode != 0
    assert sentence in run.stdout
    assert "Traceback" not in run.stdout


def test_a_killed_study_goes_on_where_it_was(tmp_path, copied, small):
    copied(tmp_path)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(small))
    records = tmp_path / "results" / "tiny" / "records"
    for part in (records, records.with_name("attempts")):
        shutil.rmtree(part)
    running = subprocess.Popen(
        command(), cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(records.rglob("train-0.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    before = {path: path.read_bytes() for path in records.rglob("*.json")}
    assert before
    assert snakemake(tmp_path, "--unlock").returncode == 0
    run = snakemake(tmp_path, "--", "results/tiny/measurements.parquet")
    assert run.returncode == 0, run.stdout
    assert "4 cells: 4 done" in run.stdout
    assert {path: path.read_bytes() for path in before} == before
    assert not list((tmp_path / "results").rglob("*.tmp"))


def test_the_linter_only_misses_conda_environments():
    """A conda directive would measure every cell again whenever the environment's file changes, so there is none."""
    command = [sys.executable, "-m", "snakemake", "--lint"]
    run = subprocess.run(command, cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    found = {line.strip() for line in (run.stdout + run.stderr).splitlines() if line.startswith("    * ")}
    assert found == {"* Specify a conda environment or container for each rule.:"}


def test_results_that_cannot_be_written_are_said_in_one_sentence(tmp_path, study):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    (tmp_path / "results").write_text("a file where a folder belongs")
    run = snakemake(tmp_path)
    assert run.returncode != 0
    assert f"results/tiny: {tmp_path}/results is a file, expected a folder" in run.stdout
    assert "Traceback" not in run.stdout


@pytest.mark.parametrize("partition", ["cpu", "'cpu' if attempt < 2 and threads < 3 else 'long'"])
def test_a_gpu_without_a_partition_goes_where_the_profile_sends_the_rest(tmp_path, study, partition):
    gpus = {"here": {"device": "cpu"}, "there": {"device": "cpu", "partition": "a40", "constraint": "fast"}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({**study, "gpus": gpus}))
    (tmp_path / "my_net.py").write_text("")
    run = snakemake(tmp_path, "-n", "--quiet", "host", "--default-resources", f"slurm_partition={partition}")
    resources = {
        paragraph.split("gpu=")[1].split(",")[0]: paragraph.split("resources: ")[1].splitlines()[0]
        for paragraph in run.stdout.split("\nrule ")
        if paragraph.startswith("measure:")
    }
    assert "slurm_partition=cpu" in resources["here"].split(", ")
    assert "constraint" not in resources["here"]
    assert "slurm_partition=a40" in resources["there"]
    assert "constraint=fast" in resources["there"]


def test_the_plan_of_a_study_is_an_estimate_that_learns_from_records(finished, study):
    folder, _ = finished
    (folder / "planned.yaml").write_text(yaml.safe_dump({**study, "repeats": 2}))
    command = [sys.executable, "-m", "isojoule", "plan", "--config", "planned.yaml"]
    run = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.split("tiny: an estimate, nothing in it is measured\n\n")[1].splitlines()
    rows = {line.split()[0]: line.split() for line in lines[1:4]}
    assert rows["cpu-1thread"][2:6] == ["1", "20", "10", "10"]
    assert rows["cpu-1thread"][-1] == "records"
    assert float(rows["all"][5]) > 0
    assert "44 clips; FRA: 56 g CO2e/kWh" in run.stdout


def test_a_users_model_that_is_not_python_is_named(tmp_path, study):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    (tmp_path / "my_net.py").write_text("class MyNet(:\n")
    run = snakemake(tmp_path, "-n")
    assert run.returncode != 0
    assert f"{tmp_path}/my_net.py: is not Python: line 1: " in run.stdout
    assert "Traceback" not in run.stdout


def test_snakemakes_own_report_has_every_figure_with_its_caption(finished):
    folder, _ = finished
    run = snakemake(folder, "--report", "report.html")
    assert run.returncode == 0, run.stdout
    page = (folder / "report.html").read_text()
    for name in DRAWN:
        assert f"{name}.svg" in page
    assert captions.FIGURES["energy-computation-train"].caption.split(":")[0] in page
    assert captions.FIGURES["pareto-energy"].title in page


def test_a_folder_without_a_configuration_is_said_in_one_sentence(tmp_path):
    words = [sys.executable, "-m", "snakemake", "-n", "-s", str(PROJECT / "Snakefile"), "--cores", "1"]
    run = subprocess.run(words, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    expected = (
        f"error: found no config/config.yaml in {tmp_path}, expected a configuration there or behind --configfile"
    )
    assert run.stderr.strip().splitlines()[-1] == expected


def test_a_dry_run_asks_for_the_data(tmp_path, small):
    dataset = {"source": "folder", "path": "here", "train": "a", "test": "b", "classes": ["c", "d"]}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({**small, "dataset": dataset}))
    run = snakemake(tmp_path, "-n")
    assert run.returncode != 0
    assert f"error: dataset.path: found no here in {tmp_path}, expected the data of the study" in run.stdout
    assert "Traceback" not in run.stdout


def test_every_rule_calls_a_command_with_options_that_it_has(tmp_path, small):
    pareto = {"normalize_to": "cpu-2threads"}
    names = {"mlp": [{"layers": 1, "hidden": [4, 5, 6, 7, 8]}]}
    content = {**small, "architectures": names, "pareto": pareto, "analysis": {"exclude_flags": ["short-window"]}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    run = snakemake(tmp_path, "-n", "--printshellcmds", "--quiet", "host")
    assert run.returncode == 0, run.stdout
    called = set()
    for command in re.findall(r"Shell command: isojoule (.*?) 2>&1", run.stdout):
        name, *words = shlex.split(command)
        main.parser(name, main.load(name)).parse_args(words)
        called.add(name)
    assert called >= {"prepare-dataset", "measure", "aggregate", "evaluate-normalization", "compare-fronts", "report"}
