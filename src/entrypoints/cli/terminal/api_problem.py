"""The error that a command reports if a request to the API or to AWS failed."""

from __future__ import annotations

from collections.abc import Sequence

from domain.views import Json


class ApiProblem(Exception):
    """A request was rejected, or the service could not be reached; the message is for the user.

    `more` are further lines: the error of each field. `passing` is whether the same request may
    succeed later.
    """

    def __init__(
        self,
        message: str,
        problem: Json | None = None,
        *,
        more: Sequence[str] = (),
        passing: bool = False,
    ) -> None:
        super().__init__(message)
        self.more = tuple(more)
        self.passing = passing
        self.problem = problem or {"title": "Unreachable", "detail": message}
