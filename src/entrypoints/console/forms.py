"""Forms and the bodies of requests that they stand for.

A form's values are texts, as the browser sends them; the API checks them. So a form that the API
rejects is shown again as it was filled in, with the API's message at each field.
"""

from __future__ import annotations

from typing import Final

from domain.views import Json
from entrypoints.console.api import ApiError
from entrypoints.console.form_values import Values, number
from entrypoints.console.limit_forms import limit_field, limit_fields, limits_body

_FILTER_LISTS: Final = ("include", "exclude")
_FILTER_NUMBERS: Final = ("minSizeBytes", "maxSizeBytes", "minAgeSeconds")
_FILTER_TIMES: Final = ("modifiedSince", "modifiedBefore")
_FILTER_CHOICES: Final = ("storageClasses", "mediaTypes")
FILTER_NAMES: Final = (
    "filters",
    *_FILTER_LISTS,
    *_FILTER_NUMBERS,
    *_FILTER_TIMES,
    *_FILTER_CHOICES,
)
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
_CONNECTOR_NUMBERS: Final = ("ingestQueueMaxDepth", "ingestQueueMaxAgeSeconds")
_REMOVAL_NUMBERS: Final = ("maxShare", "maxCount", "minCount")
_NOT_EDITED: Final = frozenset({"bucketName", "connectorId"})


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
    fields |= limit_fields(connector.get("limits"))
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
        "limits": limits_body(values),
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
    if path[0] == "limits":
        return limit_field(path[1:])
    if path[0] in ("filters", "removals") and len(path) > 1:
        return path[1]
    if path[0] == "fileFilter":
        part = path[1] if len(path) > 1 else "mode"
        return f"fileFilter{part[:1].upper()}{part[1:]}"
    return "prefixes" if path[0] == "prefix" else path[0]
