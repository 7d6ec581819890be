"""The command `connectors limit`: one limit of a connector at a time; the others stay."""

from __future__ import annotations

import re
from typing import Annotated, Final

import typer

from domain.views import Json
from domain.work_limits import Weekday
from entrypoints.cli.remote.api_client import connector_path
from entrypoints.cli.remote.connector_change_commands import print_connector, unchecked
from entrypoints.cli.remote.connector_option import ConnectorArgument
from entrypoints.cli.remote.remote_command import Remote, remote_command

_NONE: Final = "none"
_NO_LIMITS: Final[Json] = {
    "concurrency": None,
    "objectsPerSecond": None,
    "windows": [],
    "timeZone": "UTC",
}
_WINDOW: Final = re.compile(r"(?:(?P<days>[A-Za-z,-]+) +)?(?P<start>[0-9:]+)-(?P<end>[0-9:]+)")


@remote_command
def limit(
    remote: Remote,
    connector: ConnectorArgument,
    concurrency: Annotated[
        str | None,
        typer.Option(help="How many chunks are worked on at once; or none.", metavar="N"),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(help="How many objects are started in a second; or none.", metavar="N"),
    ] = None,
    window: Annotated[
        list[str] | None,
        typer.Option(
            help="When work may be started: 'MON-FRI 20:00-06:00', or '20:00-06:00' for every day;"
            " repeatable, and replaces all windows; or none.",
            metavar="TEXT",
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(help="Time zone of the windows, such as Europe/Berlin.", metavar="NAME"),
    ] = None,
) -> None:
    """Change limits of a connector, also for jobs that run, or show them; the others stay."""
    path = connector_path(connector)
    shown, headers = remote.client.get_with_headers(path)
    changes: Json = {}
    if concurrency is not None:
        changes["concurrency"] = _number(concurrency, int, "--concurrency")
    if rate is not None:
        changes["objectsPerSecond"] = _number(rate, float, "--rate")
    if window:
        changes["windows"] = [] if window == [_NONE] else [_window(each) for each in window]
    if time_zone is not None:
        changes["timeZone"] = time_zone
    if changes:
        limits = {**(shown["limits"] or _NO_LIMITS), **changes}
        # An edit of someone else since is refused: it may have changed another limit.
        shown, headers = remote.client.patch(
            path + unchecked(no_check=True), {"limits": limits}, if_match=headers["ETag"]
        )
    print_connector(remote, shown, headers["ETag"])


def _number(text: str, kind: type[int] | type[float], option: str) -> float | None:
    if text == _NONE:
        return None
    try:
        return kind(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a number nor none", param_hint=option
        ) from None


def _window(text: str) -> Json:
    """Return a window in the API's form, which checks the times.

    Raises:
        typer.BadParameter: it has another form.
    """
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(
            f"{text!r} is not like 'MON-FRI 20:00-06:00' or '20:00-06:00'", param_hint="--window"
        )
    found: Json = {"from": match["start"], "to": match["end"]}
    if match["days"]:
        found["days"] = [day for part in match["days"].split(",") for day in _days(part)]
    return found


def _days(text: str) -> list[str]:
    names = [day.value for day in Weekday]
    first, dash, last = text.upper().partition("-")
    last = last if dash else first
    if first not in names or last not in names:
        raise typer.BadParameter(
            f"{text!r} is not a day or a range of days: {', '.join(names)}, MON-FRI",
            param_hint="--window",
        )
    begin, end = names.index(first), names.index(last)
    # FRI-MON goes over the end of the week.
    return names[begin : end + 1] if begin <= end else names[begin:] + names[: end + 1]
