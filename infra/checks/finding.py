"""What a check finds, and who asks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

OpenClient = Callable[..., Any]
"""Opens the client of a service, given its name; `region_name` where it is in another Region."""

DENIED: Final = (
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong (`fatal`), or that could not be looked at or may surprise."""

    fatal: bool
    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who deploys, and where to."""

    account: str
    region: str
