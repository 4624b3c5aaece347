"""Names that show something else than they are: refused where they come in, and shown as escapes where they are not."""

import sys

import pandas as pd
import pytest
from commands import isojoule

from isojoule.errors import InputError
from isojoule.naming import LONGEST_NAME, escaped, unfit
from isojoule.programs.description import Description
from isojoule.tables.measurements import read
from isojoule.tables.writing import write_table

UNFIT = ["", " net", "net\n", "a\nb", "a\tb", "\x1b[31mnet", "a\u202eb", "a\u200fb", "a\u2028b", "a\x00b", "\ufeffnet"]
FORMULAS = ["=1+1", "=HYPERLINK(1)", "+net", "-net", "@net"]
FIT = ["net", "ResNet-50", "Netz ß", "网络", "<b>net</b>", "a=b", "NVIDIA A100-SXM4 @ 2 GHz", "x" * LONGEST_NAME]


@pytest.mark.parametrize("name", [*UNFIT, *FORMULAS, "x" * (LONGEST_NAME + 1)])
def test_an_unfit_name_is_refused_in_a_sentence_that_prints(name):
    assert unfit(name)
    with pytest.raises(InputError, match=r"name of the system: found .+, expected a name ") as refused:
        Description(name)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", FIT)
def test_any_other_name_is_kept(name):
    assert Description(name, gpu=name).name == name
    assert escaped(name) == name


@pytest.mark.parametrize(
    "words", [["--name", "=1+1"], ["--name", "a\nb"], ["--gpu-label", "\x1b[31m"], ["--name", "", "--append", "a.csv"]]
)
def test_a_run_is_refused_before_it_begins(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = isojoule("run", *words, "--", sys.executable, "-c", "open('ran', 'w')")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: name of the ")
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [*UNFIT[2:-1], *FORMULAS])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_with_such_a_name_is_refused(name, suffix, tmp_path):
    path = tmp_path / f"table{suffix}"
    rows = {"gpu": ["t4", "t4"], "architecture": ["good", name], "phase": "train", "energy_kwh": 1.0}
    write_table(pd.DataFrame(rows), path)
    with pytest.raises(InputError, match=r"table\.(csv|parquet): ") as refused:
        read(path)
    assert str(refused.value).isprintable()
