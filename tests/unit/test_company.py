"""Who else is on a GPU: what the driver's lists tell, outside of containers and in them."""

import os
import shutil
import subprocess
import sys

import pytest
import torch

from isojoule.energy import company, nvml
from isojoule.energy.company import UNLISTED_ALLOWANCE_BYTES

GIB = 2**30
FOREIGN = 2**22 + 7


@pytest.fixture
def container(monkeypatch, tmp_path):
    """A PID namespace of its own."""
    (tmp_path / "container").symlink_to("pid:[4026532281]")
    monkeypatch.setattr(company, "NAMESPACE", tmp_path / "container")


def of(driver, **options):
    return nvml.Board(driver.UUIDS[1], **options).company


@pytest.mark.parametrize(("processes", "foreign"), [(0, None), (1, 0), (3, 2)])
def test_a_foreign_process_on_the_gpu_is_noticed(driver, processes, foreign):
    driver.driver.processes = processes
    assert of(driver).present().foreign_processes == foreign


def test_processes_of_the_same_job_are_not_foreign(driver):
    driver.driver.processes = 3
    assert of(driver, own_processes=2).present().foreign_processes == 1
    assert of(driver, owns=lambda pid: pid != 2**22 + 1).present().foreign_processes == 1


def test_our_children_are_ours_and_hide_nobody(driver):
    """Each is known by its number: nobody else may take its place."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        vars(driver.driver).update(processes=1, pids=(child.pid,))
        assert of(driver, own_processes=2).present().foreign_processes == 0
        driver.driver.pids = (child.pid, FOREIGN)
        assert of(driver, own_processes=2).present().foreign_processes == 1
        child.communicate(b"\n")


@pytest.mark.parametrize("own_pid", [1, 2**22])
def test_a_list_without_our_process_tells_of_others_but_never_that_there_are_none(driver, own_pid):
    """One of those that are shown may be ours, under the number that the host gives it."""
    driver.driver.own_pid = own_pid
    for processes, foreign in ((1, None), (3, 2)):
        driver.driver.processes = processes
        assert of(driver).present().foreign_processes == foreign


def test_in_a_container_that_nobody_else_is_shown_says_nothing(driver, container):
    """The open kernel module hides the processes of other containers."""
    assert of(driver).present().foreign_processes is None
    driver.driver.processes = 2
    assert of(driver).present().foreign_processes == 1


def test_where_the_namespace_is_not_told_nobody_is_known_to_be_alone(driver, monkeypatch, tmp_path):
    monkeypatch.setattr(company, "NAMESPACE", tmp_path / "no such file")
    assert of(driver).present().foreign_processes is None


def test_clients_of_mps_are_company_and_its_server_is_not(driver, tmp_path):
    server = tmp_path / "nvidia-cuda-mps-server"
    shutil.copy("/bin/sleep", server)
    with subprocess.Popen([server, "60"], start_new_session=True) as running:
        vars(driver.driver).update(processes=0, pids=(running.pid,), served_pids=(os.getpid(),))
        not_ours = {"owns": lambda pid: pid == os.getpid()}
        assert of(driver, **not_ours).present().foreign_processes == 0
        driver.driver.served_pids = (os.getpid(), FOREIGN)
        assert of(driver, **not_ours).present().foreign_processes == 1
        running.kill()


def test_the_earlier_version_of_the_list_is_asked_where_there_is_no_later(driver):
    later = "nvmlDeviceGetComputeRunningProcesses_v3"
    vars(driver.driver).update(processes=2, absent=(later,))
    assert of(driver).present().foreign_processes == 1
    driver.driver.absent = (later, "nvmlDeviceGetComputeRunningProcesses_v2")
    assert of(driver).present().foreign_processes is None
    assert of(driver).present().unlisted_memory_bytes is None


def test_memory_that_no_listed_process_holds_is_told(driver, container):
    """A process that is hidden still takes memory."""
    driver.driver.used_bytes = 9 * GIB
    assert of(driver).present().unlisted_memory_bytes == 8 * GIB - UNLISTED_ALLOWANCE_BYTES
    driver.driver.used_bytes = GIB
    assert of(driver).present().unlisted_memory_bytes == 0


def test_our_own_memory_is_not_somebody_elses_where_we_are_not_listed(driver, container, monkeypatch):
    """A driver that lists nobody still counts our memory as used."""
    vars(driver.driver).update(processes=0, used_bytes=9 * GIB)
    assert of(driver).present().unlisted_memory_bytes is None
    properties = type("Properties", (), {"uuid": driver.UUIDS[1].removeprefix("GPU-")})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: properties)
    for reserved_bytes, unlisted_bytes in ((8 * GIB, 0), (2 * GIB, 7 * GIB - UNLISTED_ALLOWANCE_BYTES), (0, None)):
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda number, size=reserved_bytes: size)
        assert of(driver).present().unlisted_memory_bytes == unlisted_bytes


def test_memory_whose_holders_the_driver_does_not_tell_is_not_counted(driver):
    """As under Windows; the binding makes none of it."""
    vars(driver.driver).update(process_bytes=2**64 - 1, used_bytes=9 * GIB)
    assert of(driver).present().unlisted_memory_bytes is None


def test_who_draws_is_no_company_and_its_memory_is_its_own(driver):
    """A desktop with a browser made the GPU look as if somebody hidden held memory of it."""
    vars(driver.driver).update(drawing_pids=(FOREIGN, FOREIGN + 1), process_bytes=3 * GIB, used_bytes=9 * GIB)
    assert of(driver).present() == (0, 0, 2)
    # who does both computes
    vars(driver.driver).update(pids=(FOREIGN,), used_bytes=9 * GIB + UNLISTED_ALLOWANCE_BYTES + 1)
    assert of(driver).present() == (1, 1, 1)
    driver.driver.absent = ("nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2")
    assert of(driver).present().drawing_processes is None
