"""Read YAML by its version 1.2, in which 1e-3 is a number, and refuse a key that is given twice."""

import re
from pathlib import Path
from typing import Any

import yaml

from isojoule.errors import InputError


class _Loader(yaml.CSafeLoader):
    pass


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key} is given twice", node.start_mark)
    return yaml.CSafeLoader.construct_mapping(loader, node, deep=True)


class _Dumper(yaml.SafeDumper):
    """Quotes a text that the loader would take for a number."""


for _reader_or_writer in (_Loader, _Dumper):
    _reader_or_writer.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
    )
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(path: Path) -> Any:
    """Read the content of a YAML file.

    Raises:
        InputError: the file cannot be read, or is not YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError, AttributeError, LookupError, RecursionError) as error:
        # PyYAML raises any of these where a tag does not fit its value, or nesting is too deep
        raise InputError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error


def text(content: Any) -> str:
    """Return YAML that `read` reads as the same content, in the order of its keys."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
