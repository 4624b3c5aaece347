import os
import subprocess
import sys
import threading
import time

import pytest

from isojoule.measuring.device_lock import Device, Devices

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
        with Devices(order) as devices:
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user as well")
def test_a_window_is_alone_among_the_programs_of_all_users(tmp_path):
    name = f"test-{tmp_path.name}"
    with Device(name) as device, device.alone():
        nobody = other(name, 0, "65534")
        time.sleep(0.5)
        ended = time.monotonic()
    assert times(nobody)[0] >= ended
