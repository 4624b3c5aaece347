"""Measure the time and memory of dry runs of large studies, beside as many trivial rules.

    python benchmarks dry_run

One job measures all architectures on a GPU and repeat, so that a study has far fewer jobs than cells. It is compared
with as many trivial rules as it has cells, and a study of single cells with as many as it has jobs.
"""

import copy
import sys
import tempfile
from functools import partial
from pathlib import Path

import yaml
from suite import PROJECT, Row, command, interleaved

TRIVIAL = """
rule all:
    input: expand("results/{{number}}.txt", number=range({count}))
rule one:
    output: "results/{{number}}.txt"
    params: number=lambda wildcards: int(wildcards.number)
    shell: "echo {{params.number}} > {{output}}"
"""
# numbers of architectures, phases, GPUs and repeats
STUDIES = {"1,720 cells": (43, 2, 4, 5), "17,200 cells": (43, 2, 40, 5), "49,880 cells": (43, 2, 116, 5)}
SINGLE = {"1,720 jobs of one cell": 1720}


def measure(rounds: int) -> list[Row]:
    """Measure the dry run of every study."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, (_, _, gpus, repeats) in STUDIES.items():
            cells = 86 * gpus * repeats
            # a dry run of the largest study takes minutes
            rows += beside(folder, what, study(gpus, repeats), cells, rounds if cells < 40_000 else 1)
        for what, count in SINGLE.items():
            content = study(1, count)
            content["architectures"] = {"mlp": [{"layers": 1, "hidden": 512}]}
            content["phases"] = {"train": {"epochs": 1}}
            rows += beside(folder, what, content, count, rounds)
    return rows


def study(gpus: int, repeats: int) -> dict:
    """Return the published study with other numbers of GPUs and repeats."""
    content = copy.deepcopy(yaml.safe_load((PROJECT / "config" / "config.yaml").read_text(encoding="utf-8")))
    first = next(iter(content["gpus"].values()))
    # a dry run asks for the data too, but for none that is made
    content["dataset"] = {"source": "synthetic"}
    return content | {"gpus": {f"gpu{number}": first for number in range(gpus)}, "repeats": repeats}


def beside(folder: Path, what: str, content: dict, count: int, rounds: int) -> list[Row]:
    """Compare the dry run of a study with that of `count` trivial rules."""
    ours, theirs = folder / "ours", folder / "theirs"
    for place in (ours, theirs):
        place.mkdir(exist_ok=True)
    (ours / "study.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (theirs / "Snakefile").write_text(TRIVIAL.format(count=count), encoding="utf-8")
    dry = [sys.executable, "-m", "snakemake", "-n", "--quiet", "all", "--cores", "1"]
    memory: dict[str, list[float]] = {"ours": [], "theirs": []}

    def once(key: str, words: list[object], place: Path) -> float:
        run = command(words, place)
        memory[key].append(run.memory_mb)
        return run.wall_s

    study_words = [*dry, "-s", PROJECT / "Snakefile", "--configfile", "study.yaml"]
    seconds = interleaved(rounds, partial(once, "ours", study_words, ours), partial(once, "theirs", dry, theirs))
    floor = f"{count:,} trivial rules"
    return [
        Row(f"dry run of {what}, time", seconds[0], floor, seconds[1], "s", "<= 1.3"),
        Row(f"dry run of {what}, memory", memory["ours"], floor, memory["theirs"], "MB", "<= 1.5"),
    ]
