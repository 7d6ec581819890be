"""The findings of checks, and the caller's identity."""

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
    """A problem (`fatal`), or a warning: something could not be read, or may be unexpected."""

    fatal: bool
    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who deploys, and where to."""

    account: str
    region: str
