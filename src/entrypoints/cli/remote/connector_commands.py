"""`asset-sync connectors`: its subcommands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from domain.connector import IdSource, Trigger, Verify
from domain.shown import shown
from entrypoints.cli.remote.connector_change_commands import (
    AllowOption,
    DenyOption,
    NoCheckOption,
    OwnerOption,
    RoleOption,
    delete,
    disable,
    edit,
    enable,
    file_filter,
    show,
    unchecked,
)
from entrypoints.cli.remote.connector_check_command import check
from entrypoints.cli.remote.connector_limit_command import limit
from entrypoints.cli.remote.connector_pause_commands import pause, resume
from entrypoints.cli.remote.medialake_import.command import import_
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.remote.setting_options import (
    VERIFY_OPTION,
    FiltersOption,
    IdsOption,
    LimitsOption,
    PrefixOption,
    QueueMaxAgeOption,
    QueueMaxOption,
    RemovalsOption,
    read_object,
    read_removals,
)
from entrypoints.cli.terminal.check_output import print_check
from entrypoints.cli.terminal.output import OUT, Format, print_json, print_unreadable, printable

app = typer.Typer(help="Register, list, change and remove connectors.", no_args_is_help=True)
app.command("import")(import_)
for _command in (show, edit, limit, check, enable, disable, pause, resume, delete):
    app.command(_command.__name__)(_command)

# Media Lake, v1.18.3: the queue's policy in lambdas/api/connectors/s3/post_s3/index.py, and the
# event sources that lambdas/ingest/s3/index.py accepts.
_NOTIFIED_BY: Final[Mapping[Trigger, str]] = {
    Trigger.COPY: "S3's own ObjectCreated:Copy event notifies the system of an object",
    Trigger.EVENT: "only subscribers of the ingest event bus are notified of an object; a Media"
    " Lake is not one",
    Trigger.QUEUE: "a message in its ingest queue notifies the Media Lake of an object",
}


@app.command("add")
@remote_command
def add(
    remote: Remote,
    bucket: Annotated[str, typer.Argument(help="The bucket to sync.")],
    connector_id: Annotated[
        str | None, typer.Option("--id", help="Connector id; generated if omitted.")
    ] = None,
    prefix: PrefixOption = None,
    trigger: Annotated[
        Trigger,
        typer.Option(
            help="How ingestion is triggered: by copying objects onto themselves, by events only,"
            " or by messages in the Media Lake's ingest queue."
        ),
    ] = Trigger.COPY,
    ids: IdsOption = IdSource.MINTED,
    verify: Annotated[Verify | None, VERIFY_OPTION] = None,
    queue_url: Annotated[
        str | None,
        typer.Option(help="URL of the Media Lake's ingest queue; required by trigger queue."),
    ] = None,
    queue_max: QueueMaxOption = None,
    queue_max_age: QueueMaxAgeOption = None,
    no_restore_tags: Annotated[
        bool,
        typer.Option(
            "--no-restore-tags", help="Do not restore missing tags of objects that the system has."
        ),
    ] = False,
    allow: AllowOption = None,
    deny: DenyOption = None,
    filters: FiltersOption = None,
    removals: RemovalsOption = None,
    limits: LimitsOption = None,
    owner: OwnerOption = None,
    role: RoleOption = None,
    no_check: NoCheckOption = False,
) -> None:
    """Register a bucket as a connector."""
    if trigger is Trigger.QUEUE and queue_url is None:
        raise typer.BadParameter("trigger queue requires --queue-url", param_hint="--queue-url")
    body: dict[str, object] = {"bucketName": bucket, "trigger": trigger.value, "ids": ids.value}
    options = {
        "connectorId": connector_id,
        "prefixes": prefix or None,
        "verify": verify.value if verify else None,
        "ingestQueueUrl": queue_url,
        "ingestQueueMaxDepth": queue_max,
        "ingestQueueMaxAgeSeconds": queue_max_age,
        "restoreTags": False if no_restore_tags else None,
        "fileFilter": file_filter(allow or (), deny or ()),
        "filters": read_object(filters, "--filters"),
        "removals": read_removals(removals),
        "limits": read_object(limits, "--limits"),
        "expectedBucketOwner": owner,
        "roleArn": role,
    }
    body.update({name: value for name, value in options.items() if value is not None})
    connector = remote.client.post("/connectors" + unchecked(no_check=no_check), body)
    if remote.output is Format.JSON:
        print_json(connector)
    else:
        shown_id = printable(connector["connectorId"])
        OUT.print(f"connector {shown_id} is registered for bucket {printable(bucket)}")
        OUT.print(f"trigger {trigger.value}: {_NOTIFIED_BY[trigger]}")
        print_check(connector.get("check"))
        OUT.print(f"next: asset-sync sync {shown_id}")


_COLUMNS: Final = (
    *("CONNECTOR", "BUCKET", "PREFIXES", "STATUS", "TRIGGER", "IDS", "VERIFY"),
    *("NEXT RUN", "ROLE"),
)


@app.command("list")
@remote_command
def list_(remote: Remote) -> None:
    """List all connectors."""
    pages = remote.client.pages("/connectors", {"limit": 100}, on_unreadable=print_unreadable)
    connectors = list(pages)
    remote.print(
        {"connectors": connectors},
        (
            "CONNECTOR",
            "BUCKET",
            "PREFIXES",
            "STATUS",
            "TRIGGER",
            "IDS",
            "VERIFY",
            "NEXT RUN",
            "ROLE",
        ),
        map(_row, connectors),
        empty="no connectors; register one: asset-sync connectors add BUCKET",
    )


def _row(connector: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        connector["connectorId"],
        connector["bucketName"],
        ", ".join(map(shown, connector["prefixes"])),
        connector["status"],
        connector["trigger"],
        connector["ids"],
        connector.get("verify", ""),
        connector.get("nextRunAt"),
        connector["roleArn"] or "",
    )
