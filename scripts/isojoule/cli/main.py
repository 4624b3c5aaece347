"""The command `isojoule`: its subcommands, their help, and the answer to a mistyped one."""

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import isojoule
from isojoule.cli.running import run, tell

COMMANDS = {
    "measure": (
        "prepare-dataset",
        "extract-features",
        "count-compute",
        "measure",
        "measure-study",
        "run",
        "check-gpu",
        "aggregate",
    ),
    "analyse": (
        "tabulate-energy",
        "tabulate-flags",
        "link-compute-energy",
        "evaluate-normalization",
        "rank-normalization",
        "evaluate-mixed",
        "choose-references",
        "compare-normalization",
        "normalize",
        "compare-fronts",
        "compare",
        "front",
        "score",
        "estimate-training",
        "literature",
        "tabulate-findings",
    ),
    "challenge": ("challenge make", "challenge run", "challenge rank"),
    "publish": ("plot", "report", "model-card"),
    "plan": ("plan", "status", "simulate", "schema"),
}
NAMES = [name for names in COMMANDS.values() for name in names]


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Run the subcommand that the command line names, and leave with its exit code.

    Args:
        words: the command line behind `isojoule`, by default that of this process.
    """
    first, rest = named(list(sys.argv[1:] if words is None else words) or ["--help"])
    if first in ("-h", "--help"):
        tell(overview())
    if first == "--version":
        tell(f"isojoule {isojoule.__version__}")
    if first not in NAMES:
        below = [name for name in NAMES if name.startswith(f"{first} ")]
        nearest = below or difflib.get_close_matches(first, NAMES, n=1, cutoff=0.4)
        expected = f"expected one such as {', '.join(nearest)}; " if nearest else ""
        print(f"error: found no command {first}, {expected}isojoule --help lists all", file=sys.stderr)
        sys.exit(2)
    command = load(first)
    parser_of_command = parser(first, command)
    options = parser_of_command.parse_args(rest)
    if overwritten := _overwritten(options):
        parser_of_command.error(f"--output: found {overwritten}, which the command reads, expected another file")
    run(command, options)


def named(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the command that a command line names, which may be of two words, and the words behind it."""
    first, *rest = words
    is_of_two = any(name.partition(" ")[0] == first for name in NAMES if " " in name)
    if is_of_two and rest and not rest[0].startswith("-"):
        first, *rest = f"{first} {rest[0]}", *rest[1:]
    return first, rest


def _overwritten(options: argparse.Namespace) -> Path | None:
    """Return the output that is also an input, which the command would destroy; none where there is none."""
    paths: dict[str, list[Path]] = {}
    for name, value in vars(options).items():
        values = value if isinstance(value, list) else [value]
        paths[name] = [path for path in values if isinstance(path, Path) and path.is_file()]
    outputs = paths.pop("output", [])
    inputs = [path for values in paths.values() for path in values]
    return next((output for output in outputs if any(output.samefile(path) for path in inputs)), None)


def load(name: str) -> ModuleType:
    """Import the module of the subcommand `name`."""
    return importlib.import_module(f"isojoule.cli.{name.replace('-', '_').replace(' ', '.')}")


def parser(name: str, command: ModuleType) -> argparse.ArgumentParser:
    """Make the parser of a subcommand, whose help is the docstring of its module."""
    parser_of_command = Parser(
        prog=f"isojoule {name}",
        description=command.__doc__,
        formatter_class=Help,
        allow_abbrev=False,
    )
    command.configure(parser_of_command)
    return parser_of_command


def overview() -> str:
    """List all subcommands by their purpose, each with the first line of its help."""
    lines = [f"{isojoule.__doc__}", "", "usage: isojoule COMMAND [options]"]
    for purpose, names in COMMANDS.items():
        lines += ["", f"{purpose}:"]
        lines += [f"  {name:<24}{(load(name).__doc__ or '').partition(chr(10))[0]}" for name in names]
    return "\n".join([*lines, "", "isojoule COMMAND --help explains a command, with an example."])


class Help(argparse.RawDescriptionHelpFormatter):
    """Help that names the value of an option PATH, NUMBER or TEXT instead of after the option."""

    def _get_default_metavar_for_optional(self, action: argparse.Action) -> str:
        if action.type is Path:
            return "PATH"
        return "TEXT" if action.type is None else "NUMBER"


class Parser(argparse.ArgumentParser):
    """A parser that says in one sentence what is wrong, and names the option that the user probably meant."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: None = None) -> argparse.Namespace:  # type: ignore[override]
        """Parse the words of a command line, and refuse options that do not exist."""
        words = list(args or [])
        for word in words[: words.index("--")] if "--" in words else words:
            option = word.partition("=")[0]
            if option.startswith("--") and option not in self._option_string_actions:
                options = [name for name in self._option_string_actions if name.startswith("--")]
                nearest = difflib.get_close_matches(option, options, n=1, cutoff=0.4) or options
                self.error(f"found no option {option}, expected one such as {', '.join(nearest)}")
        return super().parse_args(words, namespace)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(
                action, f"found {value}, expected one of {', '.join(map(str, action.choices))}"
            )

    def error(self, message: str) -> NoReturn:
        """Print one sentence instead of the usage, which is long, and leave with exit code 2."""
        sentence = message.removeprefix("argument ").replace("the following arguments are required: ", "missing: ")
        if "command" in {action.dest for action in self._actions} and sentence.startswith("unrecognized"):
            sentence = f"{sentence}, expected -- in front of your program"
        print(f"error: {sentence}; {self.prog} --help explains it", file=sys.stderr)
        sys.exit(2)
