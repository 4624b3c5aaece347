"""The certificates of a job's boards: made once, kept, and never made of what others do on a board."""

import pytest
import torch

from isojoule.energy import nvml, update_period
from isojoule.energy.certificate import procedure
from isojoule.measuring import certification
from isojoule.measuring.device_check import Arrival
from isojoule.measuring.device_lock import Device
from isojoule.records.certificate import Certificate, read

FOREIGN = 4_000_000


@pytest.fixture
def arrival(driver, monkeypatch):
    """A job on the second GPU of the driver, where the CPU computes."""
    monkeypatch.setattr(update_period, "WATCHED_S", 0.3)
    shortest = procedure.Lengths(steps=2, step_s=0.6, phases=0, waves=0, windows_s=(0.3, 0.6), repeats=1)
    monkeypatch.setitem(procedure.LENGTHS, "short", shortest)
    return Arrival(torch.device("cpu"), nvml.identify(driver.UUIDS[1]))


@pytest.fixture
def certificates(arrival, tmp_path):
    """Ask for the certificates of the job."""

    def asked():
        with Device(f"test-{tmp_path.name}") as machine:
            return certification.of_job(arrival, tmp_path / "certificates", machine)

    return asked


def kept(folder):
    return [*(folder / "certificates").glob("*.json")]


def test_a_certificate_is_made_once_for_a_board_and_a_driver(certificates, tmp_path):
    (certificate,) = certificates()
    assert isinstance(certificate, Certificate)
    (path,) = kept(tmp_path)
    assert read(path).name == certificate.name
    before = path.read_bytes()
    assert [again.name for again in certificates()] == [certificate.name]
    assert path.read_bytes() == before


def test_beside_others_none_is_made_and_the_next_job_tries_again(driver, certificates, tmp_path, capsys):
    driver.driver.pids = (FOREIGN,)
    assert certificates() == []
    assert "no certificate: Tesla T4 (GPU-12345678-" in capsys.readouterr().out
    assert kept(tmp_path) == []
    driver.driver.pids = ()
    assert len(certificates()) == 1


def test_others_that_come_meanwhile_leave_no_certificate(driver, certificates, tmp_path, monkeypatch):
    made = certification.made

    def joined_by_others(*words, **options):
        certificate = made(*words, **options)
        driver.driver.pids = (FOREIGN,)
        return certificate

    monkeypatch.setattr(certification, "made", joined_by_others)
    assert certificates() == []
    assert kept(tmp_path) == []


def test_a_board_without_memory_for_the_work_has_no_certificate_and_ends_no_job(certificates, monkeypatch, capsys):
    def is_full(_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 MiB.\nmore words")

    monkeypatch.setattr(certification, "MatrixLoad", is_full)
    assert certificates() == []
    assert capsys.readouterr().out == "no certificate: CUDA out of memory. Tried to allocate 2 MiB.\n"


def test_an_estimated_cpu_is_tried_by_one_thread(monkeypatch):
    """Two that wait for each other spin for many times the work, beside any other program."""
    if certification._instrument(None, None).means != "model":
        pytest.skip("RAPL reads this CPU")
    threads, multiply = [], certification.MatrixLoad.multiply
    monkeypatch.setattr(
        certification.MatrixLoad,
        "multiply",
        lambda load, count: (threads.append(torch.get_num_threads()), multiply(load, count)),
    )
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        certificate = certification.made(None, torch.device("cpu"), "short")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(threads) == {1}
    assert certificate.kind == "estimated"
    assert len(certificate.windows.energies_j) == 5
