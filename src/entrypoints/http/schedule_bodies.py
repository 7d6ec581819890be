"""What the body of a request for a schedule may carry."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, WithJsonSchema

from application.schedules.schedules import NewSchedule
from domain.discovery import Discovery
from domain.schedule import (
    EXPRESSION_CHARS_MAX,
    FULL_EVERY_DEFAULT,
    FULL_EVERY_MAX,
    JITTER_MINUTES_MAX,
    TIME_ZONE_CHARS_MAX,
    ScheduleMode,
)
from entrypoints.http.bodies import BY_VALUE
from entrypoints.http.values import WHOLE, Dollars, Text
from entrypoints.http.wire import Wire

# What the domain checks, as far as an expression can say it.
_RATE: Final = r"rate\([1-9][0-9]{0,2} (minutes?|hours?)\)|rate\([1-9][0-9]? days?\)"
_CRON: Final = (
    r"cron\([0-9*,/-]+ [0-9*,/-]+ [0-9*,/?LW-]+ [0-9A-Za-z*,/-]+ [0-9A-Za-z*,?#-]+ [0-9*,/-]+\)"
)
_EXPRESSION: Final = WithJsonSchema(
    {
        "type": "string",
        "minLength": 1,
        "maxLength": EXPRESSION_CHARS_MAX,
        "pattern": f"^({_RATE}|{_CRON})$",
    }
)
TIME_ZONE: Final = WithJsonSchema(
    {
        "type": "string",
        "minLength": 1,
        "maxLength": TIME_ZONE_CHARS_MAX,
        "pattern": r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$",
    }
)


class ScheduleBody(Wire):
    """When syncs of a connector start, and what they cover."""

    expression: Annotated[
        Text, Field(min_length=1, max_length=EXPRESSION_CHARS_MAX), _EXPRESSION
    ] = Field(
        description="`rate(6 hours)`, or `cron(…)` with the six fields of EventBridge Scheduler."
    )
    time_zone: Annotated[Text, Field(min_length=1, max_length=TIME_ZONE_CHARS_MAX), TIME_ZONE] = (
        Field("UTC", description="The time zone of a cron expression, of the IANA database.")
    )
    jitter_minutes: Annotated[int, Field(ge=0, le=JITTER_MINUTES_MAX), WHOLE] = Field(
        0, description="A run begins up to so many minutes late, at random."
    )
    mode: Annotated[ScheduleMode, BY_VALUE] = Field(
        ScheduleMode.INCREMENTAL,
        description="Whether a run covers what was modified since the last complete one, or all.",
    )
    full_every: Annotated[int, Field(ge=1, le=FULL_EVERY_MAX), WHOLE] = Field(
        FULL_EVERY_DEFAULT, description="Of incremental runs, every so-many-th is full."
    )
    enabled: bool = Field(True, description="Whether it runs.")
    discovery: Annotated[Discovery, BY_VALUE] | None = Field(
        None, description="Discovery of its syncs; the deployment sets the default."
    )
    max_cost: Dollars | None = Field(
        None,
        description="A run does not start if its sync may cost more: US dollars, as a number or a"
        " decimal string. The bucket is looked at before each run, as by a plan.",
    )

    def to_schedule(self) -> NewSchedule:
        """Return the schedule to set."""
        return NewSchedule(
            expression=self.expression,
            time_zone=self.time_zone,
            jitter_minutes=self.jitter_minutes,
            mode=self.mode,
            full_every=self.full_every,
            enabled=self.enabled,
            discovery=self.discovery,
            max_cost=self.max_cost,
        )
