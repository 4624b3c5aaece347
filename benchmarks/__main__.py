"""Measure what the project costs beside its floors and rivals, and write the tables of benchmarks/README.md.

    python benchmarks                          # all benchmarks, in about two hours
    python benchmarks extraction --rounds 9    # one benchmark

Every benchmark is a module of this folder with `measure(rounds)`, and runs in a process of its own. It writes
`<name>.json`, which also has the ratios of the run before, for comparison.
"""

import argparse
import importlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suite import PROJECT

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__main__", "suite"))
# tables with more rows are folded up in the page
SHOWN = 20


def main(options: argparse.Namespace) -> int:
    """Measure one benchmark in this process, or each of several in a process of its own."""
    if len(options.names) == 1:
        measure(options.names[0], options.rounds)
    else:
        words = [sys.executable, str(FOLDER)]
        rounds = ["--rounds", str(options.rounds)]
        failed = [name for name in options.names if subprocess.run([*words, name, *rounds], check=False).returncode]
        if failed:
            print(f"error: failed: {', '.join(failed)}; the others are written", file=sys.stderr)
            return 1
    page = FOLDER / "README.md"
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def measure(name: str, rounds: int) -> None:
    """Measure one benchmark, write its JSON file, and print its table."""
    path = FOLDER / f"{name}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    rows = importlib.import_module(name).measure(rounds)
    git = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    commit = subprocess.run(git, cwd=PROJECT, capture_output=True, text=True, check=False).stdout.strip()
    result = {
        "benchmark": name,
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit or None,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {accelerator()}, Python {platform.python_version()}",
        "rows": [row.as_json() for row in rows],
        "before": before and {"date": before["date"], "commit": before["commit"], "rows": ratios(before)},
    }
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print("\n".join(table(result)))


def accelerator() -> str:
    """Return the name of the GPU, or `no GPU`."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"


def ratios(result: dict[str, Any]) -> dict[str, list[float]]:
    """Return the lowest, median and highest ratio of every row."""
    return {row["what"]: [row["lowest_ratio"], row["ratio"], row["highest_ratio"]] for row in result["rows"]}


def with_tables(page: str) -> str:
    """Put the newest table between each pair of marks `<!-- NAME -->` and `<!-- end -->` of a page."""

    def filled(marks: re.Match[str]) -> str:
        path = FOLDER / f"{marks[1]}.json"
        lines = table(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ["Not measured yet."]
        return "\n".join([f"<!-- {marks[1]} -->", *lines, "<!-- end -->"])

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", filled, page, flags=re.DOTALL)


def table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the result as a table in Markdown."""
    rows, before = result["rows"], result["before"]
    yield f"{result['date']}, {result['machine']}, commit {result['commit']}:"
    yield ""
    if folded := len(rows) > SHOWN:
        beyond, undecided = (sum(row["holds"] == answer for row in rows) for answer in ("no", "undecided"))
        summary = f"{len(rows)} rows, {beyond or 'none'} beyond its limit, {undecided or 'none'} undecided"
        yield f"<details><summary>{summary}</summary>"
        yield ""
    run_before = f"run of {before['date']}" if before else "run before"
    yield f"| what | ours | beside | theirs | ratio (rounds) | limit | holds | {run_before} |"
    yield "|---|---:|---|---:|---|---|---|---|"
    for row in rows:
        cells = [
            row["what"],
            f"{figure(row['ours'])} {row['unit']}",
            row["beside"],
            f"{figure(row['theirs'])} {row['unit']}",
            f"{row['ratio']:.3g} ({row['lowest_ratio']:.3g} to {row['highest_ratio']:.3g})",
            row["limit"],
            "**no**" if row["holds"] == "no" else row["holds"],
            agreement(row, before["rows"].get(row["what"]) if before else None),
        ]
        yield f"| {' | '.join(cells)} |"
    if folded:
        yield ""
        yield "</details>"


def agreement(row: dict[str, Any], before: list[float] | None) -> str:
    """Give the ratio of the run before, and whether the rounds of the two runs overlap."""
    if before is None:
        return ""
    lowest, ratio, highest = before
    # 5 % more are granted, since a few rounds say little of their spread
    agrees = row["lowest_ratio"] <= 1.05 * highest and lowest <= 1.05 * row["highest_ratio"]
    return f"{ratio:.3g}, {'agrees' if agrees else '**differs**'}"


def benchmark(name: str) -> str:
    """Read the name of a benchmark."""
    if name not in NAMES:
        raise argparse.ArgumentTypeError(f"found {name}, expected one of {', '.join(NAMES)}")
    return name


def at_least_one(text: str) -> int:
    """Read a number of rounds."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"found {text}, expected a whole number from 1")
    return int(text)


def figure(value: float) -> str:
    """Format a number with three significant digits, and with all digits before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", type=benchmark, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=at_least_one, default=5, help="rounds of every comparison (default: 5)")
    sys.exit(main(parser.parse_args()))
