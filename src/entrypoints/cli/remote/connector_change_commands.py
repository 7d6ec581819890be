"""`asset-sync connectors show, edit, enable, disable, delete`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from domain.connector import ConnectorStatus, IdSource, Trigger, Verify
from domain.file_types import FilterMode, normalised_extension
from domain.views import Json
from entrypoints.cli.remote.api_client import connector_path
from entrypoints.cli.remote.connector_option import ConnectorArgument
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.remote.setting_options import (
    VERIFY_OPTION,
    FiltersOption,
    LimitsOption,
    PrefixOption,
    QueueMaxAgeOption,
    QueueMaxOption,
    RemovalsOption,
    read_object,
    read_removals,
)
from entrypoints.cli.terminal.check_output import print_check
from entrypoints.cli.terminal.output import OUT, Format, field, limits_line, print_json, printable

IfMatchOption = Annotated[
    str | None,
    typer.Option(help="Only if the connector still has this ETag, as `show` prints it."),
]
AllowOption = Annotated[
    list[str] | None, typer.Option(help="The system ingests only this extension; repeatable.")
]
DenyOption = Annotated[
    list[str] | None, typer.Option(help="The system does not ingest this extension; repeatable.")
]
OwnerOption = Annotated[str | None, typer.Option(help="Account id of the expected bucket owner.")]
RoleOption = Annotated[
    str | None, typer.Option(help="ARN of a role that has access to the bucket.")
]
NoCheckOption = Annotated[
    bool, typer.Option("--no-check", help="Do not look at the bucket before saving.")
]
_NAME_WIDTH = 20


class Clearable(StrEnum):
    """Settings that a connector can be without."""

    PREFIXES = "prefixes"
    QUEUE_URL = "ingestQueueUrl"
    QUEUE_MAX = "ingestQueueMaxDepth"
    QUEUE_MAX_AGE = "ingestQueueMaxAgeSeconds"
    FILE_FILTER = "fileFilter"
    FILTERS = "filters"
    REMOVALS = "removals"
    LIMITS = "limits"
    OWNER = "expectedBucketOwner"
    ROLE = "roleArn"


@remote_command
def show(remote: Remote, connector: ConnectorArgument) -> None:
    """Show a connector and its settings."""
    shown, headers = remote.client.get_with_headers(connector_path(connector))
    print_connector(remote, shown, headers["ETag"])


@remote_command
def edit(
    remote: Remote,
    connector: ConnectorArgument,
    prefix: PrefixOption = None,
    trigger: Annotated[Trigger | None, typer.Option(help="How ingestion is triggered.")] = None,
    ids: Annotated[
        IdSource | None, typer.Option(help="Who generates the ids of new assets.")
    ] = None,
    verify: Annotated[Verify | None, VERIFY_OPTION] = None,
    queue_url: Annotated[
        str | None, typer.Option(help="URL of the Media Lake's ingest queue.")
    ] = None,
    queue_max: QueueMaxOption = None,
    queue_max_age: QueueMaxAgeOption = None,
    restore_tags: Annotated[
        bool | None,
        typer.Option(
            "--restore-tags/--no-restore-tags",
            help="Whether missing tags of objects that the system has are restored.",
        ),
    ] = None,
    allow: AllowOption = None,
    deny: DenyOption = None,
    filters: FiltersOption = None,
    removals: RemovalsOption = None,
    limits: LimitsOption = None,
    owner: OwnerOption = None,
    role: RoleOption = None,
    clear: Annotated[
        list[Clearable] | None,
        typer.Option(help="Remove this setting, as `show` names it; repeatable.", metavar="NAME"),
    ] = None,
    if_match: IfMatchOption = None,
    no_check: NoCheckOption = False,
) -> None:
    """Change settings of a connector; an active job keeps its own, and only the limits change."""
    options = {
        "prefixes": prefix or None,
        "trigger": trigger.value if trigger else None,
        "ids": ids.value if ids else None,
        "verify": verify.value if verify else None,
        "ingestQueueUrl": queue_url,
        "ingestQueueMaxDepth": queue_max,
        "ingestQueueMaxAgeSeconds": queue_max_age,
        "restoreTags": restore_tags,
        "fileFilter": file_filter(allow or (), deny or ()),
        "filters": read_object(filters, "--filters"),
        "removals": read_removals(removals),
        "limits": read_object(limits, "--limits"),
        "expectedBucketOwner": owner,
        "roleArn": role,
    }
    changes: Json = {name: value for name, value in options.items() if value is not None}
    for name in clear or ():
        if name.value in changes:
            raise typer.BadParameter(f"{name.value} is given a value as well", param_hint="--clear")
        changes[name.value] = None
    if not changes:
        raise typer.BadParameter("name a setting to change")
    _change(remote, connector, changes, if_match, no_check=no_check)


@remote_command
def enable(remote: Remote, connector: ConnectorArgument) -> None:
    """Let syncs of a connector start."""
    _change(remote, connector, {"status": ConnectorStatus.ENABLED.value})


@remote_command
def disable(remote: Remote, connector: ConnectorArgument) -> None:
    """Let no sync of a connector start; a job that is active goes on."""
    _change(remote, connector, {"status": ConnectorStatus.DISABLED.value})


@remote_command
def delete(
    remote: Remote,
    connector: ConnectorArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    if_match: IfMatchOption = None,
) -> None:
    """Remove a connector; its jobs can still be read."""
    if not yes:
        shown = remote.client.get(connector_path(connector))
        typer.confirm(
            f"remove connector {printable(connector)} of bucket {printable(shown['bucketName'])}?"
            " Its objects and its jobs stay",
            abort=True,
            err=True,
        )
    remote.client.delete(connector_path(connector), if_match=if_match)
    if remote.output is Format.JSON:
        print_json({"connectorId": connector, "removed": True})
    else:
        OUT.print(f"connector {printable(connector)} is removed; its jobs can still be read")


def file_filter(allow: Sequence[str], deny: Sequence[str]) -> Json | None:
    """Return the file filter of the options, None if neither is given."""
    if allow and deny:
        raise typer.BadParameter("give --allow or --deny, not both", param_hint="--deny")
    if not allow and not deny:
        return None
    return {
        "mode": (FilterMode.ALLOW if allow else FilterMode.DENY).value,
        "extensions": list(dict.fromkeys(map(normalised_extension, allow or deny))),
        "mimeTypes": [],
    }


def unchecked(*, no_check: bool) -> str:
    """Return the query with which a connector is saved."""
    return "?check=false" if no_check else ""


def _change(
    remote: Remote,
    connector: str,
    changes: Json,
    if_match: str | None = None,
    *,
    no_check: bool = False,
) -> None:
    path = connector_path(connector) + unchecked(no_check=no_check)
    changed, headers = remote.client.patch(path, changes, if_match=if_match)
    report = changed.pop("check", None)
    print_connector(remote, changed, headers["ETag"])
    print_check(report)


def print_connector(remote: Remote, connector: Json, tag: str) -> None:
    """Print a connector with its ETag."""
    document = {**connector, "eTag": tag}
    if remote.output is Format.JSON:
        print_json(document)
        return
    for name, value in document.items():
        if value is not None:
            text = limits_line(value) if name == "limits" else _text(value)
            field(name, text, width=_NAME_WIDTH)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return "; ".join(f"{name} {_text(each)}" for name, each in value.items() if each)
    return str(value)
