"""Read YAML by the core schema of its version 1.2, and refuse a key that is given twice.

Of plain words only numbers, `true`, `false` and `null` are no text: `3e-3` is a number, while `yes` and `on` are words.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from isojoule.errors import InputError
from isojoule.files import unreadable

MERGE = "tag:yaml.org,2002:merge"
UNCLEAR = "!unclear"
# tag, form and first characters of plain words that are no text (YAML 1.2.2, section 10.3.2); << is of YAML 1.1
FORMS = (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (UNCLEAR, r"[-+]?0o?[0-9]+", list("-+0")),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+|0x[0-9a-fA-F]{1,16}", list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    (MERGE, "<<", ["<"]),
)


@dataclass(frozen=True)
class Unclear:
    """A number with leading zeros: 010 is 8 by YAML 1.1 and 10 by YAML 1.2, and may be meant as a name."""

    text: str
    line: int

    def __repr__(self) -> str:
        return f"{self.text} (line {self.line}), which readers of YAML take differently"


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012


class _Dumper(yaml.SafeDumper):
    """Quotes a text that the loader, or a reader of YAML 1.1, would take for anything else."""


for _tag, _form, _first_characters in FORMS:
    for _reader_or_writer in (_Loader, _Dumper):
        _reader_or_writer.add_implicit_resolver(_tag, re.compile(f"^(?:{_form})$"), _first_characters)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    lines: dict[Any, int] = {}
    for key_node, _ in node.value:
        mark = key_node.start_mark
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(problem="found a list or mapping as a key", problem_mark=mark)
        key = key_node.value if key_node.tag == MERGE else loader.construct_object(key_node)
        if key in lines:
            problem = f"the key {key_node.value} is given twice, first in line {lines[key]}"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=mark)
        lines[key] = mark.line + 1
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_constructor(UNCLEAR, lambda _, node: Unclear(node.value, node.start_mark.line + 1))


def read(path: Path) -> Any:
    """Read the content of a YAML file.

    Raises:
        InputError: the file cannot be read, is not YAML in UTF-8, or gives a key twice.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error, "a YAML file") from error
    try:
        words = content.decode("utf-8-sig")
        if "\t" in words and not _is_json(words):
            # the YAML reader of Snakemake takes no tab between words, and both doors are to read the same
            for _ in yaml.scan(words):
                pass
        return yaml.load(words, _Loader)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"found the byte {content[error.start]:#04x} in line {line}"
        raise InputError(f"{path}: is not text in UTF-8: {found}; save it in that encoding") from error
    except yaml.reader.ReaderError as error:
        raise InputError(f"{path}: is not YAML: found the character U+{error.character:04X}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise InputError(f"{path}: is not YAML: {where}{problem}") from error
    except RecursionError as error:
        raise InputError(f"{path}: is not YAML: lists or mappings are nested too deep") from error
    except (yaml.YAMLError, ValueError, AttributeError, LookupError) as error:
        # PyYAML raises any of these where a tag does not fit its value
        raise InputError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error


def _is_json(words: str) -> bool:
    """Say whether a text is JSON as well, which Snakemake reads by a reader of its own."""
    try:
        json.loads(words)
    except ValueError:
        return False
    return True


def read_1_1(path: Path) -> Any:
    """Read the content of a YAML file that `read` has read, by version 1.1, as Snakemake does."""
    return yaml.load(path.read_bytes(), yaml.CSafeLoader)


def text(content: Any) -> str:
    """Return YAML that `read` reads as the same content, in the order of its keys."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
