"""The limits of a connector in a form: a row of fields for each time window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from domain.views import Json
from domain.work_limits import WINDOW_COUNT_MAX
from entrypoints.console.form_values import Values, number

LIMIT_NUMBERS: Final = ("concurrency", "objectsPerSecond")
_WINDOW_PARTS: Final[Mapping[str, str]] = {
    "days": "windowDays",
    "from": "windowFrom",
    "to": "windowTo",
}
_WINDOW_FIELD: Final = re.compile(r"(windowDays|windowFrom|windowTo)([0-9]{1,3})")
_SPARE_ROW_COUNT: Final = 2


def limit_fields(limits: Json | None) -> dict[str, tuple[str, ...]]:
    """Return the fields that show the limits."""
    if limits is None:
        return {}
    fields = {name: (f"{limits[name]:.10g}",) for name in LIMIT_NUMBERS if limits[name] is not None}
    for row, window in enumerate(limits["windows"]):
        fields[f"windowDays{row}"] = tuple(window["days"])
        fields[f"windowFrom{row}"] = (window["from"],)
        fields[f"windowTo{row}"] = (window["to"],)
    return {**fields, "timeZone": (limits["timeZone"],)}


def limits_body(values: Values) -> Json | None:
    """Return the limits of a form; None if none is filled in."""
    found: Json = {name: number(values.text(name)) for name in LIMIT_NUMBERS}
    found["windows"] = [_window(values, row) for row in _rows(values)]
    found["timeZone"] = values.text("timeZone")
    return {name: value for name, value in found.items() if value not in ("", [], None)} or None


def _window(values: Values, row: int) -> Json:
    window: Json = {
        "days": list(values.all(f"windowDays{row}")),
        "from": values.text(f"windowFrom{row}"),
        "to": values.text(f"windowTo{row}"),
    }
    return {name: value for name, value in window.items() if value}


def without_gaps(values: Values) -> Values:
    """Return the form with its rows of windows numbered without gaps, as the API numbers them."""
    kept = {name: each for name, each in values.fields.items() if not _WINDOW_FIELD.fullmatch(name)}
    for place, row in enumerate(_rows(values)):
        for name in _WINDOW_PARTS.values():
            kept[f"{name}{place}"] = values.all(f"{name}{row}")
    return Values(kept)


def window_rows(values: Values) -> range:
    """Return the rows of windows that a form shows: some are empty, for more of them."""
    return range(min(len(_rows(values)) + _SPARE_ROW_COUNT, WINDOW_COUNT_MAX))


def _rows(values: Values) -> list[int]:
    matches = map(_WINDOW_FIELD.fullmatch, values.fields)
    rows = {int(each[2]) for each in matches if each and values.text(each[0])}
    return sorted(rows)


def limit_field(path: list[str]) -> str:
    """Return the field that a path of the API below `limits` is about."""
    match path:
        case ["windows", row, part, *_] if part in _WINDOW_PARTS:
            return f"{_WINDOW_PARTS[part]}{row}"
        case ["windows", *_]:
            return "windowFrom0"
        case [name, *_]:
            return name
        case _:
            return "concurrency"


def field_group(name: str) -> str:
    """Return what a field is a part of: windows are changed together, other fields alone."""
    return "windows" if _WINDOW_FIELD.fullmatch(name) else name
