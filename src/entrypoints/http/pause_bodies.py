"""The body of a request to pause."""

from __future__ import annotations

from pydantic import Field

from entrypoints.http.values import PauseReason
from entrypoints.http.wire import Wire


class PauseBody(Wire):
    """Why something is paused, for those who look at it later. It may be left out."""

    reason: PauseReason | None = Field(None, description="Why, in the operator's words.")
