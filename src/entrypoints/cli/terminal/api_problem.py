"""What a command reports where the API, or AWS, does not do what it was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ApiProblem(Exception):
    """The API refused a request, or could not be reached; the message is for the user.

    `more` are further lines: what is wrong with which field.
    """

    def __init__(
        self, message: str, problem: dict[str, Any] | None = None, *, more: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.more = tuple(more)
        self.problem = problem or {"title": "Unreachable", "detail": message}
