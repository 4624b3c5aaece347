"""The options and arguments that several commands share: each is defined once and means the same everywhere."""

import argparse
import difflib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from isojoule.errors import InputError

TABLE = "table of measurements, parquet or CSV"


def table(parser: argparse.ArgumentParser, what: str = TABLE) -> None:
    """Add TABLE, the file that a command reads, described by `what`."""
    parser.add_argument("table", metavar="TABLE", type=Path, help=what)


def config(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add --config, the configuration of a study."""
    parser.add_argument("--config", type=Path, required=required, help="configuration of the study, a YAML file")


def results(parser: argparse.ArgumentParser) -> None:
    """Add --results, the folder of a study."""
    parser.add_argument("--results", type=Path, required=True, help="folder of the study's results")


def tables_of_study(parser: argparse.ArgumentParser) -> None:
    """Add --tables and --results, the tables of a study and the folder that they are below."""
    parser.add_argument(
        "--results", type=Path, default=Path(), help="folder of the study's results (default: this folder)"
    )
    parser.add_argument(
        "--tables", type=Path, nargs="*", default=[], help="tables that the analysis wrote, CSV or parquet"
    )


def tables_by_path(options: argparse.Namespace) -> dict[str, Path]:
    """Return the files of --tables by their path below --results, with their seals checked.

    Raises:
        InputError: one is no file below that folder, or was changed.
    """
    from isojoule import seals

    tables = {}
    for path in options.tables:
        if not path.is_file() or not path.is_relative_to(options.results):
            raise InputError(f"tables: found {path}, expected a file below {options.results}")
        seals.check(path)
        tables[path.relative_to(options.results).as_posix()] = path
    return tables


def output(parser: argparse.ArgumentParser, what: str, *, required: bool = True) -> None:
    """Add --output, the file or folder that a command writes, described by `what`."""
    parser.add_argument("--output", type=Path, required=required, help=what)


def append(parser: argparse.ArgumentParser) -> None:
    """Add --append, the table that gets a row."""
    parser.add_argument("--append", metavar="TABLE", type=Path, help="table to add a row to, parquet or CSV")


def kinds(parser: argparse.ArgumentParser) -> None:
    """Add --kinds, the kinds of energy that a command may use together."""
    parser.add_argument(
        "--kinds",
        nargs="+",
        help="kinds of energy to use together: measured, estimated, simulated (default: the only one, else measured)",
    )


def phase(parser: argparse.ArgumentParser) -> None:
    """Add --phase, the phase whose energies a command is about."""
    parser.add_argument(
        "--phase", required=True, choices=("train", "test"), help="phase that all the energies belong to"
    )


def target(parser: argparse.ArgumentParser, what: str, *, required: bool = False) -> None:
    """Add --target, the GPU that energies are normalized to."""
    parser.add_argument("--target", metavar="GPU", required=required, help=what)


def seed(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --seed, the seed of what `what` names."""
    parser.add_argument("--seed", type=at_least(0), default=0, help=f"seed {what} (default: 0)")


def draws(parser: argparse.ArgumentParser, default: int, what: str) -> None:
    """Add --draws, how often something random is repeated."""
    parser.add_argument("--draws", type=at_least(1), default=default, help=f"{what} (default: {default})")


def workers(parser: argparse.ArgumentParser, default: int, what: str) -> None:
    """Add --workers, how many threads or processes work at the same time."""
    parser.add_argument("--workers", type=at_least(1), default=default, help=f"{what} (default: {default})")


def name(parser: argparse.ArgumentParser) -> None:
    """Add --name, the column that has the names of the models."""
    parser.add_argument(
        "--name", metavar="COLUMN", help="column of the names (default: architecture, model, system or name)"
    )


def allow_empty(parser: argparse.ArgumentParser) -> None:
    """Add --allow-empty, with which the workflow gets an empty table of a study that cannot be normalized."""
    parser.add_argument(
        "--allow-empty", action="store_true", help="write an empty table where there is nothing to normalize"
    )


def at_least(minimum: int) -> Callable[[str], int]:
    """Make the type of an option that is a whole number of `minimum` or more."""

    def whole(text: str) -> int:
        if not re.fullmatch("-?[0-9]{1,100}", text) or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"found {text}, expected a whole number of {minimum} or more")
        return int(text)

    return whole


def above_zero(text: str) -> float:
    """Read an option that is a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text}, expected a number above 0")
    return value


def one_of(names: Sequence[str], option: str, name: str) -> str:
    """Return `name` if it is one of the configuration's names, and refuse it otherwise.

    Args:
        names: what the configuration names, such as the keys of its `gpus`.
        option: the option that the user gave.
        name: the value of the option.

    Raises:
        InputError: the name is not one of them; the message has the closest ones.
    """
    if name not in names:
        nearest = difflib.get_close_matches(name, names) or names[:5]
        raise InputError(f"{option}: found {name}, expected one of the configuration's, such as {', '.join(nearest)}")
    return name
