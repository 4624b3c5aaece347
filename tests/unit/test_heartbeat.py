import time

from isojoule.errors import InputError
from isojoule.progress import heartbeat


def test_long_work_gives_a_sign_of_life_and_short_work_none(capsys):
    with heartbeat(lambda: "at step 3", period_s=0.05):
        time.sleep(0.2)
    assert "0 s: at step 3\n" in capsys.readouterr().err
    with heartbeat(lambda: "never", period_s=5):
        pass
    assert capsys.readouterr().err == ""


def test_a_sign_of_life_that_cannot_be_read_ends_nothing(capsys):
    """A driver that did not answer for a moment left a traceback and no more signs."""

    def unreadable():
        raise InputError("Tesla T4: did not answer")

    with heartbeat(unreadable, period_s=0.02):
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 2
    assert set(lines) == {"0 s: how far it is cannot be read at this moment"}
