"""Time and ids, handed in from outside so that tests can own them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Environment:
    """What the emulator would otherwise ask the machine for.

    Attributes:
        clock: The present instant, aware.
        sleep: Waits for a number of seconds; 0 lets others run.
        new_id: A new unique id, of the form of a UUID.
    """

    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
