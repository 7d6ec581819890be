"""What bodies of requests may carry about removed objects."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from domain.removal_settings import COUNT_MAX, Removals
from entrypoints.http.values import WHOLE
from entrypoints.http.wire import Wire

_DEFAULTS = Removals()
_Count = Annotated[int, Field(ge=0, le=COUNT_MAX), WHOLE]


class RemovalsBody(Wire):
    """That whole syncs are compared with the one before, and what the guard lets pass."""

    announce: bool = Field(
        _DEFAULTS.announce, description="Whether an event is sent for each removed object."
    )
    max_share: Annotated[float, Field(ge=0, le=1)] = Field(
        float(_DEFAULTS.max_share),
        description="The guard stops if more than this share of the objects is missing.",
    )
    max_count: _Count = Field(
        _DEFAULTS.max_count,
        description="The guard stops if more objects than this are missing, whatever the share.",
    )
    min_count: _Count = Field(
        _DEFAULTS.min_count,
        description="The guard ignores the share if fewer objects than this are missing, unless"
        " none is left.",
    )

    def to_removals(self) -> Removals:
        """Return the settings."""
        return Removals(
            announce=self.announce,
            max_share=Decimal(str(self.max_share)),
            max_count=self.max_count,
            min_count=self.min_count,
        )


class ConfirmationBody(Wire):
    """A confirmation of what the guard has stopped."""

    missing: _Count = Field(
        description="How many missing objects are confirmed, as `removals.missing` shows it."
    )
