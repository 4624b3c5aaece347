import errno
import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from isojoule.errors import InputError
from isojoule.measuring import device_lock
from isojoule.measuring.device_lock import Device, Devices
from isojoule.programs.run import devices_alone

OTHER = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from isojoule.measuring.device_lock import Device
if len(sys.argv) > 4:
    os.setuid(int(sys.argv[4]))
with Device(sys.argv[2]):
    print("in", time.monotonic(), flush=True)
    time.sleep(float(sys.argv[3]))
    print("out", time.monotonic(), flush=True)
"""


# it shares the device again and again, as one of many short programs does
COMES_AND_GOES = """
import sys, time
sys.path.insert(0, sys.argv[1])
from isojoule.measuring.device_lock import Device
# for 20 s at most
for _ in range(100):
    with Device(sys.argv[2]):
        print(time.monotonic(), flush=True)
        time.sleep(0.2)
"""


def other(name, length_s, *user):
    command = [sys.executable, "-c", OTHER, "scripts", name, str(length_s), *user]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def times(process):
    lines = process.communicate(timeout=30)[0].split("\n")
    return float(lines[0].split()[1]), float(lines[1].split()[1])


def test_a_window_waits_for_the_work_of_others_and_keeps_new_work_out(tmp_path):
    name = f"test-{tmp_path.name}"
    with Device(name) as device:
        before = other(name, 0.5)
        before.stdout.readline()
        with device.alone():
            began = time.monotonic()
            after = other(name, 0)
            time.sleep(0.5)
            ended = time.monotonic()
        assert times(after)[0] >= ended
    assert float(before.communicate()[0].split()[1]) <= began


def test_work_without_a_window_runs_side_by_side(tmp_path):
    name = f"test-{tmp_path.name}"
    with Device(name):
        process = other(name, 0)
        assert times(process)


def test_a_window_among_programs_that_come_and_go_has_its_turn_and_so_have_they(tmp_path):
    name, beginnings = f"test-{tmp_path.name}", []
    command = [sys.executable, "-c", COMES_AND_GOES, "scripts", name]
    with ExitStack() as running:
        for number in range(3):
            process = running.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            running.callback(process.kill)
            beginnings.append([float(process.stdout.readline())])
            reader = threading.Thread(
                target=lambda of=process, to=beginnings[number]: to.extend(map(float, of.stdout)), daemon=True
            )
            reader.start()
            # so that one of them is always there
            time.sleep(0.07)
        with Device(name) as device:
            windows = []
            for _ in range(4):
                waited_from = time.monotonic()
                with device.alone():
                    windows.append((waited_from, time.monotonic()))
                    time.sleep(0.05)
                time.sleep(0.5)
    for of_one in beginnings:
        for waited_from, opened in windows:
            # those that are through the turnstile already may still get in before the window
            assert sum(waited_from < begun < opened for begun in of_one) <= 3
        assert any(windows[0][1] < begun < windows[1][0] for begun in of_one)


def test_windows_that_follow_each_other_let_others_in(tmp_path):
    name, is_over, turns = f"test-{tmp_path.name}", threading.Event(), []

    def windows():
        with Device(name) as device:
            while not is_over.is_set():
                with device.alone():
                    turns.append(None)
                    time.sleep(0.02)

    threads = [threading.Thread(target=windows, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    while not turns:
        time.sleep(0.001)
    for _ in range(3):
        before = len(turns)
        assert times(other(name, 0))
        assert len(turns) < before + 100
    is_over.set()
    for thread in threads:
        thread.join(timeout=10)
    assert not any(thread.is_alive() for thread in threads)


def test_who_waits_for_a_program_that_would_share_gets_it_although_another_would_be_alone(tmp_path, monkeypatch):
    """A turnstile that stays closed would let all three wait for ever."""
    monkeypatch.setattr(device_lock, "CLOSED_S", 0.5)
    name, taken = f"test-{tmp_path.name}", threading.Event()

    def stranger():
        with Device(name) as device, device.alone():
            taken.set()

    with Device(name):
        thread = threading.Thread(target=stranger, daemon=True)
        thread.start()
        time.sleep(0.2)
        began = time.monotonic()
        assert times(other(name, 0))[0] > began
        assert not taken.is_set()
    assert taken.wait(10)
    thread.join(10)


def test_a_program_that_is_killed_while_it_waits_lets_others_in(tmp_path):
    name = f"test-{tmp_path.name}"
    waits = OTHER.replace("with Device(sys.argv[2]):", "with Device(sys.argv[2]) as device, device.alone():")
    with Device(name):
        process = subprocess.Popen([sys.executable, "-c", waits, "scripts", name, "0"])
        with (device_lock.LOCKS / f"isojoule-{name}-turnstile.lock").open("w") as turnstile:
            ends = time.monotonic() + 10
            while is_open(turnstile) and time.monotonic() < ends:
                time.sleep(0.01)
            assert not is_open(turnstile)
        process.kill()
        process.wait()
        assert times(other(name, 0))


def is_open(turnstile):
    try:
        fcntl.flock(turnstile, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(turnstile, fcntl.LOCK_UN)
    return True


def test_nobody_waits_for_a_lock_that_comes_before_one_that_it_has(tmp_path, monkeypatch):
    """Every program takes them in the order of machine, first GPU, second GPU, each behind its turnstile."""
    order = [f"{name}{part}" for name in ("cpu", "gpu-1", "gpu-2") for part in ("-turnstile", "")]
    flock, held, waits = fcntl.flock, {}, []

    def watched(file, kind):
        place = order.index(Path(f"/proc/self/fd/{file}").readlink().stem.removeprefix("isojoule-"))
        if kind != fcntl.LOCK_UN:
            # a window that ends goes on beside others, for which the kernel lets it wait for nobody
            is_end = kind == fcntl.LOCK_SH and held.get(place) == fcntl.LOCK_EX
            waits.append((order[place], [order[other] for other in held if other > place and not is_end]))
        flock(file, kind)
        held.pop(place, None)
        if kind != fcntl.LOCK_UN:
            held[place] = kind

    monkeypatch.setattr(device_lock, "LOCKS", tmp_path)
    monkeypatch.setattr(fcntl, "flock", watched)
    monkeypatch.setattr("isojoule.programs.run.visible_uuids", lambda: ["gpu-2", "gpu-1"])
    with Device("cpu") as machine, Devices(machine, ["gpu-2", "gpu-1"]) as devices:
        for _ in range(2):
            with devices.alone():
                pass
    # the end of a program closes its locks, which nobody here sees
    held.clear()
    with Device("cpu") as machine:
        with machine.released():
            pass
        with machine.alone():
            pass
    for is_cpu in (True, False):
        held.clear()
        with devices_alone(is_cpu):
            pass
    assert [waited for waited in waits if waited[1]] == []
    assert {name for name, _ in waits} == set(order)


def test_jobs_with_temporary_folders_of_their_own_see_each_other(tmp_path, monkeypatch):
    name = f"test-{tmp_path.name}"
    with Device(name) as device, device.alone():
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        process = other(name, 0)
        time.sleep(0.5)
        ended = time.monotonic()
    assert times(process)[0] >= ended


def test_windows_on_several_devices_take_turns_and_never_block_each_other(tmp_path):
    names, inside, most = [f"test-{tmp_path.name}-{number}" for number in range(2)], [], []

    def windows(order):
        with Device(f"test-{tmp_path.name}-machine") as machine, Devices(machine, order) as devices:
            for _ in range(20):
                with devices.alone():
                    inside.append(order)
                    most.append(len(inside))
                    time.sleep(0.001)
                    inside.remove(order)

    threads = [
        threading.Thread(target=windows, args=(order,), daemon=True) for order in (names, names[::-1], names[:1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    assert (max(most), len(most)) == (1, 60)


def test_two_windows_on_one_gpu_do_not_block_each_other_whoever_the_kernel_prefers(tmp_path, monkeypatch):
    """The kernel may give the machine to a window that waits before the one that ends has its shared lock again."""
    flock, waits, ends, taken = fcntl.flock, threading.Event(), [], []

    def yielding(file, kind):
        """Take the lock as the kernel does if it prefers the other: first it is free, until the other has it."""
        if kind == fcntl.LOCK_SH and ends:
            ends.clear()
            flock(file, fcntl.LOCK_UN)
            assert waits.wait(5)
        flock(file, kind)

    def window(name):
        with (
            Device(f"test-{tmp_path.name}-machine") as machine,
            Devices(machine, [f"test-{tmp_path.name}-gpu"]) as gpus,
        ):
            if name == "second":
                started.set()
                taking = machine.take
                monkeypatch.setattr(machine, "take", lambda: [taking(), waits.set()])
            else:
                started.wait(5)
            with gpus.alone():
                if name == "first":
                    # the second waits for the machine now
                    time.sleep(0.2)
                    ends.append(True)
            taken.append(name)

    started = threading.Event()
    monkeypatch.setattr(fcntl, "flock", yielding)
    threads = [threading.Thread(target=window, args=(name,), daemon=True) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert sorted(taken) == ["first", "second"]


def test_a_window_on_a_gpu_is_alone_on_the_machine_as_well(tmp_path):
    """A network that waits for its launches gets slower beside another program's work on the CPU."""
    machine_name = f"test-{tmp_path.name}-cpu"
    with Device(machine_name) as machine, Devices(machine, [f"test-{tmp_path.name}-gpu"]) as devices:
        before = other(machine_name, 0.5)
        before.stdout.readline()
        with devices.alone():
            began = time.monotonic()
            after = other(machine_name, 0)
            time.sleep(0.3)
            ended = time.monotonic()
        assert float(before.communicate()[0].split()[1]) <= began
        assert times(after)[0] >= ended


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user as well")
@pytest.mark.parametrize("umask", [0o077, 0o022, 0o000])
def test_a_first_user_with_any_umask_locks_nobody_out(monkeypatch, umask):
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        monkeypatch.setenv("ISOJOULE_LOCKS", name)
        monkeypatch.setattr(device_lock, "LOCKS", folder)
        before = os.umask(umask)
        try:
            with Device("shared"):
                pass
        finally:
            os.umask(before)
        assert (folder / "isojoule-shared.lock").stat().st_mode & 0o777 == 0o666
        assert times(other("shared", 0, "65534"))


@pytest.mark.parametrize("fault", ["missing", "a file"])
def test_a_folder_of_locks_that_cannot_be_used_is_named(tmp_path, fault):
    folder = tmp_path / "locks"
    if fault == "a file":
        folder.write_text("")
    command = [sys.executable, "-m", "isojoule", "measure", "--config", "config/demo.yaml", "--gpu", "cpu-1thread",
               "--results", str(tmp_path / "results")]  # fmt: skip
    environment = {**os.environ, "ISOJOULE_LOCKS": str(folder)}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {folder}/isojoule-cpu.lock: the lock of this machine cannot be opened: ")
    assert ended.stderr.count("\n") == 1


def test_a_link_in_the_place_of_a_lock_opens_no_file_to_others(tmp_path, monkeypatch):
    """Everybody can write to /tmp."""
    secret = tmp_path / "secret"
    secret.write_text("mine")
    secret.chmod(0o600)
    monkeypatch.setattr(device_lock, "LOCKS", tmp_path)
    (tmp_path / "isojoule-cpu.lock").symlink_to(secret)
    with pytest.raises(InputError, match=r"isojoule-cpu\.lock: the lock of this machine cannot be opened: Too many"), \
            Device("cpu"):  # fmt: skip
        pass
    os.link(secret, tmp_path / "isojoule-gpu.lock")
    with Device("gpu"):
        pass
    assert secret.stat().st_mode & 0o777 == 0o600


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(file, kind):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(device_lock, "LOCKS", tmp_path)
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InputError, match="cannot be taken: No locks available; expected a folder on a"), \
            Device("cpu"):  # fmt: skip
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user as well")
def test_a_folder_of_locks_that_is_read_only_serves_where_the_lock_is_there(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("ISOJOULE_LOCKS", name)
        refused = subprocess.run([sys.executable, "-c", OTHER, "scripts", "cpu", "0", "65534"], capture_output=True,
                                 text=True, check=False)  # fmt: skip
        said = f"{name}/isojoule-cpu.lock: the lock of this machine cannot be opened: Permission denied; expected a"
        assert said in refused.stderr
        for lock in ("isojoule-cpu.lock", "isojoule-cpu-turnstile.lock"):
            (Path(name) / lock).touch(0o644)
        assert times(other("cpu", 0, "65534"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user as well")
def test_a_window_is_alone_among_the_programs_of_all_users(tmp_path):
    name = f"test-{tmp_path.name}"
    with Device(name) as device, device.alone():
        nobody = other(name, 0, "65534")
        time.sleep(0.5)
        ended = time.monotonic()
    assert times(nobody)[0] >= ended
