import time

from isojoule.progress import heartbeat


def test_long_work_gives_a_sign_of_life_and_short_work_none(capsys):
    with heartbeat(lambda: "at step 3", period_s=0.05):
        time.sleep(0.2)
    assert "0 s: at step 3\n" in capsys.readouterr().err
    with heartbeat(lambda: "never", period_s=5):
        pass
    assert capsys.readouterr().err == ""
