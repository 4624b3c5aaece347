"""Read a record of any kind, and refuse by name what is not one."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from isojoule.errors import InputError

AnyRecord = TypeVar("AnyRecord", bound=BaseModel)


def read_record(path: Path, model: type[AnyRecord]) -> AnyRecord:
    """Read the JSON file `path` as `model`.

    Raises:
        InputError: the file cannot be read, or is not such a record; names the file and the first wrong field.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: is not a {model.__name__}: {field}: {first['msg']}") from error
