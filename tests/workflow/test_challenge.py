"""A whole challenge on two real CPU platforms, from a study that was measured to the ranked page."""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
from commands import isojoule, process


def test_two_teams_measure_on_this_computer_and_one_of_them_cheats(copied, tmp_path):
    folder = Path(copied(tmp_path / "study"))
    words = ["results/tiny/measurements.parquet", "--config", "study.yaml", "--target", "cpu-1thread"]
    words += ["--phase", "train", "--architecture", "mlp-1x4", "cnn-1x2", "rnn-1x4", "mlp-1x5", "--quality", "f1"]
    made = isojoule("challenge", "make", *words, "--repeats", 1, "--output", tmp_path / "kit.zip", cwd=folder)
    assert made.returncode == 0, made.stderr
    teams = {"one": 1, "two": 2}
    for team, threads in teams.items():
        words = ["kit.zip", "--team", team, "--cpu", "--threads", threads, "--results", team]
        ended = process("challenge", "run", *words, "--output", f"all/{team}.json", cwd=tmp_path)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        line = "import time\nwhile time.process_time() < 0.1: pass"
        words = ["--name", f"net-{team}", "--cpu", "--append", f"all/{team}.json", "--quality", f"f1=0.{threads}"]
        ended = isojoule("run", *words, "--", sys.executable, "-c", line, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
    # a third team copies the second one's file and edits its energy
    shutil.copy(tmp_path / "all" / "two.json", tmp_path / "all" / "three.json")
    content = json.loads((tmp_path / "all" / "three.json").read_text()) | {"team": "three"}
    content["systems"][0]["energy_kwh"] /= 100
    (tmp_path / "all" / "three.json").write_text(json.dumps(content, indent=2))
    words = ["all", "--kit", "kit.zip", "--output", "ranking.csv", "--page", "ranking.html"]
    ranked = isojoule("challenge", "rank", *words, cwd=tmp_path)
    assert ranked.returncode == 0, ranked.stderr
    table = pd.read_csv(tmp_path / "ranking.csv").set_index("team")
    assert set(table.loc[table["rank"].notna(), "system"]) == {"net-one", "net-two"}
    assert (table.loc[["one", "two"], "energy_kwh"] > 0).all()
    assert "was changed since" in table.loc["three", "refused"]
    page = (tmp_path / "ranking.html").read_text()
    assert "net-one" in page
    assert "</strong> of three: was changed since" in page
    # what was measured is not measured again
    words = ["kit.zip", "--team", "one", "--cpu", "--results", "one", "--output", "all/one.json"]
    again = isojoule("challenge", "run", *words, cwd=tmp_path)
    assert again.returncode == 2
    assert again.stderr.startswith("error: --output: found all/one.json, expected a new file")
    other = isojoule("challenge", "run", *words[:-1], "new.json", "--threads", 2, cwd=tmp_path)
    assert other.stderr.startswith("error: one: found the references of another kit or device, expected a folder of")
