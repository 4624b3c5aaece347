"""The base of all sections of a configuration."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping that has only these keys, of exactly these types, and that nobody can change once it is checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def plain(self, **chosen: Any) -> dict[str, Any]:
        """Return the section as built-in types, without the keys that were left out and have no default.

        Args:
            chosen: `include` or `exclude`, as pydantic's `model_dump` takes them.
        """
        return self.model_dump(exclude_none=True, **chosen)
