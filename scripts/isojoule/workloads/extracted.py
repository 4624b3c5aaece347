"""Read what an extraction left in a folder: arrays and the statistics beside them, checked before they are used."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from isojoule import seals
from isojoule.errors import InputError

AGAIN = "isojoule extract-features writes it"


class _Statistics(BaseModel):
    mean: float = Field(allow_inf_nan=False, strict=True)
    std: float = Field(allow_inf_nan=False, strict=True, gt=0)


def array(path: Path, dtype: type, shape: tuple[int | None, ...]) -> NDArray[np.generic]:
    """Map an array from a file into memory.

    Args:
        path: a .npy file.
        dtype: type of its values.
        shape: length of each dimension, None where any is right but 0.

    Raises:
        InputError: the file is no such array; the message says what it is.
    """
    try:
        with warnings.catch_warnings():
            # numpy warns of a header that it reads nevertheless
            warnings.simplefilter("error")
            found = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        # numpy's reader raises whatever Python's parser and the system raise at a broken header
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or "nothing in it"
        raise InputError(f"{path}: is not an array that can be read: {reason}; {AGAIN}") from error
    if not isinstance(found, np.ndarray):
        raise InputError(f"{path}: found several arrays, expected one; {AGAIN}")
    is_alike = len(found.shape) == len(shape) and all(
        length > 0 and expected in (None, length) for length, expected in zip(found.shape, shape, strict=True)
    )
    if found.dtype != dtype or not is_alike:
        expected = ", ".join("any number" if length is None else str(length) for length in shape)
        raise InputError(
            f"{path}: found an array of {found.dtype} in the shape {found.shape}, expected one of "
            f"{np.dtype(dtype)} in the shape ({expected}); {AGAIN}"
        )
    return found


def statistics(folder: Path) -> tuple[float, float]:
    """Read the mean and the standard deviation of the training data.

    Raises:
        ChangedError: somebody changed them since they were made.
        InputError: the folder has none, or they are no numbers to standardize by.
    """
    path = folder / "statistics.json"
    try:
        found = _Statistics.model_validate(seals.read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: {name}: found {first['input']}: {first['msg']}; {AGAIN}") from error
    return found.mean, found.std
