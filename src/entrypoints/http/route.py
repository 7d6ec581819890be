"""What a route is: enough to serve it, and to describe it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from entrypoints.http.bodies import NoQuery, Wire
from entrypoints.http.exchange import Reply, Request
from entrypoints.http.problems import ProblemKind
from entrypoints.wiring.apps import ApiApp

Serve = Callable[[ApiApp, Request, str], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the API.

    `serve` gets the value of the path's parameter, empty if there is none. `answers` names a model
    of `entrypoints.http.responses`; by name, so that models that only describe are not imported to
    serve. `problems` are those beside the ones that every route may answer.
    """

    method: Literal["GET", "POST"]
    path: str
    serve: Serve
    operation: str
    summary: str
    status: int
    answers: str
    query: type[Wire] = NoQuery
    body: type[Wire] | None = None
    problems: tuple[ProblemKind, ...] = ()
    replayable: bool = False

    @property
    def rule(self) -> str:
        """The path as Powertools writes it."""
        return re.sub(r"\{(\w+)\}", r"<\1>", self.path)

    @property
    def parameter(self) -> str | None:
        """The name of the path's parameter."""
        match = re.search(r"\{(\w+)\}", self.path)
        return match[1] if match else None
