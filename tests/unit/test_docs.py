"""The pages: every command line parses, every link leads somewhere, every example works, every list is complete."""

import ast
import functools
import re
import shlex
from inspect import signature
from itertools import product
from pathlib import Path

import pytest
import torch
import yaml

import isojoule
from isojoule import energy, records
from isojoule.cli import main
from isojoule.figures import captions
from isojoule.flags import of_record
from isojoule.normalization import METHODS, references
from isojoule.normalization.accuracy import ERRORS
from isojoule.study import cells, reading
from isojoule.tables.measurements import COLUMNS

PROJECT = Path(__file__).parents[2]
LIBRARY = Path(isojoule.__file__).parent
GUIDES = sorted((PROJECT / "docs").glob("*.md"))
USERS = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md", "profiles/README.md")]
REFERENCE = sorted((PROJECT / "reference").glob("*/README.md"))
PAGES = [*USERS, *GUIDES, *sorted((PROJECT / "benchmarks").glob("*.md")), *REFERENCE]
PICTURES = [PROJECT / "docs" / "pictures" / name for name in ("front.png", "report.png")]
# files of a reader
THEIRS = ("my-study.yaml", "all.yaml")
PROGRAMS = ("isojoule ", "snakemake ", "make ")
# of Snakemake, and of SLURM's sbatch
FOREIGN = {"--profile", "--configfile", "--forceall", "--forcerun", "--unlock", "--report", "--nice", "--gpus", "--pid"}
UNIT = re.compile(r"^[a-z0-9_]+_(kwh|s|w|percent|kg_co2e|bytes|hz|nats|db)$")


def name(page):
    return str(page.relative_to(PROJECT))


def fences(page, language):
    """The fenced blocks of a language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def prose(page):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def spans(page):
    """What stands in code within the text of a page, on one line each."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def code_lines(text):
    """Indented command lines, those that are continued joined."""
    return [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.startswith("    ")]


def command_lines(page):
    """The words of every command line on a page, in blocks and in the text, up to a pipe or a redirection."""
    for line in [*code_lines(prose(page)), *spans(page)]:
        if line.startswith(PROGRAMS) and "..." not in line and "COMMAND" not in line:
            words = shlex.split(line, comments=True)
            yield words[: min((words.index(end) for end in "|>" if end in words), default=None)]


def parsed(command, words, capsys):
    """Parse the words behind `isojoule command`; a command that is only named takes none."""
    assert command in (*main.NAMES, "--help"), f"isojoule {command}"
    if words and words != ["--help"]:
        try:
            main.parser(command, main.load(command)).parse_args(words)
        except SystemExit:
            pytest.fail(f"isojoule {command} {shlex.join(words)}: {capsys.readouterr().err}")


def first_column(page, header):
    """The names in code of the first column of the table with this header."""
    rows = page.read_text().split(f"\n{header}\n|")[1].split("\n\n")[0].splitlines()[1:]
    return [found for row in rows for found in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


def anchors(page):
    """What a link to a heading of a page may say, as forges make it of the heading's text."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def demo_names():
    return set(cells.architectures(reading.load(PROJECT / "config" / "demo.yaml")))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_line_of_a_page_is_right(page, capsys):
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    rules = re.findall(
        r"^rule (\w+):", "".join(path.read_text() for path in (PROJECT / "workflow").rglob("*.smk")), re.MULTILINE
    )
    for program, first, *words in command_lines(page):
        if program == "isojoule":
            parsed(*main.named([first, *words]), capsys)
        elif program == "make":
            assert first in targets
        else:
            named = [words[words.index(option) + 1] for option in ("--forcerun", "--until") if option in words]
            assert {*named, *([] if first.startswith("-") else [first])} <= set(rules)
        for path in (word.removeprefix("CONFIG=") for word in words):
            if path.startswith(("config/", "profiles/")) and Path(path).name not in THEIRS:
                assert (PROJECT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_network_of_the_demo_that_a_page_names_is_in_it(page, demo_names):
    for words in command_lines(page):
        if any("/demo" in word for word in words):
            named = [word for word in words if re.fullmatch(r"(mlp|cnn|rnn|crnn)-[\dx+-]+", word)]
            assert set(named) <= demo_names, shlex.join(words)


@pytest.mark.parametrize("page", [*USERS, *GUIDES], ids=name)
def test_every_option_of_a_page_exists(page):
    ours = {
        option for command in main.NAMES for option in main.parser(command, main.load(command))._option_string_actions
    }
    named = {option for span in spans(page) for option in re.findall(r"(?<!\S)--[a-z-]+", span)}
    assert named - ours - FOREIGN == set()


@pytest.mark.parametrize("command", main.NAMES)
def test_the_example_in_the_help_of_a_command_parses(command, capsys):
    text = main.load(command).__doc__
    examples = [shlex.split(line) for line in code_lines(text) if line.startswith("isojoule ")]
    assert examples
    for _, *line in examples:
        named, words = main.named(line)
        assert named == command
        parsed(named, words, capsys)
    assert len(text.partition("\n")[0]) <= 75


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(PROJECT), link
        if anchor:
            assert anchor in anchors(target), link


def test_pages_are_short():
    lengths = {name(page): len(page.read_text().splitlines()) for page in (PROJECT / "README.md", *GUIDES)}
    assert lengths["README.md"] <= 120
    assert {page: length for page, length in lengths.items() if length > 150} == {}


def test_the_index_names_every_guide():
    index = (PROJECT / "docs" / "README.md").read_text()
    assert [page.name for page in GUIDES if page.name != "README.md" and f"({page.name})" not in index] == []


def test_the_pictures_are_small_and_in_the_readme():
    text = (PROJECT / "README.md").read_text()
    assert all(f"({name(picture)})" in text for picture in PICTURES)
    assert sum(picture.stat().st_size for picture in PICTURES) < 300_000


@pytest.mark.parametrize("page", [PROJECT / "README.md", PROJECT / "docs" / "my-program.md"], ids=name)
def test_the_example_of_a_part_of_a_program_runs(page, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = fences(page, "python")
    exec(compile(block, name(page), "exec"), {"train_one_epoch": lambda: sum(range(10**6))})
    assert float(capsys.readouterr().out.split()[0]) > 0
    assert len((tmp_path / "mine.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize("page", [PROJECT / "docs" / "own-loop.md"], ids=name)
def test_the_example_of_a_loop_runs(page, monkeypatch, tmp_path, capsys):
    quick = functools.partial(energy.Meter, min_window_s=0.1, resolution_percent=100, idle_s=0)
    monkeypatch.setattr(energy, "Meter", quick)
    monkeypatch.chdir(tmp_path)
    epochs = []
    names = {
        "train_one_epoch": lambda: epochs.append(sum(range(100_000))),
        "train_to_the_end": lambda: sum(range(10**6)),
    }
    for block in fences(page, "python"):
        exec(compile(block, name(page), "exec"), names)
    assert names["reading"].energy_kwh > 0
    assert len(epochs) > 1
    assert names["reading"].kind in capsys.readouterr().out


def test_the_example_of_a_table_runs(world, monkeypatch, tmp_path, capsys):
    (tmp_path / "results" / "demo").mkdir(parents=True)
    world.to_parquet(tmp_path / "results" / "demo" / "measurements.parquet")
    monkeypatch.chdir(tmp_path)
    (block,) = fences(PROJECT / "docs" / "what-comes-out.md", "python")
    exec(block, {})
    assert world["gpu"].iloc[0] in capsys.readouterr().out


def test_the_example_of_an_own_network_is_one():
    (block,) = fences(PROJECT / "config" / "README.md", "python")
    names = {"__name__": "my_module"}
    exec(block, names)
    assert names["MyNet"](64)(torch.zeros(2, 1, 128, 64)).shape == (2, 10)


@pytest.mark.parametrize("number", range(len(fences(PROJECT / "config" / "README.md", "yaml"))))
def test_every_example_of_the_configuration_is_accepted(number, tmp_path, capsys):
    example = yaml.safe_load(fences(PROJECT / "config" / "README.md", "yaml")[number])
    study = "waveflow.yaml" if example.get("workload") == "waveflow" else "config.yaml"
    content = yaml.safe_load((PROJECT / "config" / study).read_text()) | example
    if "gpus" in example:
        content.pop("pareto", None)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    missing, output = tmp_path / "missing.csv", tmp_path / "figure.png"
    with pytest.raises(SystemExit):
        main.main(
            ["plot", "energy-quality", str(missing), "--config", str(tmp_path / "study.yaml"), "--output", str(output)]
        )
    # the configuration was read before the table, which is what is missing
    assert capsys.readouterr().err.startswith(f"error: {missing}: found no such file")


def keys(content):
    """Every key of a configuration, without the names that a user gives."""
    for key, value in content.items():
        yield key
        sections = value.values() if key in ("gpus", "architectures") else [value]
        for section in sections:
            for part in section if isinstance(section, list) else [section]:
                yield from keys(part) if isinstance(part, dict) else ()


@pytest.mark.parametrize("study", sorted((PROJECT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_key_of_our_studies_is_explained(study):
    page = PROJECT / "config" / "README.md"
    explained = set(re.findall(r"\w+", " ".join([*spans(page), *fences(page, "yaml")])))
    assert set(keys(yaml.safe_load(study.read_text()))) - explained == set()


def test_lists_that_claim_to_be_complete_are():
    docs = PROJECT / "docs"
    assert first_column(docs / "commands.md", "| command | what it does | page |") == main.NAMES
    assert first_column(docs / "flags.md", "| flag | meaning | what you can do |") == list(of_record.MEANINGS)
    shown = first_column(docs / "figures-and-report.md", "| figure | shows | is drawn from |")
    assert sorted(shown) == sorted(captions.FIGURES)
    assert sorted(first_column(docs / "normalize.md", "| error | meaning |")) == sorted(ERRORS)
    meter = first_column(docs / "own-loop.md", "| argument of `Meter` | meaning | default |")
    assert set(meter) == set(signature(energy.Meter).parameters) - {"powercap"}
    targets = first_column(docs / "commands.md", "| target | what it does |")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert sorted(targets) == sorted(f"make {target}" for target in phony.split())


def test_the_methods_of_normalization_are_listed():
    page = PROJECT / "docs" / "normalize.md"
    listed = first_column(page, "| method | what it does |")
    several = ("line", "poly2", "svr", "svr-standardized")
    further = [f"{base}{columns}" for base, columns in product(several, ("+flops", "+params", "+flops+params"))]
    assert sorted([*listed, *further]) == sorted(METHODS)
    choices = re.search(r"The ways to choose are (.+?)\. The", page.read_text(), re.DOTALL)[1]
    assert re.findall(r"`([^`]+)`", choices) == ["random", *references.DETERMINISTIC]


def test_figures_are_drawn_from_what_the_page_says():
    names = {
        "measurements": "measurements.parquet",
        "fronts": "pareto/fronts.csv",
        "errors": "normalization/errors.parquet",
        "energies": "energies/errors.csv",
    }
    for row in re.findall(
        r"^\| `([a-z-]+)` \| [^|]+ \| (\w+) \|$", (PROJECT / "docs/figures-and-report.md").read_text(), re.MULTILINE
    ):
        figure, table = row
        assert captions.FIGURES[figure].table == names.get(table, f"literature/{figure.partition('-')[2]}.csv")


def test_the_help_of_plot_names_every_figure():
    text = main.load("plot").__doc__
    named = re.findall(r"[a-z]+(?:-[a-z]+)+", text.split("From a table of measurements:")[1])
    assert set(captions.FIGURES) <= set(named)


def test_the_rooms_are_those_of_the_library():
    header = "| rooms of `scripts/isojoule/` | what is in them |"
    rooms = {path.name + "/" for path in LIBRARY.iterdir() if (path / "__init__.py").is_file()}
    rooms |= {path.name for path in LIBRARY.glob("*.py") if not path.name.startswith("_")}
    assert set(first_column(PROJECT / "CONTRIBUTING.md", header)) == rooms


@pytest.fixture(scope="module")
def quantities():
    """Names of columns, of fields of records, of keys, and of arguments."""
    names = {*COLUMNS, *ERRORS, "net_energy_kwh", "utilization_percent"}
    for model in (*vars(records.measurement).values(), *vars(records.certificate).values()):
        names |= set(getattr(model, "model_fields", ()))
    for path in LIBRARY.rglob("*.py"):
        names |= {argument.arg for argument in ast.walk(ast.parse(path.read_text())) if isinstance(argument, ast.arg)}
    for study in (PROJECT / "config").glob("*.yaml"):
        names |= set(keys(yaml.safe_load(study.read_text())))
    for block in fences(PROJECT / "config" / "README.md", "yaml"):
        names |= set(keys(yaml.safe_load(block)))
    return names


@pytest.mark.parametrize("page", [*USERS, *GUIDES], ids=name)
def test_every_quantity_of_a_page_is_known_by_that_name(page, quantities):
    words = {word for span in spans(page) for word in re.findall(r"\w+", span) if UNIT.match(word)}
    assert words - quantities == set()


def test_a_message_that_the_help_with_trouble_quotes_is_one_of_ours():
    text = (PROJECT / "docs" / "troubleshooting.md").read_text()
    source = "".join(path.read_text() for path in LIBRARY.rglob("*.py"))
    quoted = re.findall(r"^## `([^`.]+)`$", text, re.MULTILINE)
    assert len(quoted) >= 2
    assert [message for message in quoted if message not in source] == []
