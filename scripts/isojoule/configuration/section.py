"""What all sections of a configuration have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping with these keys and no others, of exactly these types, that nobody changes once it is checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def plain(self, **chosen: Any) -> dict[str, Any]:
        """The section as built-in types, without the keys that were left out and have no default.

        Args:
            chosen: `include` or `exclude`, as pydantic's `model_dump` takes them.
        """
        return self.model_dump(exclude_none=True, **chosen)
