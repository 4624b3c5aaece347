"""One reader for both doors: what Snakemake is given is read as the programs read it, or both refuse it."""

import copy
import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from isojoule.configuration import yaml_reader
from isojoule.errors import InputError
from isojoule.study import reading

DEMO = (Path(__file__).parents[2] / "config" / "demo.yaml").read_text(encoding="utf-8")
# the same study in fewer words, which are read a thousand times here
SHORT = """\
study: short
workload: tagging
dataset: {source: synthetic}
mel: {sample_rate_hz: 16000, n_fft: 512, win_length: 512, hop_length: 256,
  window: hann, n_mels: 40, n_frames: 64, f_min_hz: 0, f_max_hz: 8000}
architectures:
  mlp:
    - {layers: 1, hidden: [16, 32]}
gpus:
  here: {device: cpu, threads: 1}
phases: {train: {epochs: 4}}
repeats: 3
seed: 0
batch_size: 8
optimizer: {name: adam, learning_rate: 3.0e-3}
energy:
  country_iso_code: FRA
  min_window_s: 1.0
"""


def by_snakemake(*paths, values=None, part=(), **made):
    """Read files as the workflow does, after Snakemake has; `part` leads to the study in them."""
    config = {}
    for path in paths:
        update_config(config, load_configfile(path))
    update_config(config, values or {})
    config = copy.deepcopy(config)
    for key in part:
        config = config[key]
    return reading.load_merged({**config, **made}, paths, values or {})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.yaml"


def doors(path):
    return (lambda: reading.load(path)), (lambda: by_snakemake(path))


@pytest.mark.parametrize("door", [0, 1])
def test_a_key_twice_is_refused_with_its_line(path, door):
    path.write_text(DEMO + "repeats: 2\n")
    first = DEMO.splitlines().index("repeats: 3") + 1
    twice = f"line {DEMO.count(chr(10)) + 1}: the key repeats is given twice, first in line {first}"
    with pytest.raises(InputError, match=re.escape(f"study.yaml: is not YAML: {twice}")):
        doors(path)[door]()


@pytest.mark.parametrize(
    ("words", "with_a_tab"),
    [("repeats: 3", "repeats:\t3"), ("repeats: 3", "repeats: 3\t# thrice"), ("cpu, threads", "cpu,\tthreads")],
)
def test_a_tab_between_words_is_refused_by_both_doors(path, words, with_a_tab):
    """The programs took it, and Snakemake did not begin."""
    path.write_text(DEMO.replace(words, with_a_tab, 1))
    programs, snakemake = doors(path)
    line = DEMO[: DEMO.index(words)].count("\n") + 1
    with pytest.raises(InputError, match=rf"study\.yaml: is not YAML: line {line}: .*'\\t'"):
        programs()
    with pytest.raises(WorkflowError):
        snakemake()


def test_a_tab_inside_of_words_is_a_part_of_them(path):
    path.write_text(DEMO.replace("study: demo  ", "study: demo  # results\tgo there", 1))
    programs, snakemake = doors(path)
    assert programs() == snakemake()


@pytest.mark.parametrize("door", [0, 1])
@pytest.mark.parametrize("number", ["3e-3", "3.0e-3", "3.e-3", ".003", "+3E-3", "30e-4"])
def test_a_number_with_an_exponent_is_a_number(path, door, number):
    path.write_text(DEMO.replace("3.0e-3", number))
    assert doors(path)[door]().optimizer.learning_rate == 0.003


@pytest.mark.parametrize("door", [0, 1])
@pytest.mark.parametrize("number", ["'3e-3'", "3e", "0x" + "f" * 5000, "1_0", "1:30", "0b1", "2020-01-01", "yes"])
def test_what_is_no_number_is_none(path, door, number):
    path.write_text(DEMO.replace("3.0e-3", number))
    with pytest.raises(InputError, match=f"learning_rate: found '{number.strip(chr(39))[:50]}.*, expected a number"):
        doors(path)[door]()


@pytest.mark.parametrize("door", [0, 1])
@pytest.mark.parametrize("number", ["010", "-08", "007", "0o17"])
def test_a_number_that_readers_of_yaml_take_differently_is_refused(path, door, number):
    path.write_text(DEMO.replace("seed: 0", f"seed: {number}"))
    line = DEMO[: DEMO.index("seed: 0")].count("\n") + 1
    with pytest.raises(InputError, match=rf"seed: found {number} \(line {line}\), which readers of YAML take diff"):
        doors(path)[door]()


@pytest.mark.parametrize("door", [0, 1])
@pytest.mark.parametrize("name", ["on", "off", "NO", "yes", "y", "1_080", "1080ti", "1e", "0x"])
def test_a_name_stays_what_the_user_wrote(path, door, name):
    path.write_text(DEMO.replace("cpu-1thread:", f"{name}:"))
    assert list(doors(path)[door]().gpus) == [name, "cpu-2threads"]


@pytest.mark.parametrize("door", [0, 1])
@pytest.mark.parametrize("name", ["1080", "1e5", "007", "0x1F", "true", "NULL", ".5"])
def test_a_name_that_yaml_takes_for_a_number_is_to_be_quoted(path, door, name):
    path.write_text(DEMO.replace("cpu-1thread:", f"{name}:"))
    with pytest.raises(InputError, match=r"gpus: found .*, expected a string, in quotes where it looks like a number"):
        doors(path)[door]()
    path.write_text(DEMO.replace("cpu-1thread:", f"'{name}':"))
    if name[0] != ".":
        assert list(doors(path)[door]().gpus) == [name, "cpu-2threads"]


@pytest.mark.parametrize("door", [0, 1])
def test_classes_called_yes_and_no_are_words_and_null_is_to_be_quoted(path, door):
    content = yaml.safe_load(DEMO) | {"dataset": {"source": "folder", "path": "x", "train": "a", "test": "b"}}
    text = yaml.safe_dump(content).replace("  source: folder", "  source: folder\n  classes: [yes, no, off, NULLS]")
    path.write_text(text)
    assert doors(path)[door]().classes == ["yes", "no", "off", "NULLS"]
    path.write_text(text.replace("NULLS", "null"))
    with pytest.raises(InputError, match=r"dataset\.classes\.3: found null, expected a string, in quotes where"):
        doors(path)[door]()


@pytest.mark.parametrize("door", [0, 1])
def test_anchors_and_merge_keys_are_followed(path, door):
    path.write_text(
        DEMO.replace("{device: cpu, threads: 1}", "&one {device: cpu, threads: 1}").replace(
            "{device: cpu, threads: 2}", "{<<: *one, threads: 2}"
        )
    )
    gpus = doors(path)[door]().gpus
    assert [(gpu.device, gpu.threads) for gpu in gpus.values()] == [("cpu", 1), ("cpu", 2)]


def test_a_mark_of_the_order_of_bytes_is_no_text(path):
    path.write_bytes(DEMO.encode("utf-8-sig"))
    assert reading.load(path) == by_snakemake(path)


@pytest.mark.parametrize(("encoding", "found"), [("latin-1", "0xe9 in line 2"), ("utf-16", "0xff in line 1")])
def test_another_encoding_is_named(path, encoding, found):
    """Snakemake says so in its own words before it reads any line of this workflow."""
    path.write_bytes(f"study: a\n# é\n{DEMO}".encode(encoding))
    with pytest.raises(InputError, match=rf"study\.yaml: is not text in UTF-8: found the byte {found}; save it"):
        reading.load(path)


def test_json_is_a_configuration_too(tmp_path):
    path = tmp_path / "study.json"
    path.write_text(json.dumps(yaml.safe_load(DEMO), indent="\t"))
    assert by_snakemake(path) == reading.load(path)
    path.write_text(path.read_text().replace("{", '{"repeats": 1,', 1))
    with pytest.raises(InputError, match="the key repeats is given twice, first in line 1"):
        by_snakemake(path)


def test_later_files_and_the_command_line_overwrite_keys(tmp_path, path):
    path.write_text(DEMO)
    (tmp_path / "more.yaml").write_text("optimizer: {learning_rate: 1e-4}\n")
    study = by_snakemake(path, tmp_path / "more.yaml", values={"repeats": 7})
    assert (study.optimizer.learning_rate, study.optimizer.name, study.repeats) == (1e-4, "adam", 7)
    (tmp_path / "more.yaml").write_text("optimizer: {learning_rate: 1e-4, learning_rate: 1e-5}\n")
    with pytest.raises(InputError, match=r"more\.yaml: is not YAML: line 1: the key learning_rate is given twice"):
        by_snakemake(path, tmp_path / "more.yaml")


def test_a_part_that_another_workflow_hands_over_is_read_again_too(path):
    """Other sections are that workflow's own, in which words may mean what YAML 1.1 says."""
    indented = "\n".join(f"  {line}" for line in DEMO.replace("3.0e-3", "3e-3").splitlines())
    path.write_text(f"mine: {{time: 01:30, number: 010, flag: yes}}\nenergy:\n{indented}\n")
    assert by_snakemake(path, part=["energy"]).optimizer.learning_rate == 0.003


def test_what_another_workflow_made_itself_is_checked_as_it_is(path):
    path.write_text(DEMO)
    assert by_snakemake(path, repeats=5).repeats == 5
    with pytest.raises(InputError, match=r"repeats: found 5\.0, expected an integer"):
        by_snakemake(path, repeats=5.0)
    path.write_text(DEMO.replace("3.0e-3", "3e-3"))
    with pytest.raises(InputError, match="learning_rate: found '3e-3', expected a number"):
        by_snakemake(path, repeats=5)


def said(call):
    """What a door makes of a file: a configuration, or the sentence of a refusal."""
    try:
        return call()
    except InputError as error:
        return str(error)


def both(folder, content):
    """What both doors make of a file, or nothing for that of Snakemake where Snakemake does not open it for us."""
    path = folder / "study.yaml"
    path.write_bytes(content)
    try:
        load_configfile(path)
    except Exception:
        return said(lambda: reading.load(path)), None
    return said(lambda: reading.load(path)), said(lambda: by_snakemake(path))


def check_same(ours, through_snakemake, folder):
    if through_snakemake is not None:
        assert through_snakemake == ours or (isinstance(ours, str) and isinstance(through_snakemake, str))
    if not isinstance(ours, str):
        reading.store(ours, folder / "stored.yaml")
        assert reading.load(folder / "stored.yaml") == ours


PLAIN = st.text(st.sampled_from("0123456789.eE+-_:xoabnyNOtrueflsi~"), min_size=1, max_size=8)
LINES = st.sampled_from([line for line in SHORT.splitlines() if ":" in line])


@settings(max_examples=80)
@given(word=PLAIN)
@example("0777")
@example("1_000")
@example(".inf")
@example("1e400")
@example("=")
@example("2020-13-45")
def test_a_word_is_never_taken_for_another_number_than_it_says(tmp_path_factory, word):
    folder = tmp_path_factory.getbasetemp()
    ours, through_snakemake = both(folder, SHORT.replace("3.0e-3", word).encode())
    check_same(ours, through_snakemake, folder)
    if not isinstance(ours, str):
        assert ours.optimizer.learning_rate == (int(word, 16) if "x" in word else float(word))


@settings(max_examples=80)
@given(word=PLAIN)
@example("yes")
@example("0x1f")
@example("~")
def test_a_name_is_never_taken_for_another_one(tmp_path_factory, word):
    folder = tmp_path_factory.getbasetemp()
    text = SHORT.replace("{device: cpu, threads: 1}", f"{{device: cpu, partition: {word} }}")
    ours, through_snakemake = both(folder, text.encode())
    check_same(ours, through_snakemake, folder)
    if not isinstance(ours, str):
        assert ours.gpus["here"].partition == word


@settings(max_examples=150)
@given(
    data=st.data(),
    line=LINES,
    place=st.integers(0, SHORT.count("\n")),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1"]),
)
def test_no_mutation_ends_in_a_traceback_or_differs_by_door(tmp_path_factory, data, line, place, encoding):
    lines = SHORT.splitlines()
    kind = data.draw(st.sampled_from(["double", "insert", "cut", "swap", "indent"]))
    if kind == "double":
        lines.insert(place, line)
    elif kind == "insert":
        characters = st.characters(exclude_categories=["Cs"])
        column = data.draw(st.integers(0, 40))
        at = min(place, len(lines) - 1)
        lines[at] = lines[at][:column] + data.draw(st.text(characters, min_size=1, max_size=4)) + lines[at][column:]
    elif kind == "cut":
        del lines[place : place + data.draw(st.integers(1, 5))]
    elif kind == "swap":
        other = data.draw(st.integers(0, len(lines) - 1))
        lines[min(place, len(lines) - 1)], lines[other] = lines[other], lines[min(place, len(lines) - 1)]
    else:
        lines = [data.draw(st.sampled_from(["", " ", "\t"])) + line for line in lines]
    text = "\n".join(lines)
    folder = tmp_path_factory.getbasetemp()
    check_same(*both(folder, text.encode(encoding, errors="replace")), folder)


@pytest.mark.parametrize("word", ["08", "0o17", "007", "1e5", "010", "true", "~", "<<", ".5", "yes", "2020-01-01"])
def test_what_is_written_is_read_as_the_same_text(path, word):
    path.write_text(yaml_reader.text({word: word}))
    assert yaml_reader.read(path) == yaml_reader.read_1_1(path) == {word: word}
