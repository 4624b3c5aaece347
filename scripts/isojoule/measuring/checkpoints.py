"""Weights from a training to its tests: safetensors, which holds no code."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_model, save_file, save_model
from torch import nn

from isojoule import seals
from isojoule.errors import InputError
from isojoule.files import seal_beside, written_whole
from isojoule.records import MeasurementRecord


def write(path: Path, model: nn.Module, origin: str) -> None:
    """Write the weights of `model` to `path`, whole or not at all; `origin` names what they depend on."""
    with _written(path) as temporary:
        save_model(model, temporary, metadata={"origin": origin})


def write_failure(path: Path, reason: str, origin: str) -> None:
    """Write a checkpoint without weights that tells the test why."""
    with _written(path) as temporary:
        save_file({}, temporary, metadata={"failure": reason, "origin": origin})


@contextmanager
def _written(path: Path) -> Iterator[str]:
    """Yield a temporary path as `written_whole`; safetensors tells the system's error only in its words."""
    with written_whole(path) as temporary:
        try:
            yield str(temporary)
        except SafetensorError as error:
            number = re.search(r"\(os error (\d+)\)", str(error))
            raise (OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))) from error
    seals.seal(path, MeasurementRecord.MADE_BY)


def remove(path: Path) -> None:
    """Remove a checkpoint and its seal, if they are there."""
    path.unlink(missing_ok=True)
    seal_beside(path).unlink(missing_ok=True)


def is_there(path: Path, origin: str) -> bool:
    """Whether `path` holds what a training of `origin` left, and nobody has changed it since."""
    try:
        seals.check(path)
        with safe_open(str(path), framework="pt") as opened:
            return (opened.metadata() or {}).get("origin") == origin
    except seals.ChangedError as error:
        print(f"{error}: trained again", file=sys.stderr, flush=True)
        return False
    except (OSError, SafetensorError, InputError):
        return False


def load(path: Path, model: nn.Module) -> str | None:
    """Load the weights in `path` into `model`; return the reason where there are none.

    Raises:
        InputError: the file is missing, broken, or holds the weights of another architecture.
        ChangedError: it was changed since it was written.
    """
    seals.check(path)
    try:
        with safe_open(str(path), framework="pt") as opened:
            failure = (opened.metadata() or {}).get("failure")
        if failure is None:
            load_model(model, str(path))
        return failure
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: is not a checkpoint that can be read: {error}") from error
    except RuntimeError as error:
        raise InputError(f"{path}: holds the weights of another architecture") from error
