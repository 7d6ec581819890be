"""The filters of templates: how numbers, times and texts are shown.

Whatever comes from outside is shown on one line, with its control characters escaped; Jinja escapes
HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from domain.shown import one_line, shown
from domain.views import Json
from domain.work_limits import Weekday
from entrypoints.console.labels import label
from entrypoints.console.reasons import sentence
from entrypoints.figures import dollars, duration
from entrypoints.figures import plural as plural

NOTHING: Final = "–"  # noqa: RUF001 - an en dash, where there is no value
_UNITS: Final = ("B", "KB", "MB", "GB", "TB", "PB")
_KILO: Final = 1_000
_JUST_NOW_S: Final = 2
_DAY_S: Final = 86_400
_RANGE_DAYS_MIN: Final = 3


def count(value: float | None) -> str:
    """Return a whole number with separators."""
    return NOTHING if value is None else f"{value:,.0f}"


def size(value: float | None) -> str:
    """Return bytes in the largest decimal unit that fits."""
    if value is None:
        return NOTHING
    amount, unit = float(value), 0
    while amount >= _KILO and unit < len(_UNITS) - 1:
        amount, unit = amount / _KILO, unit + 1
    return f"{amount:,.0f} {_UNITS[unit]}" if unit == 0 else f"{amount:,.1f} {_UNITS[unit]}"


def rate(value: float | None) -> str:
    """Return objects per second."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}/s" if value >= 10 else f"{value:,.1f}/s"


def span(seconds: float | None) -> str:
    """Return a duration."""
    if seconds is None:
        return NOTHING
    return duration(seconds) if seconds < 2 * _DAY_S else f"{seconds / _DAY_S:.1f} days"


def money(text: str | None) -> str:
    """Return an amount in dollars."""
    return NOTHING if text is None else dollars(text)


def percent(value: float) -> str:
    """Return a share, without a decimal if there is none."""
    return f"{value:.1f}".removesuffix(".0") + " %"


def utc(text: str | None) -> str:
    """Return a time to the second, in UTC."""
    return NOTHING if not text else parse(text).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(text: str | None, now: datetime) -> str:
    """Return how long ago a time was."""
    if not text:
        return NOTHING
    seconds = (now - parse(text)).total_seconds()
    return "just now" if seconds < _JUST_NOW_S else f"{span(seconds)} ago"


def parse(text: str) -> datetime:
    """Return a time of the API."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def key(text: str | None) -> Markup:
    """Return a key as HTML: printable, from left to right, each segment on its own.

    Otherwise a segment in Hebrew or Arabic would reorder what is around it on the screen.
    """
    segments = [] if text is None else shown(text).split("/")
    if all(segment.isascii() for segment in segments):
        return escape("/".join(segments))
    return Markup("/").join(Markup('<bdi dir="ltr">{}</bdi>').format(each) for each in segments)


def line(text: object) -> str:
    """Return any other text from outside as one printable line."""
    return NOTHING if text is None else one_line(str(text))


def words(name: str) -> str:
    """Return a constant such as COMPLETED_WITH_ERRORS as words."""
    return one_line(name.replace("_", " ").capitalize())


def encoded(key: str) -> str:
    """Return a key for a form, which would change line breaks and control characters."""
    return quote(key, safe="")


def limits_line(limits: Json | None) -> str:
    """Return the limits of a connector or a job as one line."""
    if limits is None:
        return "none"
    parts = []
    if (chunks := limits["concurrency"]) is not None:
        parts.append(f"{plural(chunks, 'chunk')} at once")
    if (speed := limits["objectsPerSecond"]) is not None:
        parts.append(f"{speed:,g} objects/s")
    if limits["windows"]:
        times = ", ".join(map(_window, limits["windows"]))
        parts.append(f"{times} ({limits['timeZone']})")
    return one_line("; ".join(parts))


def _window(window: Json) -> str:
    return f"{_days(window['days'])} {window['from']} to {window['to']}"


def _days(days: Sequence[str]) -> str:
    """Return days as ranges: Mon to Fri."""
    if len(days) == len(Weekday):
        return "every day"
    order = list(Weekday)
    runs: list[list[int]] = []
    for place in sorted(order.index(Weekday(day)) for day in days):
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    names = [[order[place].capitalize() for place in run] for run in runs]
    return ", ".join(
        f"{run[0]} to {run[-1]}" if len(run) >= _RANGE_DAYS_MIN else ", ".join(run) for run in names
    )


def link_query(given: Mapping[str, object]) -> str:
    """Return the query of a link, without empty values."""
    return urlencode({name: value for name, value in given.items() if value not in (None, "")})


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "count": count,
    "size": size,
    "rate": rate,
    "span": span,
    "money": money,
    "percent": percent,
    "utc": utc,
    "ago": ago,
    "key": key,
    "line": line,
    "plural": plural,
    "words": words,
    "query": link_query,
    "reason": sentence,
    "encoded": encoded,
    "label": label,
    "limits": limits_line,
}
