"""Long polling that does not block other requests.

SQS Developer Guide, "Amazon SQS short and long polling": a long poll returns as soon as a message
is available, at the latest after WaitTimeSeconds, 0 to 20 (checked 2026-11). moto waits inside the
request, which would hold the lock and block every other request.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from moto.sqs.models import Message, Queue, SQSBackend

from adapters.local_aws.aws_emulator.moto_patches.patching import patch
from adapters.local_aws.aws_emulator.request_lock import RequestLock

# A new message wakes the poll at once; a message that becomes visible again is seen this late.
_RECHECK_S: Final = 0.1


def apply(request_lock: RequestLock) -> None:
    """Wait without the lock, and let a new message end the wait."""

    def waiting(receive_now: Callable[..., Any]) -> Callable[..., Any]:
        def receive_message(
            self: SQSBackend,
            queue_name: str,
            count: int,
            wait_seconds_timeout: int,
            *rest: Any,
            **named: Any,
        ) -> list[Message]:
            deadline = time.monotonic() + wait_seconds_timeout
            while True:
                found: list[Message] = receive_now(self, queue_name, count, 0, *rest, **named)
                left_s = deadline - time.monotonic()
                if found or left_s <= 0:
                    return found
                request_lock.wait(min(_RECHECK_S, left_s))

        return receive_message

    def notifying(add: Callable[..., Any]) -> Callable[..., Any]:
        def add_message(self: Queue, message: Message) -> None:
            add(self, message)
            request_lock.notify_all()

        return add_message

    patch(SQSBackend, "receive_message", waiting)
    patch(Queue, "add_message", notifying)
