"""The one lock that every request to the emulated services holds while it runs.

moto keeps its state in plain dictionaries and is not safe
under threads: acknowledged writes get lost when requests overlap. Since moto is CPU-bound in one
interpreter, running one request at a time costs no throughput.
"""

import threading
from types import TracebackType
from typing import Self


class RequestLock:
    """A lock that a request holds while it runs, and releases while it waits for something."""

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

    def wait(self, timeout_s: float) -> None:
        """Release the lock until `notify_all` or the timeout; the caller holds the lock.

        The state may have changed in the meantime, so the caller checks it again.
        """
        self._condition.wait(timeout_s)

    def notify_all(self) -> None:
        """Wake every request that lent the gate; the caller holds the request_lock."""
        self._condition.notify_all()
