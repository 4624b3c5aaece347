"""Work that is begun and ended at once: whoever ends it is never left waiting."""

import threading

import pytest
import torch

from isojoule.measuring.load import MatrixLoad


@pytest.fixture
def load(monkeypatch):
    monkeypatch.setattr("isojoule.measuring.load.LARGEST", 256)
    load = MatrixLoad(torch.device("cpu"))
    yield load
    load.close()


def within(limit_s, work):
    """Do the work in a thread, and fail if it is not done in time."""
    errors = []

    def noted():
        try:
            work()
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=noted, daemon=True)
    thread.start()
    thread.join(limit_s)
    assert not thread.is_alive(), "whoever ended the work waits for ever"
    return errors


def test_work_that_is_ended_before_it_began_leaves_nobody_waiting(load):
    def begun_and_ended():
        for _ in range(20_000):
            load.start()
            load.stop()

    assert within(60, begun_and_ended) == []


def test_behind_the_end_of_the_work_nothing_is_multiplied(load, monkeypatch):
    multiplied = []
    monkeypatch.setattr(load, "_multiply", lambda: multiplied.append(1))
    load.start()
    while not multiplied:
        pass
    load.stop()
    number = len(multiplied)
    threading.Event().wait(0.02)
    assert len(multiplied) == number


def test_whoever_ends_work_that_failed_is_told_why(load, monkeypatch):
    has_failed = threading.Event()

    def fails():
        has_failed.set()
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(load, "_multiply", fails)
    load.start()
    # work that is ended before it began has not failed
    assert has_failed.wait(10)
    # the first time and later alike
    for _ in range(2):
        (error,) = within(10, load.stop)
        assert str(error) == "CUDA out of memory"
        load.start()
