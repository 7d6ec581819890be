"""What a route is: enough to serve it, and to describe it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic.alias_generators import to_camel

from entrypoints.http import problems
from entrypoints.http.problems import ProblemKind

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the API.

    `answers` names a model of one of the modules of responses; by name, so that models that only
    describe are not imported to serve. It is "Nothing" for a response without a body. `problems`
    are those in addition to what every route may answer.
    """

    method: Method
    path: str
    handler: Callable[..., Awaitable[Any]]
    operation: str
    summary: str
    answers: str
    status: int
    problems: tuple[ProblemKind, ...]
    replayable: bool


class RouteTable(list[Route]):
    """The routes, in the order of their handlers; the rest is read off the handler."""

    def route(
        self, method: Method, path: str, answers: str, status: int = 200, *own: ProblemKind
    ) -> Callable[[Handler], Handler]:
        """Add the handler that this decorates; `own` are its problems that no rule implies."""

        def add(handler: Handler) -> Handler:
            arguments = inspect.signature(handler).parameters
            implied = [
                *((problems.INVALID_JSON, problems.UNSUPPORTED_MEDIA_TYPE) * ("body" in arguments)),
                *((problems.INVALID_CURSOR,) * ("cursor" in arguments)),
                *((problems.NOT_FOUND,) * ("{" in path)),
            ]
            self.append(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    operation=to_camel(handler.__name__),
                    summary=(inspect.getdoc(handler) or "").removesuffix("."),
                    answers=answers,
                    status=status,
                    problems=(*implied, *own),
                    replayable="idempotency_key" in arguments,
                )
            )
            return handler

        return add
