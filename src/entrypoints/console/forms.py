"""Forms and the bodies of requests that they stand for.

A form's values are texts, as the browser sends them; the API checks them. So a form that the API
rejects is shown again as it was filled in, with the API's message at each field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from domain.views import Json
from entrypoints.console.api import ApiError

_WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"-?\d{0,9}\.\d{1,9}", re.ASCII)
_FILTER_LISTS: Final = ("include", "exclude")
_FILTER_NUMBERS: Final = ("minSizeBytes", "maxSizeBytes", "minAgeSeconds")
_FILTER_TIMES: Final = ("modifiedSince", "modifiedBefore")
_FILTER_CHOICES: Final = ("storageClasses", "mediaTypes")
_CONNECTOR_TEXTS: Final = (
    "bucketName",
    "connectorId",
    "trigger",
    "ids",
    "verify",
    "ingestQueueUrl",
    "expectedBucketOwner",
    "roleArn",
)
_CONNECTOR_NUMBERS: Final = ("ingestQueueMaxDepth",)
_REMOVAL_NUMBERS: Final = ("maxShare", "maxCount", "minCount")
_NOT_EDITED: Final = frozenset({"bucketName", "connectorId"})


class Posted(Protocol):
    """The fields of a form that was sent."""

    def getall(self, key: str) -> Sequence[Any]:
        """Return all values of a field."""
        ...

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a form's fields; a field that is missing is empty."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of_form(cls, posted: Posted) -> Values:
        """Return what a browser sent; files are ignored."""
        return cls(
            {
                name: tuple(v for v in posted.getall(name) if isinstance(v, str))
                for name in set(posted)
            }
        )

    def text(self, name: str, default: str = "") -> str:
        """Return the value of a field, without surrounding spaces."""
        return (self.fields.get(name) or (default,))[0].strip()

    def area(self, name: str) -> str:
        """Return the value of a field of several lines, with line breaks as LF."""
        return (self.fields.get(name) or ("",))[0].replace("\r\n", "\n")

    def lines(self, name: str) -> list[str]:
        """Return the lines of a field; empty ones are left out, spaces are kept."""
        return [line for line in self.area(name).split("\n") if line]

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a field."""
        return self.fields.get(name, ())

    def on(self, name: str) -> bool:
        """Return whether a box is ticked."""
        return bool(self.fields.get(name))


def connector_values(connector: Json) -> Values:
    """Return the form that shows a connector."""
    fields: dict[str, tuple[str, ...]] = {
        name: (str(connector[name]),) for name in _CONNECTOR_TEXTS if connector.get(name)
    }
    for name in _CONNECTOR_NUMBERS:
        if connector.get(name) is not None:
            fields[name] = (str(connector[name]),)
    fields["prefixes"] = ("\n".join(connector["prefixes"]),)
    if connector["restoreTags"]:
        fields["restoreTags"] = ("on",)
    if (system := connector["fileFilter"]) is not None:
        fields["fileFilterMode"] = (system["mode"],)
        fields["fileFilterExtensions"] = (" ".join(system["extensions"]),)
        fields["fileFilterMimeTypes"] = (" ".join(system["mimeTypes"]),)
    if (removals := connector.get("removals")) is not None:
        fields["removals"] = ("on",)
        fields |= {name: (str(removals[name]),) for name in _REMOVAL_NUMBERS}
        if removals["announce"]:
            fields["announce"] = ("on",)
    return Values(fields | _filter_fields(connector["filters"] or {}))


def _filter_fields(filters: Json) -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for name in _FILTER_LISTS:
        fields[name] = ("\n".join(filters.get(name) or ()),)
    for name in (*_FILTER_NUMBERS, *_FILTER_TIMES):
        if filters.get(name) is not None:
            fields[name] = (str(filters[name]),)
    for name in _FILTER_CHOICES:
        fields[name] = tuple(filters.get(name) or ())
    return fields


# What a form has for a connector before anything is filled in: the API's defaults.
NEW_CONNECTOR: Final = Values(
    {"trigger": ("copy",), "ids": ("minted",), "verify": ("tags",), "restoreTags": ("on",)}
)


def connector_body(values: Values) -> Json:
    """Return the connector of a form, complete: an empty field is null."""
    body: Json = {name: values.text(name) or None for name in _CONNECTOR_TEXTS}
    mode = values.text("fileFilterMode")
    return {
        **body,
        **{name: number(values.text(name)) for name in _CONNECTOR_NUMBERS},
        "prefixes": values.lines("prefixes") or None,
        "restoreTags": values.on("restoreTags"),
        "fileFilter": (
            mode
            and {
                "mode": mode,
                "extensions": values.text("fileFilterExtensions").replace(",", " ").split(),
                "mimeTypes": values.text("fileFilterMimeTypes").replace(",", " ").split(),
            }
        )
        or None,
        "filters": filters_body(values),
        "removals": _removals_body(values),
    }


def _removals_body(values: Values) -> Json | None:
    if not values.on("removals"):
        return None
    numbers = {name: number(values.text(name)) for name in _REMOVAL_NUMBERS}
    given = {name: value for name, value in numbers.items() if value is not None}
    return {**given, "announce": values.on("announce")}


def new_connector_body(values: Values) -> Json:
    """Return the connector to register: fields that are empty are left out."""
    return {name: value for name, value in connector_body(values).items() if value is not None}


def connector_changes(values: Values, connector: Json) -> Json:
    """Return the fields whose values differ from the connector's.

    What a form cannot show exactly, such as a prefix with a line break, is only sent if its field
    was edited.
    """
    before = connector_body(connector_values(connector))
    after = connector_body(values)
    return {
        name: value
        for name, value in after.items()
        if name not in _NOT_EDITED and value != before[name]
    }


def filters_body(values: Values) -> Json | None:
    """Return the filters of a form; None if none is filled in."""
    found: Json = {name: values.lines(name) for name in _FILTER_LISTS}
    found |= {name: number(values.text(name)) for name in _FILTER_NUMBERS}
    found |= {name: values.text(name) for name in _FILTER_TIMES}
    found |= {name: list(values.all(name)) for name in _FILTER_CHOICES}
    return {name: value for name, value in found.items() if value not in ("", [], None)} or None


def number(text: str) -> int | float | str | None:
    """Return a number; any other text as it is, so that the API reports it."""
    if not text:
        return None
    if _DECIMAL.fullmatch(text):
        return float(text)
    return int(text) if _WHOLE.fullmatch(text) else text


def sync_body(values: Values) -> Json:
    """Return the options of a sync or a plan, without what is empty."""
    body: Json = {
        "prefixes": values.lines("prefixes"),
        "discovery": values.text("discovery"),
        "verify": values.text("verify"),
        "filters": filters_body(values),
        "dryRun": values.on("dryRun"),
        "retrigger": values.on("retrigger"),
    }
    return {name: value for name, value in body.items() if value not in ("", [], None, False)}


def field_errors(error: ApiError) -> dict[str, str]:
    """Return the API's messages by the name of the field that they are about."""
    found: dict[str, str] = {}
    for each in error.problem.get("errors", ()):
        name = _field_name(str(each["path"]).split("."))
        found[name] = f"{found[name]}; {each['message']}" if name in found else str(each["message"])
    return found


def _field_name(path: list[str]) -> str:
    if path[0] in ("filters", "removals") and len(path) > 1:
        return path[1]
    if path[0] == "fileFilter":
        part = path[1] if len(path) > 1 else "mode"
        return f"fileFilter{part[:1].upper()}{part[1:]}"
    return "prefixes" if path[0] == "prefix" else path[0]


def unknown_fields(errors: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """Return the messages about what is not a field of the form."""
    shown = set(known)
    return {name: message for name, message in errors.items() if name not in shown}
