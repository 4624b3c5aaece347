"""The types of single values in a configuration."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, WrapValidator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from isojoule.configuration.sentences import misfit

Value = TypeVar("Value")
Handler = Callable[[Any], Any]


class _NeverNull:
    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(kind)
        return schema["schema"] if schema["type"] == "nullable" else schema


class OneOf:
    """Accepts one of these values, which a type checker need not know; 2.0 is not 2."""

    def __init__(self, values: tuple[str, ...] | tuple[int, ...]) -> None:
        self._values = list(values)

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._checked, handler(kind))

    def _checked(self, value: Any) -> Any:
        if not any(type(value) is type(allowed) and value == allowed for allowed in self._values):
            raise misfit(f"one of {', '.join(map(str, self._values))}")
        return value

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """List the values in the JSON schema, so that editors complete them."""
        return {**handler(schema), "enum": self._values}


def as_written(value: Any, handler: Handler) -> Any:
    """Keep whole numbers whole where any number is allowed: slices of the configuration are as the user wrote it."""
    handler(value)
    return value


def _distinct(values: list[Value]) -> list[Value]:
    if any(value in values[:number] for number, value in enumerate(values)):
        raise misfit("no entry twice")
    return values


def one_or_more(expected: str) -> Any:
    """Make a validator that turns one value into a list of it, and says one sentence whatever is wrong with a value.

    Args:
        expected: one right value, in words.
    """

    def listed(value: Any, handler: Handler) -> Any:
        try:
            return handler(value if isinstance(value, list) else [value])
        except ValidationError as error:
            raise misfit(f"{expected}, or a list of them that is not empty") from error

    return listed


# a key that may be left out, but may not be null
IfGiven = Annotated[Value | None, _NeverNull()]

Text = Annotated[str, Field(min_length=1)]
# a word of SLURM's, to which quotes and blanks would go as they are
Word = Annotated[str, Field(pattern=r"^[^\s'\"]+$")]
# it is the name of a folder, of which file systems allow 255 characters
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Count = Annotated[int, Field(ge=1, le=10**9)]
# numbers of clips, draws and the like, each of which takes time or memory
Effort = Annotated[int, Field(ge=1, le=10**6)]
# scikit-learn takes seeds of 32 bits
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Positive = Annotated[float, Field(gt=0), WrapValidator(as_written)]
NotNegative = Annotated[float, Field(ge=0), WrapValidator(as_written)]
Precision = Literal["fp32", "tf32", "bf16"]

NonEmpty = Annotated[list[Value], Field(min_length=1)]
Distinct = Annotated[list[Value], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})]
