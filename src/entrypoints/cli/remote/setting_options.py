"""Options of connectors and syncs that several commands have, and how their values are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Final

import typer

from domain.connector import IdSource
from domain.queue_limit import AGE_MIN_S
from domain.views import Json

IdsOption = Annotated[
    IdSource,
    typer.Option(help="Who generates the ids of new assets: this service, or the system."),
]
QueueMaxOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="Start no copies while the ingest queue holds more messages than this."
    ),
]
QueueMaxAgeOption = Annotated[
    int | None,
    typer.Option(
        min=AGE_MIN_S,
        help="Start no copies while the oldest message in the ingest queue is older, in seconds.",
    ),
]
VERIFY_OPTION = typer.Option(
    help="How known objects are recognised: by their tags, or, where the catalog has an object as"
    " it is listed, without reading them."
)
PrefixOption = Annotated[
    list[str] | None, typer.Option(help="Only keys with this prefix; repeatable.")
]
PrefixTextOption = Annotated[str | None, typer.Option(help="Only keys with this prefix.")]
IncludeOption = Annotated[
    list[str] | None, typer.Option(help="Only matching keys, e.g. '*.mov'; repeatable.")
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(help="No matching keys, e.g. 'tmp/' for all keys below it; repeatable."),
]
FiltersOption = Annotated[
    str | None,
    typer.Option(
        help='Filters as a JSON object, as in the API: \'{"mediaTypes": ["video"]}\'.',
        metavar="JSON",
    ),
]
LimitsOption = Annotated[
    str | None,
    typer.Option(
        help="Limit its work, also of jobs that run, as a JSON object, as in the API:"
        ' \'{"concurrency": 4, "objectsPerSecond": 50}\'.',
        metavar="JSON",
    ),
]
RemovalsOption = Annotated[
    str | None,
    typer.Option(
        help="Report removed objects: report; or announce, to send an event for each as well; or"
        " settings as a JSON object, as in the API.",
        metavar="report|announce|JSON",
    ),
]
_REMOVALS: Final[Mapping[str | None, Json]] = {"report": {}, "announce": {"announce": True}}
DISCOVERY_OPTION = typer.Option(
    help="Discovery by S3 Batch Operations, or by the workers themselves."
)


def read_object(text: str | None, hint: str) -> Json | None:
    """Return the object of an option that takes JSON; the API checks what is in it.

    Raises:
        typer.BadParameter: It is not a JSON object.
    """
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint=hint) from None
    if not isinstance(found, dict):
        raise typer.BadParameter("not a JSON object", param_hint=hint)
    return found


def read_removals(text: str | None) -> Json | None:
    """Return the settings of `RemovalsOption`; the API checks what is in them.

    Raises:
        typer.BadParameter: They are neither a word of the option nor a JSON object.
    """
    if text in _REMOVALS:
        return dict(_REMOVALS[text])
    return read_object(text, "--removals")
