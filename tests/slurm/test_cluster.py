"""The workflow on a real SLURM with four GPU partitions (CPU work inside), and what it does when things go wrong.

After every fault: finished records are intact, a restart measures exactly what is missing, the journal knows it all.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
GPUS = ("t4", "rtx", "gtx", "a40")
CELLS = 4
FIGURES = ("plot_measurements", "plot_errors", "plot_fronts", "plot_training", "plot_waveflow")
QUICK = [
    "--slurm-no-account", "--slurm-status-command", "squeue",
    "--seconds-between-status-checks", "1", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10",
    "--set-resources", "measure:mem_mb=2500", "measure:runtime=10", "count_compute:mem_mb=1500",
    "--default-resources", "slurm_partition=cpu", "mem_mb=1500", "runtime=10",
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("cluster")


def environment(folder):
    """No configuration of the user but the folder's own."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "XDG_CONFIG_HOME": str(folder / "xdg")}


def command(folder, *arguments, program=(sys.executable, HERE / "quick_snakemake.py")):
    base = [*program, "-s", PROJECT / "Snakefile", "--configfile", "study.yaml", "--profile", "slurm"]
    return list(map(str, [*base, "--workflow-profile", PROJECT / "profiles" / "default", *QUICK, *arguments]))


def snakemake(folder, *arguments):
    ended = subprocess.run(
        command(folder, *arguments), cwd=folder, env=environment(folder),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert "Traceback" not in ended.stdout, ended.stdout
    return ended


def started(folder, *arguments):
    """Snakemake in the background; its words go to `run.log`."""
    log = (folder / "run.log").open("w")
    return subprocess.Popen(
        command(folder, *arguments), cwd=folder, env=environment(folder), stdout=log, stderr=subprocess.STDOUT
    )


def slurm(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def wait_for(condition, what, timeout_s=120):
    deadline_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline_s, f"waited for {what}"
        time.sleep(0.2)
    return found


def records(folder):
    """The bytes of every record."""
    root = folder / "results" / "tiny" / "records"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.json")}


def attempts(folder):
    """How often each cell was begun, and what became of it."""
    root = folder / "results" / "tiny" / "attempts"
    found = {}
    for path in sorted(root.rglob("*-*.*.json")):
        record = json.loads(path.read_text())
        key = f"{record['gpu']}/{record['architecture']}/{record['phase']}-{record['repeat']}"
        found.setdefault(key, []).append(record["outcome"])
    return found


def running_cell(folder, gpu="t4"):
    path = folder / "results" / "tiny" / "attempts" / gpu / "running-0.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def second_cell_runs(folder):
    """A block in the middle: one model is finished, the next one is being measured; the job's number."""
    cell = wait_for(lambda: len(records(folder)) >= 2 and running_cell(folder), "the second model", timeout_s=300)
    return cell["provenance"]["slurm"]["job_id"]


def finished(folder):
    """Every cell is there once, whole, and no further start has anything to do."""
    found = {name: json.loads(content) for name, content in records(folder).items()}
    assert len(found) == CELLS
    assert {record["outcome"] for record in found.values()} == {"ok"}
    for name, outcomes in attempts(folder).items():
        assert outcomes.count("ok") == 1, (name, outcomes)
        assert found[f"{name}.json"]["provenance"]["attempt"] == len(outcomes)
    return found


def resumed(folder, before, *arguments):
    """Start again; what was finished stays as it was."""
    run = snakemake(folder, *arguments)
    assert run.returncode == 0, run.stdout
    assert before.items() <= records(folder).items()
    return finished(folder)


@pytest.fixture(scope="module")
def study():
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    return content | {
        "study": "tiny",
        "dataset": {"source": "synthetic", "train_clips": 24, "test_clips": 20},
        "architectures": {"mlp": [{"layers": 1, "hidden": [4, 5]}]},
        "gpus": {gpu: {"device": "cpu", "partition": gpu, "gres": f"gpu:{gpu}:1", "constraint": gpu} for gpu in GPUS},
        "phases": {"train": {"epochs": 1}, "test": {"epochs": 1}},
        "energy": {"country_iso_code": "FRA", "min_window_s": 0.01, "resolution_percent": 100},
        "repeats": 1,
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory, study):
    """The study over all four partitions, run to its end by the literal `snakemake --profile slurm`."""
    folder = tmp_path_factory.mktemp("whole")
    made = subprocess.run(
        ["make", "-s", "profile"], cwd=PROJECT, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    # every job starts a Snakemake of its own: the figures share one
    run = snakemake(folder, "--groups", *(f"{rule}=figures" for rule in FIGURES), "--group-components", "figures=9")
    assert run.returncode == 0, run.stdout
    return folder, run.stdout


@pytest.fixture
def folder(whole, study, tmp_path):
    """The same study on one GPU, with features and counts there already and a training that takes some seconds."""
    for part in ("dataset", "features", "compute"):
        shutil.copytree(whole[0] / "results" / "tiny" / part, tmp_path / "results" / "tiny" / part)
    shutil.copytree(whole[0] / "xdg", tmp_path / "xdg", symlinks=True)
    configured(tmp_path, study)
    yield tmp_path
    for job in slurm("squeue", "-h", "-o", "%A").split():
        subprocess.run(["scancel", job], check=False)
    wait_for(lambda: not slurm("squeue", "-h"), "an empty queue")


def configured(folder, study, epochs=5000, **entry):
    gpu = {**study["gpus"]["t4"], **entry}
    changed = {**study, "gpus": {"t4": gpu}, "phases": {"train": {"epochs": epochs}, "test": {"epochs": 1}}}
    (folder / "study.yaml").write_text(yaml.safe_dump(changed))


RECORDS = [f"results/tiny/records/t4/mlp-1x{hidden}/{phase}-0.json" for hidden in (4, 5) for phase in ("train", "test")]


def test_every_cell_ran_on_the_node_of_its_gpu_and_the_cpu_stages_on_the_cpu_partition(whole):
    folder, said = whole
    found = [json.loads(content) for content in records(folder).values()]
    assert len(found) == len(GPUS) * CELLS
    for record in found:
        place = record["provenance"]["slurm"]
        assert (place["partition"], place["node"]) == (record["gpu"], f"node-{record['gpu']}")
    extraction = json.loads((folder / "results" / "tiny" / "features" / "record.json").read_text())
    assert extraction["provenance"]["slurm"]["partition"] == "cpu"
    assert len(pd.read_parquet(folder / "results" / "tiny" / "measurements.parquet")) == len(GPUS) * CELLS
    assert (folder / "results" / "tiny" / "report.html").is_file()
    assert f"tiny: {len(GPUS) * CELLS} cells: {len(GPUS) * CELLS} done" in said


def test_a_second_start_sends_nothing(whole):
    assert "Nothing to be done" in snakemake(whole[0]).stdout


def test_a_new_gpu_is_sent_alone(whole, study):
    folder, _ = whole
    study = {**study, "gpus": {**study["gpus"], "t4-again": {**study["gpus"]["t4"], "exclusive": True}}}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    before = records(folder)
    run = snakemake(folder, "--", "results/tiny/measurements.parquet")
    assert run.returncode == 0, run.stdout
    after = records(folder)
    assert before.items() <= after.items()
    assert {name.split("/")[0] for name in after.keys() - before.keys()} == {"t4-again"}
    assert set(pd.read_parquet(folder / "results" / "tiny" / "measurements.parquet")["gpu"]) == {*GPUS, "t4-again"}


def test_a_job_that_is_cancelled_is_sent_again_and_goes_on(folder, study):
    configured(folder, study, epochs=2000)
    run = started(folder, "--", *RECORDS)
    job = second_cell_runs(folder)
    before = records(folder)
    slurm("scancel", job)
    assert run.wait(timeout=300) == 0
    assert before.items() <= records(folder).items()
    finished(folder)
    assert sorted(map(tuple, attempts(folder).values())) == [("ok",), ("ok",), ("ok",), ("stopped", "ok")]


@pytest.mark.fault
def test_a_node_that_goes_down_and_comes_back(folder):
    run = started(folder, "--", *RECORDS)
    second_cell_runs(folder)
    before = records(folder)
    os.kill(int(Path("/run/isojoule-slurm/slurmd-node-t4.pid").read_text()), signal.SIGKILL)
    # with the node its jobs are gone
    subprocess.run(["pkill", "-9", "-f", "isojoule measure "], check=False)
    wait_for(lambda: "down" in slurm("sinfo", "-h", "-n", "node-t4", "-o", "%T").lower(), "the node to be down")
    slurm("slurmd", "-N", "node-t4")
    assert run.wait(timeout=180) == 0, (folder / "run.log").read_text()
    assert before.items() <= records(folder).items()
    finished(folder)
    assert ["lost", "ok"] in attempts(folder).values()


@pytest.mark.fault
def test_a_job_over_time_goes_on_where_it_was(folder, study):
    # SLURM looks every 30 s
    configured(folder, study, epochs=30000)
    run = started(folder, "--", *RECORDS)
    job = second_cell_runs(folder)
    before = records(folder)
    slurm("scontrol", "update", f"JobId={job}", "EndTime=now")
    assert run.wait(timeout=400) == 0, (folder / "run.log").read_text()
    assert before.items() <= records(folder).items()
    finished(folder)
    assert ["stopped", "ok"] in attempts(folder).values()


@pytest.mark.fault
def test_a_job_over_memory_says_so_and_a_start_with_more_measures_all(folder):
    run = snakemake(folder, "--retries", "0", "--set-resources", "measure:mem_mb=150", "--", *RECORDS)
    assert run.returncode != 0
    assert "measure failed: SLURM-job" in run.stdout
    assert "exceeded memory limit" in run.stdout
    assert records(folder) == {}
    resumed(folder, {}, "--", *RECORDS)


@pytest.mark.fault
def test_a_job_that_is_preempted_is_requeued_and_goes_on(folder):
    run = started(folder, "--", *RECORDS)
    job = second_cell_runs(folder)
    before = records(folder)
    urgent = slurm("sbatch", "--parsable", "-p", "urgent", "--gres=gpu:t4:1", "-o", "/dev/null", "--wrap", "sleep 3")
    wait_for(lambda: urgent not in slurm("squeue", "-h", "-o", "%A"), "the urgent job")
    # SLURM lets a requeued job wait for two minutes
    assert run.wait(timeout=400) == 0, (folder / "run.log").read_text()
    assert before.items() <= records(folder).items()
    assert {record["provenance"]["slurm"]["job_id"] for record in finished(folder).values()} == {job}
    assert ["stopped", "ok"] in attempts(folder).values()


@pytest.mark.fault
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"partition": "nowhere"}, "invalid partition specified: nowhere"),
        ({"gres": "gpu:t4:5"}, "Requested node configuration is not available"),
    ],
    ids=["partition", "gres"],
)
def test_what_sbatch_refuses_is_said_in_its_words_and_mended_in_the_configuration(folder, study, entry, said):
    configured(folder, study, **entry)
    run = snakemake(folder, "--", *RECORDS)
    assert run.returncode != 0
    assert said in run.stdout
    assert records(folder) == {}
    configured(folder, study)
    resumed(folder, {}, "--", *RECORDS)


@pytest.mark.fault
def test_a_controller_that_restarts_is_waited_for(folder):
    run = started(folder, "--", *RECORDS)
    second_cell_runs(folder)
    before = records(folder)
    os.kill(int(Path("/run/isojoule-slurm/slurmctld.pid").read_text()), signal.SIGTERM)
    time.sleep(4)
    slurm("slurmctld")
    assert run.wait(timeout=180) == 0, (folder / "run.log").read_text()
    assert before.items() <= records(folder).items()
    assert set(map(tuple, attempts(folder).values())) == {("ok",)}
    finished(folder)


@pytest.mark.fault
def test_a_snakemake_that_is_killed_finds_what_its_jobs_measured_without_it(folder):
    run = started(folder, "--", *RECORDS)
    second_cell_runs(folder)
    run.kill()
    run.wait()
    locked = snakemake(folder, "--", *RECORDS)
    assert locked.returncode != 0
    assert "--unlock" in locked.stdout
    assert snakemake(folder, "--unlock").returncode == 0
    before = records(folder)
    resumed(folder, before, "--", *RECORDS)
    assert set(map(tuple, attempts(folder).values())) == {("ok",)}


@pytest.mark.fault
def test_two_snakemakes_at_once(folder):
    run = started(folder, "--", *RECORDS)
    second_cell_runs(folder)
    other = snakemake(folder, "--", *RECORDS)
    assert other.returncode != 0
    assert "cannot be locked" in other.stdout
    assert run.wait(timeout=300) == 0
    assert set(map(tuple, attempts(folder).values())) == {("ok",)}
    finished(folder)


@pytest.mark.fault
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_results_that_cannot_be_written_for_a_while(folder, fault):
    results = folder / "results"
    shutil.move(results, folder / "moved")
    results.mkdir()
    slurm("mount", "-t", "tmpfs", "-o", "size=8m", "none", str(results))
    try:
        shutil.copytree(folder / "moved", results, dirs_exist_ok=True)
        run = started(folder, "--", *RECORDS)
        second_cell_runs(folder)
        before = records(folder)
        if fault == "full":
            subprocess.run(["dd", "if=/dev/zero", f"of={results}/filler", "bs=4k"], capture_output=True, check=False)
        else:
            # a mount of its own: the other one has files that are being written
            slurm("mount", "--bind", str(results), str(results))
            slurm("mount", "-o", "remount,bind,ro", str(results))
        time.sleep(15)
        if fault == "full":
            (results / "filler").unlink()
        else:
            slurm("umount", "-l", str(results))
        assert run.wait(timeout=180) == 0, (folder / "run.log").read_text()
        assert before.items() <= records(folder).items()
        finished(folder)
    finally:
        subprocess.run(["umount", "-l", str(results)], check=True)


@pytest.mark.fault
def test_a_job_that_arrives_elsewhere_is_refused_with_a_record(folder, study):
    """SLURM is told another partition than the configuration names; nothing is measured there."""
    run = snakemake(folder, "--retries", "0", "--set-resources", "measure:slurm_partition=cpu", "measure:gres=none",
                    "measure:constraint=", "--", *RECORDS)  # fmt: skip
    assert run.returncode != 0
    assert records(folder) == {}
    assert set(map(tuple, attempts(folder).values())) == {("refused",)}
    status = subprocess.run(
        [sys.executable, "-m", "isojoule", "status", "results/tiny"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "refused: gpus.t4.partition: found cpu on" in status.stdout
