"""The status topic, as a list of published messages."""

from __future__ import annotations

from domain.message import StatusMessage
from ports.status_notifier import StatusNotifier


class MemoryStatusNotifier:
    """Stores published messages in `messages`, in order."""

    def __init__(self) -> None:
        self.messages: list[StatusMessage] = []

    async def publish(self, message: StatusMessage) -> None:
        self.messages.append(message)


_: type[StatusNotifier] = MemoryStatusNotifier
