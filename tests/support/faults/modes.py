"""Failure modes of a request: each is a problem of networks or services.

Services have different messages; these are those of AWS's pages and of public reports.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from faults.exchange import Exchange
from faults.proxy import Fault


class Mode(StrEnum):
    """A failure mode."""

    RESET = "reset"
    STALL = "stall"
    SLOW_BODY = "slow-body"
    HALF_ANSWER = "half-answer"
    ERROR_AFTER_EFFECT = "error-after-effect"
    STORM = "storm"
    WRONG_CLOCK = "wrong-clock"


async def reset_before_effect(exchange: Exchange) -> None:
    exchange.reset()


async def reset_after_effect(exchange: Exchange) -> None:
    await exchange.carry_out()
    exchange.reset()


async def stall_before_effect(exchange: Exchange) -> None:
    await exchange.stall()


async def stall_after_effect(exchange: Exchange) -> None:
    await exchange.carry_out()
    await exchange.stall()


async def slow_body(exchange: Exchange) -> None:
    answer = await exchange.carry_out()
    await exchange.send(answer, piece_bytes=1 + len(answer.body) // 5, pause_s=0.02)


async def half_answer(exchange: Exchange) -> None:
    await exchange.send_half(await exchange.carry_out())


async def error_after_effect(exchange: Exchange) -> None:
    await exchange.carry_out()
    code = "InternalError" if exchange.request.service == "s3" else "InternalServerError"
    await exchange.refuse(500, "Internal Server Error", code, "We encountered an internal error.")


async def refuse_busy(exchange: Exchange) -> None:
    """S3 returns this at too many requests ("Error responses", SlowDown), others when they fail."""
    code = "SlowDown" if exchange.request.service == "s3" else "ServiceUnavailable"
    await exchange.refuse(503, "Service Unavailable", code, "Please reduce your request rate.")


async def refuse_signing_time(exchange: Exchange) -> None:
    """The response to a function that was frozen between signing and sending.

    S3's own code is in its "Error responses", the sentence of the others in the IAM User Guide,
    "Troubleshoot Signature Version 4 signing for AWS API requests".
    """
    if exchange.request.service in ("s3", "s3control"):
        code = "RequestTimeTooSkewed"
        message = "The difference between the request time and the current time is too large."
    else:
        code = "SignatureDoesNotMatch" if exchange.request.service == "sns" else _BAD_SIGNATURE
        message = (
            "Signature expired: 20261101T120000Z is now earlier than 20261101T120500Z"
            " (20261101T121000Z - 5 min.)"
        )
    await exchange.refuse(403, "Forbidden", code, message)


_BAD_SIGNATURE: Final = "InvalidSignatureException"


async def date_ahead(exchange: Exchange) -> None:
    await _send_with_date(exchange, format_datetime(_now() + timedelta(days=2), usegmt=True))


async def date_behind(exchange: Exchange) -> None:
    await _send_with_date(exchange, format_datetime(_now() - timedelta(days=2), usegmt=True))


async def date_unreadable(exchange: Exchange) -> None:
    await _send_with_date(exchange, "Sometime, 32 Foo 2026 25:61:61 GMT")


async def _send_with_date(exchange: Exchange, date: str) -> None:
    await exchange.send((await exchange.carry_out()).with_header("Date", date))


def _now() -> datetime:
    return datetime.now(UTC)


FAULTS: Final[Mapping[Mode, Sequence[Fault]]] = MappingProxyType(
    {
        Mode.RESET: (reset_after_effect, reset_before_effect),
        Mode.STALL: (stall_after_effect, stall_before_effect),
        Mode.SLOW_BODY: (slow_body,),
        Mode.HALF_ANSWER: (half_answer,),
        Mode.ERROR_AFTER_EFFECT: (error_after_effect,),
        Mode.STORM: (refuse_busy,),
        Mode.WRONG_CLOCK: (refuse_signing_time, date_ahead, date_behind, date_unreadable),
    }
)
