"""The system clock, and random ids."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Final

from ports.clock import Clock
from ports.ids import Ids

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID_CHARS: Final = 26
_RANDOM_BITS: Final = 80


class SystemClock:
    """The system clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


class RandomIds:
    """Ids of 128 bits; job ids begin with the time, in the form of a ULID."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def new_job_id(self) -> str:
        """See the port.

        Ids sort by millisecond, and within a millisecond in the order of creation in this process.
        """
        milliseconds = int(self._clock.now().timestamp() * 1000)
        made = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        self._last = max(made, self._last + 1)
        digits = (_CROCKFORD[self._last >> 5 * place & 31] for place in reversed(range(_ID_CHARS)))
        return f"job-{''.join(digits)}"

    def new_connector_id(self) -> str:
        return f"con-{secrets.token_hex(8)}"

    def new_token(self) -> str:
        return secrets.token_hex(16)


_clock: type[Clock] = SystemClock
_ids: type[Ids] = RandomIds
