"""What runs the timers of connectors: it has the engine start syncs at their times."""

from __future__ import annotations

from typing import Protocol

from domain.schedule_runs import Timer


class Scheduler(Protocol):
    """Runs timers. Each of their times is delivered to the engine once or more, late, or never.

    An event names the connector, the timer's revision and the time. It is no proof that the timer
    is still wanted: one that was removed or replaced may still deliver.

    Every method may raise the Retryable and Fatal errors of `ports.errors`.
    """

    async def put(self, timer: Timer) -> None:
        """Have the timer run, and no other of its connector.

        One of this revision that runs already stays as it is. If the call fails, the timer, those
        before it, or both may run.

        Raises:
            Misconfigured: There is no place for timers in this installation.
        """
        ...

    async def remove(self, connector_id: str) -> None:
        """Have no timer of the connector run; that there is none is no error."""
        ...

    async def names(self) -> frozenset[str]:
        """Return the names of all timers that run (`Timer.name`); it may lag behind the others.

        Names of another form may be there, of what others have run.
        """
        ...

    async def connector_of(self, name: str) -> str | None:
        """Return the id of the connector whose timer has this name.

        None if no timer has it, or this service has not put it.
        """
        ...

    async def remove_one(self, name: str) -> None:
        """Have the timer of this name not run; that there is none is no error."""
        ...
