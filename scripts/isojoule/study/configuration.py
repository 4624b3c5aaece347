"""Read a study's configuration, refuse what is wrong with it by name, fill in the defaults."""

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from isojoule.errors import InputError
from isojoule.files import write_text
from isojoule.workloads import interface

SCHEMA = Path(__file__).parents[1] / "schemas" / "config.schema.yaml"

Configuration = dict[str, Any]


class _Loader(yaml.CSafeLoader):
    """YAML 1.2 numbers (1e-3 is a number), and a key given twice is an error."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key} is given twice", node.start_mark)
    return yaml.CSafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path) -> Configuration:
    """Read, check and complete the configuration in the YAML file `path`.

    Raises:
        InputError: the file cannot be read, is not YAML, or does not follow the schema.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error
    return check(content, str(path))


def check(content: Any, source: str = "configuration") -> Configuration:
    """Return a copy of `content` with defaults filled in.

    Args:
        content: the parsed configuration.
        source: what the messages call it.

    Raises:
        InputError: naming every key that is unknown, missing or wrong, what was found and what was expected.
    """
    if not isinstance(content, dict):
        raise InputError(f"{source}: found {_shown(content)}, expected keys such as study, dataset, gpus")
    schema = _schema(content, source)
    found = sorted(jsonschema.Draft202012Validator(schema).iter_errors(content), key=lambda e: list(map(str, e.path)))
    if errors := [_precise(error) for error in found if _precise(error).validator != "oneOf"]:
        raise InputError("\n       ".join(f"{source}: {_sentence(error)}" for error in errors))
    configuration: Configuration = _completed(copy.deepcopy(content), schema, schema)
    if (target := configuration["pareto"].get("normalize_to")) not in (None, *configuration["gpus"]):
        raise InputError(
            f"{source}: pareto.normalize_to: found {target}, expected one of gpus: {', '.join(configuration['gpus'])}"
        )
    for name, gpu in configuration["gpus"].items():
        if gpu["device"] == "cpu" and gpu.get("precision", configuration["precision"]) == "tf32":
            raise InputError(f"{source}: gpus.{name}.precision: found tf32 on device cpu, expected fp32 or bf16")
        if "gres" in gpu and ("gpu" in gpu or "gpu_model" in gpu):
            raise InputError(
                f"{source}: gpus.{name}: found gres beside gpu or gpu_model, expected one way to ask for it"
            )
    if "quality_table" in configuration["analysis"] and "test" not in configuration["phases"]:
        raise InputError(f"{source}: analysis.quality_table: found no phase test in this study, expected one")
    interface.load(configuration["workload"]).check(configuration, source)
    return configuration


def check_files(configuration: Configuration) -> None:
    """Refuse a study whose own tables are not there, before anything of it runs.

    Raises:
        InputError: naming the key, and where the file was looked for.
    """
    table = configuration["analysis"].get("quality_table")
    if table and not Path(table).is_file():
        raise InputError(f"analysis.quality_table: found no file {table} in {Path.cwd()}, expected a CSV of qualities")


def store(configuration: Configuration, path: Path) -> None:
    """Write `configuration` to `path` as YAML, unless it is there already."""
    text = yaml.safe_dump(configuration, sort_keys=False, allow_unicode=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def _schema(content: dict[str, Any], source: str) -> dict[str, Any]:
    """The common schema with the part of the study's workload, behind the key that names it."""
    if "workload" not in content:
        raise InputError(f"{source}: workload: missing")
    if (name := content["workload"]) not in interface.names():
        raise InputError(f"{source}: workload: found {_shown(name)}, expected one of {', '.join(interface.names())}")
    common, own = (yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) for path in (SCHEMA, _part(name)))
    qualities = list(interface.load(name).QUALITIES)
    common["properties"]["pareto"]["properties"]["qualities"] |= {"items": {"enum": qualities}, "default": qualities}
    first = {key: common["properties"].pop(key) for key in ("study", "workload")}
    return {
        **common,
        "required": common["required"] + own["required"],
        "properties": {**first, **own["properties"], **common["properties"]},
        "$defs": {**common["$defs"], **own.get("$defs", {})},
    }


def _part(workload: str) -> Path:
    return Path(interface.__file__).parent / workload / "description" / "config.schema.yaml"


def _precise(error: Any) -> Any:
    """The error behind a failed choice between schemas, of the branch that the user meant."""
    if error.validator == "oneOf" and isinstance(error.instance, dict):
        titles = [branch["title"] for branch in error.validator_value]
        if error.instance.get("source") in titles:
            meant = titles.index(error.instance["source"])
            return next(_precise(sub) for sub in error.context or [] if sub.schema_path[0] == meant)
    return error


def _sentence(error: Any) -> str:
    key = ".".join(str(part) for part in error.absolute_path)
    found, expected = _shown(error.instance), error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            unknown = sorted(set(error.instance) - set(known))
            where = f"{key}." if key else ""
            return f"{where}{unknown[0]}: unknown key, expected one of {', '.join(known)}"
        case "required":
            missing = sorted(set(expected) - set(error.instance))
            where = f"{key}." if key else ""
            return f"{where}{missing[0]}: missing"
        case "enum":
            wanted = "one of " + ", ".join(map(str, expected))
        case "const":
            wanted = str(expected)
        case "type":
            wanted = f"{'an' if expected[0] in 'aeio' else 'a'} {expected}"
        case "minItems" | "minProperties":
            return f"{key}: is empty or too short, expected at least {expected} entries"
        case "maxItems":
            wanted = f"at most {expected} entries"
        case "uniqueItems":
            wanted = "no entry twice"
        case "minimum":
            wanted = f"{expected} or more"
        case "exclusiveMinimum":
            wanted = f"more than {expected}"
        case "pattern":
            wanted = f"text of the form {expected}"
        case "anyOf":
            one = next((str(sub.validator_value)[1:-1] for sub in error.context if sub.validator == "enum"), "")
            wanted = f"{f'one of {one}' if one else 'a whole number of 1 or more'}, or a list of them that is not empty"
        case _:
            return f"{key}: {error.message}"
    return f"{key}: found {found}, expected {wanted}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _completed(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """Fill `default`s of `schema` into `value`, following references and the chosen branch."""
    if "$ref" in schema:
        schema = {**root["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    for branch in schema.get("oneOf", []):
        if branch["title"] == value.get("source"):
            return _completed(value, branch, root)
    if isinstance(value, dict):
        for key, sub in schema.get("properties", {}).items():
            resolved = {**root["$defs"][sub["$ref"].rpartition("/")[2]], **sub} if "$ref" in sub else sub
            if key not in value and "default" in resolved:
                value[key] = copy.deepcopy(resolved["default"])
            if key in value:
                value[key] = _completed(value[key], resolved, root)
        if isinstance(schema.get("additionalProperties"), dict):
            for key in value:
                value[key] = _completed(value[key], schema["additionalProperties"], root)
    elif isinstance(value, list) and "items" in schema:
        return [_completed(item, schema["items"], root) for item in value]
    return value
