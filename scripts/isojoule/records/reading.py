"""Read a record of any kind, and name the first wrong field of a file that is none."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from isojoule.errors import InputError
from isojoule.files import unreadable
from isojoule.naming import escaped
from isojoule.records.base import Record
from isojoule.seals import check_json

AnyRecord = TypeVar("AnyRecord", bound=Record)


class OtherVersionError(InputError):
    """The file is a record as another version of isojoule writes it."""


def read_record(path: Path, model: type[AnyRecord]) -> AnyRecord:
    """Read the JSON file `path` as `model`.

    Raises:
        InputError: the file cannot be read, or is not such a record; the message names file and first wrong field.
        OtherVersionError: the file is a record of another version.
        ChangedError: the record was changed since it was written.
    """
    try:
        content = path.read_bytes()
        record = model.model_validate_json(content)
    except OSError as error:
        raise unreadable(path, error, f"a record, the JSON of a {model.__name__}") from error
    except ValidationError as error:
        errors = {".".join(map(str, problem["loc"])) or "the file": problem["msg"] for problem in error.errors()}
        kind = OtherVersionError if "schema_version" in errors else InputError
        field = "schema_version" if kind is OtherVersionError else next(iter(errors))
        raise kind(f"{path}: is not a {model.__name__}: {escaped(field)}: {errors[field]}") from error
    if record.seal is not None:
        check_json(path, content, record.seal)
    return record
