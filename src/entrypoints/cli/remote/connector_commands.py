"""`asset-sync connectors`: its subcommands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from domain.connector import IdSource, Trigger
from domain.file_types import FilterMode, normalised_extension
from domain.shown import shown
from entrypoints.cli.remote.api_target import ApiOption, StageOption, TokenOption, open_client
from entrypoints.cli.remote.medialake_import.command import import_
from entrypoints.cli.terminal.output import (
    OUT,
    Format,
    IdsOption,
    OutputOption,
    print_json,
    print_table,
    print_unreadable,
    printable,
    reporting_problems,
)

app = typer.Typer(help="Register buckets, and list them.", no_args_is_help=True)
app.command("import")(import_)

# Media Lake, v1.18.3: the queue's policy in lambdas/api/connectors/s3/post_s3/index.py, and the
# event sources that lambdas/ingest/s3/index.py takes.
_LISTENERS: Final[Mapping[Trigger, str]] = {
    Trigger.COPY: "the system hears of an object by S3's own ObjectCreated:Copy event",
    Trigger.EVENT: "only subscribers of the ingest event bus hear of an object; a Media Lake is"
    " none",
    Trigger.QUEUE: "the Media Lake hears of an object by a message in its ingest queue",
}


@app.command("add")
@reporting_problems
def add(
    bucket: Annotated[str, typer.Argument(help="The bucket to sync.")],
    connector_id: Annotated[
        str | None, typer.Option("--id", help="Its id; one is made without.")
    ] = None,
    prefix: Annotated[
        list[str] | None, typer.Option(help="Only keys under it; may be repeated.")
    ] = None,
    trigger: Annotated[
        Trigger,
        typer.Option(
            help="Copy objects onto themselves, only send events, or send messages to the Media"
            " Lake's ingest queue."
        ),
    ] = Trigger.COPY,
    ids: IdsOption = IdSource.MINTED,
    queue_url: Annotated[
        str | None,
        typer.Option(help="URL of the Media Lake's ingest queue; trigger queue needs it."),
    ] = None,
    no_restore_tags: Annotated[
        bool,
        typer.Option(
            "--no-restore-tags", help="Leave an object without tags that the system knows as it is."
        ),
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="The system takes only this extension; may be repeated."),
    ] = None,
    deny: Annotated[
        list[str] | None,
        typer.Option(help="The system does not take this extension; may be repeated."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help="Account id that has to own the bucket.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="ARN of a role to reach the bucket in.")] = None,
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Register a bucket as a connector."""
    if trigger is Trigger.QUEUE and queue_url is None:
        raise typer.BadParameter("trigger queue needs --queue-url", param_hint="--queue-url")
    body: dict[str, object] = {"bucketName": bucket, "trigger": trigger.value, "ids": ids.value}
    options = {
        "connectorId": connector_id,
        "prefixes": prefix or None,
        "ingestQueueUrl": queue_url,
        "restoreTags": False if no_restore_tags else None,
        "fileFilter": _file_filter(allow or (), deny or ()),
        "expectedBucketOwner": owner,
        "roleArn": role,
    }
    body.update({name: value for name, value in options.items() if value is not None})
    connector = open_client(api_url, stage, token).post("/connectors", body)
    if output is Format.JSON:
        print_json(connector)
    else:
        shown_id = printable(connector["connectorId"])
        OUT.print(f"connector {shown_id} is registered for bucket {printable(bucket)}")
        OUT.print(f"trigger {trigger.value}: {_LISTENERS[trigger]}")
        OUT.print(f"next: asset-sync sync {shown_id}")


def _file_filter(allow: Sequence[str], deny: Sequence[str]) -> dict[str, object] | None:
    if allow and deny:
        raise typer.BadParameter("give --allow or --deny, not both", param_hint="--deny")
    if not allow and not deny:
        return None
    return {
        "mode": (FilterMode.ALLOW if allow else FilterMode.DENY).value,
        "extensions": list(dict.fromkeys(map(normalised_extension, allow or deny))),
        "mimeTypes": [],
    }


@app.command("list")
@reporting_problems
def list_(
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """List all connectors."""
    client = open_client(api_url, stage, token)
    pages = client.pages("/connectors", {"limit": 100}, on_unreadable=print_unreadable)
    connectors = list(pages)
    if output is Format.JSON:
        print_json({"connectors": connectors})
        return
    print_table(
        ("CONNECTOR", "BUCKET", "PREFIXES", "STATUS", "TRIGGER", "IDS", "ROLE"),
        map(_row, connectors),
    )


def _row(connector: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        connector["connectorId"],
        connector["bucketName"],
        ", ".join(map(shown, connector["prefixes"])),
        connector["status"],
        connector["trigger"],
        connector["ids"],
        connector["roleArn"] or "",
    )
