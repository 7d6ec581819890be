"""Time and ids as parameters, so that tests can control them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Environment:
    """Clock, sleep and id generator of the emulator.

    Attributes:
        clock: Returns the current time, timezone-aware.
        sleep: Waits for a number of seconds; 0 yields to other tasks.
        new_id: Returns a new UUID.
    """

    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
