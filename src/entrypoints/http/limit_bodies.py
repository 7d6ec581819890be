"""What bodies of requests may carry about the limits of a connector."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Final

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from domain.schedule import TIME_ZONE_CHARS_MAX
from domain.work_limits import (
    CONCURRENCY_MAX,
    OBJECTS_PER_SECOND_MAX,
    OBJECTS_PER_SECOND_MIN,
    WINDOW_COUNT_MAX,
    TimeWindow,
    Weekday,
    WorkLimits,
)
from entrypoints.http.bodies import BY_VALUE
from entrypoints.http.schedule_bodies import TIME_ZONE
from entrypoints.http.values import WHOLE, Text
from entrypoints.http.wire import Wire

_CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _clock_time(text: str) -> str:
    if re.fullmatch(_CLOCK, text) is None:
        raise PydanticCustomError("clock_time", "must be a time of the clock, such as 06:00")
    return text


_ClockTime = Annotated[
    Text,
    AfterValidator(_clock_time),
    WithJsonSchema({"type": "string", "pattern": _CLOCK}),
]
_Day = Annotated[Weekday, BY_VALUE]


class TimeWindowBody(Wire):
    """Times of the clock on some days; one that ends at or before its start ends the next day."""

    days: Annotated[list[_Day], Field(min_length=1, max_length=len(Weekday))] = Field(
        list(Weekday), description="The days on which it starts; all of them if left out."
    )
    start: _ClockTime = Field(alias="from", description="When it starts, such as 20:00.")
    end: _ClockTime = Field(alias="to", description="When it ends, such as 06:00.")


class LimitsBody(Wire):
    """How much of a connector's work is done at once, how fast, and when."""

    concurrency: Annotated[int, Field(ge=1, le=CONCURRENCY_MAX), WHOLE] | None = Field(
        None, description="How many chunks of all of its jobs are worked on at once."
    )
    objects_per_second: (
        Annotated[float, Field(ge=OBJECTS_PER_SECOND_MIN, le=OBJECTS_PER_SECOND_MAX)] | None
    ) = Field(None, description="How many objects of all of its jobs are started in a second.")
    windows: Annotated[list[TimeWindowBody], Field(max_length=WINDOW_COUNT_MAX)] = Field(
        [], description="Outside of these times nothing is started; at any time if left out."
    )
    time_zone: Annotated[Text, Field(min_length=1, max_length=TIME_ZONE_CHARS_MAX), TIME_ZONE] = (
        Field("UTC", description="The time zone of the windows, of the IANA database.")
    )

    def to_limits(self) -> WorkLimits | None:
        """Return the limits, None if nothing is limited."""
        limits = WorkLimits(
            concurrency=self.concurrency,
            objects_per_second=self.objects_per_second,
            windows=tuple(
                TimeWindow(
                    days=tuple(day for day in Weekday if day in window.days),
                    start=time.fromisoformat(window.start),
                    end=time.fromisoformat(window.end),
                )
                for window in self.windows
            ),
            time_zone=self.time_zone,
        )
        return limits if limits.given else None
