"""What the events of engine and processor share: how they are validated at the edge.

Only the fields that are used are declared. AWS adds fields to its events, so unknown fields are
ignored there. This service's own messages are strict. Each function builds the models of its own
events only, in `engine_events` and `processor_events`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import InvalidMessage

ID_CHARS_MAX: Final = 128

JobId = Annotated[str, Field(min_length=1, max_length=ID_CHARS_MAX)]

# Validation errors show the input by default, and logs must not hold bodies.
HIDDEN: Final = ConfigDict(hide_input_in_errors=True)


class StrictModel(BaseModel):
    """A message of this service."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AwsModel(BaseModel):
    """An event of AWS, or a part of one."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


@contextmanager
def invalid(what: str) -> Iterator[None]:
    """Convert a validation error to InvalidMessage, without values: logs must not hold bodies."""
    try:
        yield
    except ValidationError as error:
        details = "; ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'it'}: {detail['msg']}"
            for detail in error.errors(include_input=False, include_url=False)
        )
        raise InvalidMessage(f"{what}: {details}") from error
