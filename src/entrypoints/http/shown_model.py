"""What all models of responses have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Count = Annotated[int, Field(ge=0)]


class Shown(BaseModel):
    """Every field is always there; what is not known or does not apply is null."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)
