"""Limits, as a map in the item of a connector or a job; rates are text, which is exact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from adapters.aws.attributes import Value
from domain.work_limits import TimeWindow, Weekday, WorkLimits


def limits_values(limits: WorkLimits | None) -> dict[str, Value | None] | None:
    """Return the map; None without limits."""
    if limits is None:
        return None
    rate = limits.objects_per_second
    return {
        "concurrency": limits.concurrency,
        "objectsPerSecond": None if rate is None else repr(rate),
        "windows": [
            {
                "days": [day.value for day in window.days],
                "from": window.start.isoformat("minutes"),
                "to": window.end.isoformat("minutes"),
            }
            for window in limits.windows
        ],
        "timeZone": limits.time_zone,
    }


def to_limits(values: Mapping[str, Any] | None) -> WorkLimits | None:
    """Return the limits of a map."""
    if values is None:
        return None
    rate = values.get("objectsPerSecond")
    return WorkLimits(
        concurrency=values.get("concurrency"),
        objects_per_second=None if rate is None else float(rate),
        windows=tuple(map(_to_window, values["windows"])),
        time_zone=values["timeZone"],
    )


def _to_window(values: Mapping[str, Any]) -> TimeWindow:
    return TimeWindow(
        days=tuple(map(Weekday, values["days"])),
        start=time.fromisoformat(values["from"]),
        end=time.fromisoformat(values["to"]),
    )
