"""The one lock that every request to the emulated cloud passes through.

Owns mutual exclusion and nothing else. moto keeps its state in plain dictionaries and is not safe
under threads: acknowledged writes get lost when requests overlap. Since moto is bound by the
interpreter anyway, admitting one request at a time costs no throughput.
"""

import threading
from types import TracebackType
from typing import Self


class Gate:
    """A lock that a request holds while it runs, and may lend while it waits for something."""

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())

    def __enter__(self) -> Self:
        self._condition.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._condition.release()

    def lend(self, timeout_s: float) -> None:
        """Let others in until `announce` is called or the time is over; the caller holds the gate.

        State may be anything afterwards: the caller looks again.
        """
        self._condition.wait(timeout_s)

    def announce(self) -> None:
        """Wake every request that lent the gate; the caller holds the gate."""
        self._condition.notify_all()
