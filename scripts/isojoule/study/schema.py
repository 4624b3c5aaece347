"""The JSON schema of a study's configuration, with which editors complete and check its file."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from isojoule.workloads import interface


class _WithoutNull(GenerateJsonSchema):
    """Gives keys that may be left out no default, since the default would be null, which they refuse."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def schema() -> dict[str, Any]:
    """Make the JSON schema of the configuration of a study of any workload."""
    models = [interface.load(name) for name in interface.names()]
    references, definitions = models_json_schema(
        [(model, "validation") for model in models], schema_generator=_WithoutNull
    )
    return {"title": "Configuration of a study", "oneOf": list(references.values()), **definitions}
