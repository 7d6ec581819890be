"""`asset-sync connectors`: its subcommands."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.connector import Trigger
from entrypoints.cli.output import (
    OUT,
    ApiOption,
    Format,
    OutputOption,
    print_json,
    print_table,
    printable,
    reporting_problems,
)
from entrypoints.cli.target import StageOption, open_client

app = typer.Typer(help="Register buckets, and list them.", no_args_is_help=True)


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
        Trigger, typer.Option(help="Copy objects onto themselves, or only send events.")
    ] = Trigger.COPY,
    owner: Annotated[
        str | None, typer.Option(help="Account id that has to own the bucket.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="ARN of a role to reach the bucket in.")] = None,
    api_url: ApiOption = None,
    stage: StageOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Register a bucket as a connector."""
    body: dict[str, object] = {"bucketName": bucket, "trigger": trigger.value}
    if connector_id is not None:
        body["connectorId"] = connector_id
    if prefix:
        body["prefixes"] = prefix
    if owner is not None:
        body["expectedBucketOwner"] = owner
    if role is not None:
        body["roleArn"] = role
    connector = open_client(api_url, stage).post("/connectors", body)
    if output is Format.JSON:
        print_json(connector)
    else:
        OUT.print(
            f"connector {printable(connector['connectorId'])} is registered for bucket {bucket}"
        )
        OUT.print(f"next: asset-sync sync {printable(connector['connectorId'])}")


@app.command("list")
@reporting_problems
def list_(
    api_url: ApiOption = None,
    stage: StageOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """List all connectors."""
    connectors = list(open_client(api_url, stage).pages("/connectors", {"limit": 100}))
    if output is Format.JSON:
        print_json({"connectors": connectors})
        return
    print_table(
        ("CONNECTOR", "BUCKET", "PREFIXES", "STATUS", "TRIGGER", "ROLE"),
        (
            (
                c["connectorId"],
                c["bucketName"],
                ", ".join(c["prefixes"]),
                c["status"],
                c["trigger"],
                c["roleArn"] or "",
            )
            for c in connectors
        ),
    )
