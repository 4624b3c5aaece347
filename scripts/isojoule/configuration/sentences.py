"""Say what is wrong with a configuration in sentences: the key, what was found and what was expected."""

import re
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from isojoule.configuration.yaml_reader import Unclear
from isojoule.errors import InputError

Location = tuple[int | str, ...]

MISFIT = "misfit"
# what YAML makes of a word without quotes that was perhaps meant as a name
NO_TEXT = (bool, int, float, NoneType, Unclear)
# what was expected, by the type of pydantic's error
EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "string_too_short": "text that is not empty",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
    "greater_than": "more than {gt:.12g}",
    "greater_than_equal": "{ge:.12g} or more",
    "less_than_equal": "{le:.12g} or less",
    "too_long": "at most {max_length} entries",
    "invalid-json-value": "text, a number, a boolean, null, or lists and mappings of them",
    MISFIT: "{expected}",
}


def misfit(expected: str, found: str | None = None, key: str = "") -> PydanticCustomError:
    """Make the error that a validator of our own raises.

    Args:
        expected: what would be right.
        found: what is wrong, in words; by default the value itself.
        key: which key of the validated section is wrong; by default the section itself.
    """
    return PydanticCustomError(MISFIT, "expected {expected}", {"expected": expected, "found": found, "key": key})


def refusal(error: ValidationError, model: type[BaseModel], source: str) -> InputError:
    """Make the error to show a user, with a sentence for everything that is wrong.

    Args:
        error: the error of pydantic.
        model: the model of the whole configuration.
        source: what the sentences call the configuration.
    """
    problems = sorted(error.errors(), key=lambda problem: list(map(str, problem["loc"])))
    return InputError("\n       ".join(f"{source}: {_sentence(problem, model)}" for problem in problems))


def shown(value: object) -> str:
    """Return a value as the sentences show it, cut where it is long; null, true and false are those of YAML."""
    text = str(value).lower() if isinstance(value, bool) else "null" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _sentence(problem: ErrorDetails, model: type[BaseModel]) -> str:
    context = problem.get("ctx", {})
    keys, section = _located(model, problem["loc"])
    key = ".".join([*keys, *filter(None, [context.get("key")])])
    unknown = f"unknown key, expected one of {', '.join(section.model_fields)}"
    match problem["type"]:
        case "missing":
            return f"{key}: missing"
        case "union_tag_not_found":
            return f"{key}.source: missing"
        case "extra_forbidden":
            return f"{key}: {unknown}"
        case "invalid_key":
            # pydantic writes a key such as True, which YAML makes of `on`, as a number into the location
            return f"{'.'.join([*keys[:-1], str(problem['input'])])}: {unknown}"
        case "too_short":
            return f"{key}: is empty or too short, expected at least {context['min_length']} entries"
        case "union_tag_invalid":
            source = shown(problem["input"]["source"])
            return f"{key}.source: found {source}, expected one of {_listed(context['expected_tags'])}"
        case "literal_error":
            expected = f"one of {_listed(context['expected'])}"
        case kind if kind in EXPECTED:
            expected = EXPECTED[kind].format(**context)
            if kind == "string_type" and isinstance(problem["input"], NO_TEXT):
                expected += ", in quotes where it looks like a number, true, false or null"
        case _:
            return f"{key}: {problem['msg']}"
    return f"{key}: found {context.get('found') or shown(problem['input'])}, expected {expected}"


def _listed(values: str) -> str:
    """List values with commas that pydantic lists as 'a', 'b' or 'c'."""
    return re.sub(r",? or ", ", ", values).replace("'", "")


def _located(model: type[BaseModel], location: Location) -> tuple[list[str], type[BaseModel]]:
    """Return the keys that lead to a location in the user's file, and the innermost section around it.

    Pydantic's location has more than these keys: after a choice between sections it has the chosen `source`, and after
    a key that is wrong itself it has the mark `[key]`.
    """
    if location and location[-1] == "[key]":
        location = location[:-2]
    keys: list[str] = []
    remaining = list(location)
    section: type[BaseModel] = model
    kind: Any = model
    while remaining:
        kind = _unwrapped(kind, remaining)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            section = kind
            if remaining[0] not in kind.model_fields:
                break
            kind = kind.model_fields[str(remaining[0])].annotation
        elif get_origin(kind) in (dict, list):
            kind = get_args(kind)[-1]
        else:
            break
        keys.append(str(remaining.pop(0)))
    return [*keys, *map(str, remaining)], section


def _unwrapped(kind: Any, remaining: list[int | str]) -> Any:
    """Return the type behind annotations and choices, and take the name of a chosen branch out of `remaining`."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, UnionType):
            branches = [branch for branch in get_args(kind) if branch is not NoneType]
            if len(branches) > 1:
                source = remaining.pop(0)
                kind = next(kind for kind in branches if source in get_args(kind.model_fields["source"].annotation))
            else:
                (kind,) = branches
        else:
            return kind
