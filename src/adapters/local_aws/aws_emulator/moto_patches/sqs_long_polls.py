"""ReceiveMessage that waits without keeping everybody else out.

SQS Developer Guide, "Amazon SQS short and long polling": a long poll answers as soon as a message
is available, at the latest after WaitTimeSeconds, 0 to 20 (checked 2026-11). moto waits inside the
request, which behind one lock would stop the whole cloud.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from moto.sqs.models import Message, Queue, SQSBackend

from adapters.local_aws.aws_emulator.moto_patches.patching import replace
from adapters.local_aws.aws_emulator.request_lock import Gate

# A sent message wakes the poll at once; this bounds how late it sees one become visible again.
_RECHECK_S: Final = 0.1


def mend(gate: Gate) -> None:
    """Wait outside the gate, and let a new message end the wait."""

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
                gate.lend(min(_RECHECK_S, left_s))

        return receive_message

    def announcing(add: Callable[..., Any]) -> Callable[..., Any]:
        def add_message(self: Queue, message: Message) -> None:
            add(self, message)
            gate.announce()

        return add_message

    replace(SQSBackend, "receive_message", waiting)
    replace(Queue, "add_message", announcing)
