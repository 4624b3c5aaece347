"""Measure anybody's program: it runs as if nobody did, and its record tells what became of it."""

import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import commands
import pandas as pd
import pytest

from isojoule.energy.sampler import LONGEST_GAP_S
from isojoule.errors import InputError
from isojoule.measuring import device_lock
from isojoule.measuring.device_lock import MARK, Device
from isojoule.programs import launch
from isojoule.programs import run as running
from isojoule.programs.launch import check_reach, owner
from isojoule.records import RunRecord, read_record

PASSED_ON = """
import os, sys
from isojoule.programs.program import Program, signals_held
with signals_held() as mask:
    program = Program(sys.argv[1:], os.environ)
    program.start(mask)
    code = program.wait()
os._exit(code)
"""
BUSY = "import time\nwhile time.process_time() < {0}: pass"
# counts every SIGINT that it gets until it is told to end
COUNTING = """
import os, signal, sys
got = []
signal.signal(signal.SIGINT, lambda *_: (got.append(1), os.write(1, b"got\\n")))
signal.signal(signal.SIGTERM, lambda *_: os._exit(10 + len(got)))
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder to run in, with locks of its own."""
    locks = tmp_path / "locks"
    locks.mkdir()
    monkeypatch.setattr(device_lock, "LOCKS", locks)
    monkeypatch.chdir(tmp_path)
    for name in (*launch.RANKS, *launch.SIZES, MARK):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def passed_on(*words, **options):
    """A program that runs below another one, without a meter."""
    return [sys.executable, "-c", PASSED_ON, *words]


def run(*words):
    return commands.isojoule("run", "--output", "run.json", *words)


def record():
    return read_record(Path("run.json"), RunRecord)


@pytest.mark.parametrize(
    ("line", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 143)]
)
def test_the_exit_code_is_that_of_a_shell(line, code):
    assert subprocess.run(passed_on("sh", "-c", line), check=False).returncode == code


def test_the_streams_are_those_of_the_program():
    """Megabytes in, and as many out."""
    text = "é\n" * 10**6
    ended = subprocess.run(
        passed_on("sh", "-c", "cat; echo aside >&2"), input=text, text=True, capture_output=True, check=True
    )
    assert ended.stdout == text
    assert ended.stderr == "aside\n"


def ignored(text):
    """The numbers of the signals that a process ignores or holds, without two that the C library keeps to itself."""
    masks = [int(value, 16) for value in re.findall(r"Sig(?:Ign|Blk):\s+(\w+)", text)]
    return [{number for number in range(1, 65) if mask >> (number - 1) & 1} - {32, 33} for mask in masks]


def test_what_python_ignores_the_program_does_not():
    """A program that ignored SIGPIPE would not notice that the reader of its pipe has left."""
    command = ["grep", "-E", "SigIgn|SigBlk", "/proc/self/status"]
    ours = subprocess.run(command, text=True, capture_output=True, check=True)
    theirs = subprocess.run(passed_on(*command), text=True, capture_output=True, check=True)
    assert ignored(theirs.stdout) == ignored(ours.stdout)
    assert len(ignored(ours.stdout)) == 2


def test_a_signal_to_us_reaches_the_program_once():
    with subprocess.Popen(passed_on(sys.executable, "-c", COUNTING), stdout=subprocess.PIPE, text=True) as outer:
        assert outer.stdout.readline() == "ready\n"
        outer.send_signal(signal.SIGINT)
        assert outer.stdout.readline() == "got\n"
        outer.send_signal(signal.SIGTERM)
        assert outer.wait() == 11


def test_ctrl_c_of_a_terminal_reaches_the_program_once():
    """The terminal sends it to both."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, passed_on(sys.executable, "-c", COUNTING))
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 100)
    os.write(terminal, b"\x03")
    while b"got" not in said:
        said += os.read(terminal, 100)
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 11
    os.close(terminal)


@pytest.mark.parametrize(("word", "code"), [("no-such-command", 127), ("/no/such/command", 127), ("/etc/passwd", 126),
                                           ("/etc", 126), ("", 127)])  # fmt: skip
def test_a_command_that_cannot_be_started_is_named_at_once(word, code, folder):
    ended = run("--", word)
    assert ended.returncode == code
    assert ended.stderr.startswith(f"error: {word or repr('')}: ")
    assert ended.stderr.count("\n") == 1
    assert not Path("run.json").exists()


def test_a_run_becomes_a_row_that_every_analysis_takes(capfd):
    for number, table in enumerate(("mine.csv", "mine.csv", "mine.parquet")):
        words = ["--name", "net", "--gpu-label", "laptop", "--phase", "test", "--append", table, "--flops", "1.5e9"]
        ended = run(*words, "--params", "12", "--quality", f"psds1=0.{number + 1}", "--quality", "macro_f1=0.5", "--",
                    sys.executable, "-c", BUSY.format(0.2))  # fmt: skip
        assert ended.returncode == 0
        assert re.search(r"isojoule: [0-9.]+ [µm]?J (estimated|measured) by .+: test of net on laptop\n", ended.stderr)
    of_csv, of_parquet = pd.read_csv("mine.csv"), pd.read_parquet("mine.parquet")
    assert list(of_csv["repeat"]) == [0, 1]
    assert list(of_parquet["psds1"]) == [0.3]
    assert set(of_csv["flops"]) == {1_500_000_000}
    assert set(of_csv["macro_f1"]) == {0.5}
    energy_kwh = record().energy.computing.energy_kwh
    assert of_parquet["energy_kwh"].item() == energy_kwh
    if record().energy.computing.kind == "estimated":
        core_w = float(re.search(r"\(([0-9.]+) W", record().energy.computing.source)[1])
        # Python takes a little beside the loop
        assert 0.2 <= energy_kwh * 3.6e6 / core_w < 0.45
    front = commands.isojoule("front", "mine.csv", "--minimize", "energy_kwh", "--maximize", "psds1")
    assert front.returncode == 0
    assert "net" in front.stdout


def test_the_time_of_processes_that_left_their_parent_is_in_the_energy():
    daemon = f"import os\nos.fork() and os._exit(0)\nos.setsid()\nos.fork() and os._exit(0)\n{BUSY.format(0.4)}\n"
    daemon += "open('done', 'w').close()"
    line = f'"{sys.executable}" -c "{daemon}"; while [ ! -e done ]; do sleep 0.02; done'
    ended = run("--cpu", "--cpu-max-power-w", str(3600 * (os.cpu_count() or 1)), "--", "bash", "-c", line)
    assert ended.returncode == 0, ended.stderr
    if record().energy.computing.kind == "estimated":
        assert record().energy.computing.energy_kwh * 1000 == pytest.approx(0.4, abs=0.2)


def test_a_program_that_goes_on_behind_its_end_is_told_of():
    with subprocess.Popen(["sleep", "30"]) as here_before:
        ended = run("--", "bash", "-c", "setsid sleep 30 & echo $! > pid; true")
        here_before.kill()
    assert record().left_processes == 1
    assert "left-processes" in record().flags
    assert "isojoule: left-processes: processes of the program went on behind its end" in ended.stderr
    os.kill(int(Path("pid").read_text()), signal.SIGKILL)


def test_a_program_that_fails_is_recorded_with_what_it_used():
    ended = run("--append", "mine.csv", "--", "bash", "-c", f"'{sys.executable}' -c '{BUSY.format(0.05)}'; exit 3")
    assert ended.returncode == 3
    assert (record().outcome, record().exit_code) == ("failed", 3)
    assert record().energy.computing.energy_kwh > 0
    assert "short-window" in record().flags
    table = pd.read_csv("mine.csv")
    assert list(table["outcome"]) == ["failed"]
    assert table["energy_kwh"].isna().all()


def test_a_meter_that_is_killed_leaves_that_the_run_began():
    command = [sys.executable, "-m", "isojoule", "run", "--output", "run.json", "--", "sh", "-c", "touch began; cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, "ISOJOULE_LOCKS": "locks"}) as outer:
        while not Path("began").exists():
            assert outer.poll() is None
            time.sleep(0.01)
        assert record().outcome == "running"
        outer.kill()
    assert record().outcome == "running"


def test_no_row_stands_for_something_else():
    Path("mine.csv").write_text("gpu,architecture,phase,energy_kwh\na,b,train,x\n")
    Path("note.csv").write_text("gpu,architecture,phase,energy_kwh,note\na,b,train,1e-6,hello\n")
    for words, sentence in (
        (
            ["--append", "note.csv", "--quality", "note=1"],
            "note.csv: column note: found words and numbers, expected one",
        ),
        (["--append", "mine.txt"], "mine.txt: found the ending .txt, expected .csv or .parquet"),
        (["--append", "mine.csv"], "mine.csv: column energy_kwh: found x in line 2, expected a number"),
        (["--append", "new.csv", "--quality", "energy_kwh=3"], "quality: found energy_kwh, which is energy of the"),
        (["--append", "new.csv", "--quality", "macro_f1=3"], "quality: found 3 for macro_f1, expected 0 to 1"),
        (["--quality", "a=1", "--quality", "a=2"], "--quality: found a name twice, expected each once"),
        (["--append", "."], ".: found a folder, expected a file"),
        (["--output", "."], ".: found a folder, expected the JSON file of the record"),
        (["--quality", "psds1"], "--quality: found psds1, expected a name and a number"),
        (["--flops", "0"], "--flops: found 0, expected a whole number above 0"),
    ):
        ended = run(*words, "--", "true")
        assert ended.returncode == 2
        assert ended.stderr.startswith(f"error: {sentence}")
        assert ended.stderr.count("\n") == 1
    assert not Path("run.json").exists()
    assert not Path(".mine.txt.lock").exists()


def test_a_run_has_its_device_for_itself_and_what_runs_inside_does_not_wait_for_it(folder, monkeypatch):
    with running.devices_alone(cpu=True):
        with (folder / "locks" / "isojoule-cpu.lock").open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        monkeypatch.setenv(MARK, f"here-{os.getpid()}")
        with Device("cpu") as inside, inside.alone():
            pass
        device_lock.remove_locks_inside(f"here-{os.getpid()}")
        # a shell that an earlier run has left
        monkeypatch.setenv(MARK, "here-4194304")
        assert device_lock._inside() == ""
    left = sorted(path.name for path in (folder / "locks").iterdir())
    assert left == ["isojoule-cpu-turnstile.lock", "isojoule-cpu.lock"]


@pytest.mark.parametrize(
    ("environment", "rank", "size", "nodes"),
    [
        ({}, 0, 1, 1),
        ({"LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}, 1, 4, 2),
        ({"SLURM_LOCALID": "2", "SLURM_STEP_TASKS_PER_NODE": "4(x2),3", "SLURM_STEP_NUM_NODES": "3"}, 2, 4, 3),
        ({"SLURM_LOCALID": "0", "SLURM_JOB_NUM_NODES": "1"}, 0, 1, 1),
        ({"OMPI_COMM_WORLD_LOCAL_RANK": "3", "OMPI_COMM_WORLD_LOCAL_SIZE": "4"}, 3, 4, 1),
    ],
)
def test_one_process_of_a_node_measures(environment, rank, size, nodes):
    started = launch.launch(environment)
    assert (started.local_rank, started.local_size, started.nodes) == (rank, size, nodes)
    assert started.mark.endswith(f"-{os.getppid() if size > 1 else os.getpid()}")


def test_a_process_beside_the_one_that_measures_only_runs():
    environment = {**os.environ, "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    ended = commands.process("run", "--output", "run.json", "--", "sh", "-c", f"echo ${MARK}", env=environment)
    assert ended.stdout.strip().endswith(f"-{os.getpid()}")
    assert ended.stderr == ""
    assert not Path("run.json").exists()


@pytest.mark.parametrize(
    ("environment", "word", "gpus", "sentence"),
    [
        (
            {"SLURM_JOB_ID": "1", "SLURM_JOB_NUM_NODES": "2"},
            "/usr/bin/srun",
            4,
            "found srun in a job on 2 nodes, of which one meter reads",
        ),
        ({}, "srun", 1, "found srun, which starts your program in another job and maybe on another machine"),
        ({"SLURM_JOB_ID": "1"}, "sbatch", 1, "found sbatch, which starts your program in another job"),
        ({"SLURM_JOB_ID": "1"}, "srun", 0, "found srun, whose processes are children of SLURM"),
        ({"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}, "python", 0, "found 2 processes on this node and no GPU"),
        (
            {"SLURM_LOCALID": "0", "SLURM_STEP_TASKS_PER_NODE": "4", "SLURM_GPUS_ON_NODE": "4"},
            "python",
            1,
            "found 1 of the 4 GPUs of this node visible to the process that measures",
        ),
    ],
)
def test_a_run_of_which_a_part_would_be_read_is_refused(environment, word, gpus, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        check_reach(launch.launch(environment), [word], environment, gpus)


def test_srun_inside_a_script_costs_the_energy_of_a_cpu_and_not_the_exit_code(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    Path("srun").write_text("#!/bin/sh\nsleep 1.5\n")
    Path("srun").chmod(0o755)
    ended = run("--cpu", "--", "sh", "-c", "./srun; exit 0")
    assert ended.returncode == 0
    written = record()
    # an energy that RAPL read is that of the whole machine
    if written.energy is None:
        assert "found srun, whose processes are children of SLURM" in written.message
    else:
        assert written.energy.computing.kind == "measured"


def test_a_process_is_ours_by_its_parents_or_by_its_mark():
    owns = owner("here-7")
    assert owns(os.getpid())
    assert not owns(os.getppid())
    marked = launch.marked_environment({MARK: "outer-1", "PATH": os.environ["PATH"]}, "here-7")
    pids = {}
    for name, environment in (("marked", marked), ("other", {"PATH": os.environ["PATH"]})):
        # its parent has ended
        line = "setsid sleep 30 >/dev/null 2>&1 & echo $!"
        ended = subprocess.run(["sh", "-c", line], env=environment, stdout=subprocess.PIPE, text=True, check=True)
        pids[name] = int(ended.stdout)
    try:
        assert {name: owns(pid) for name, pid in pids.items()} == {"marked": True, "other": False}
    finally:
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def gpu(driver, monkeypatch):
    """A program here sees the second GPU of the driver, on which it is alone."""
    monkeypatch.setattr(running, "visible_uuids", lambda: driver.UUIDS[1:])
    monkeypatch.setattr(running, "IDLE_S", 0.2)
    driver.driver.processes = 0
    return driver.driver


def test_the_energy_of_a_program_is_that_of_the_gpus_that_it_sees(gpu):
    ended = run("--append", "mine.parquet", "--", "sleep", "2.5")
    assert ended.returncode == 0, ended.stderr
    energy = record().energy
    assert energy.computing.energy_kwh * 3.6e6 == pytest.approx(70 * energy.duration_s, rel=0.01)
    assert energy.duration_s == pytest.approx(2.5, abs=0.3)
    # the power beside the counter is sampled often enough for the check of it, also where a sample or two come late
    assert running.POWER_BESIDE_COUNTER_S <= LONGEST_GAP_S / 2
    assert energy.integrated_power.energy_kwh == pytest.approx(energy.computing.energy_kwh, rel=0.02)
    assert "unchecked" not in record().flags
    assert record().gpu == "Tesla T4"
    assert pd.read_parquet("mine.parquet")["energy_source"].item() == "NVML energy counter"


def test_a_gpu_that_the_program_did_not_use_is_told_of(gpu):
    gpu.utilization = (0, 0)
    assert "isojoule: gpu-not-used: no GPU that the program saw computed" in run("--", "sleep", "0.3").stderr
    # it draws what it drew before
    assert record().energy.window.idle_power_w == pytest.approx(70, rel=0.2)
    assert "not-above-idle" in record().flags


def test_others_on_the_gpu_are_refused_unless_asked_for(gpu):
    gpu.pids = (2**22 + 7,)
    ended = run("--", "sleep", "0.3")
    assert ended.returncode == 2
    assert "found others on it before the program began" in ended.stderr
    assert "--allow-shared measures all the same" in ended.stderr
    assert not Path("run.json").exists()
    assert run("--allow-shared", "--", "sleep", "0.3").returncode == 0
    assert "shared-device" in record().flags


def test_a_counter_that_is_reset_meanwhile_costs_the_energy_and_not_the_exit_code(gpu):
    gpu.energy_j = lambda now_s: 1.0 if Path("reset").exists() else 70 * now_s
    gpu.power_w = lambda now_s: 70
    ended = run("--", "sh", "-c", "sleep 0.2; touch reset; sleep 0.3")
    assert ended.returncode == 0
    assert record().outcome == "failed"
    assert "the program ended well, but its energy is not known" in record().message
    assert "its energy counter fell from" in ended.stderr
