"""The command `asset-sync connectors import`.

It reads the Media Lake's connector table, shows the plan, and registers the connectors. Their ids
are derived from the table, so a repeated import registers only new ones.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from domain.connector import IdSource, Trigger
from domain.shown import shown
from domain.views import Json
from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.remote.medialake_import.plan import (
    FAILED,
    ImportOptions,
    ImportState,
    Plan,
    PlannedConnector,
    plan_import,
)
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.remote.setting_options import IdsOption
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.output import (
    ERR,
    OUT,
    Format,
    print_json,
    print_table,
    printable,
    warn,
)

_RESULTS_BUCKET_VARIABLE: Final = "RESULTS_BUCKET_NAME"
_NOTHING_REGISTERED: Final = "Nothing was registered: run the command again with --yes."
_DIFFERS: Final = (
    "is registered with other values and is not changed: a connector cannot be updated; see"
    " docs/medialake.md, Connectors"
)


class ImportTrigger(StrEnum):
    """The triggers that a Media Lake supports."""

    COPY = "copy"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    """The tables to read, and known buckets of derived files."""

    connectors: str
    assets: str | None
    derived_buckets: frozenset[str]


@remote_command
def import_(
    remote: Remote,
    from_table: Annotated[
        str, typer.Option("--from-table", help="The Media Lake's connector table.")
    ],
    trigger: Annotated[
        ImportTrigger,
        typer.Option(
            help="What triggers ingestion: a copy of each object onto itself, or a message to the"
            " Media Lake's ingest queue."
        ),
    ] = ImportTrigger.COPY,
    ids: IdsOption = IdSource.MINTED,
    derived_bucket: Annotated[
        list[str] | None,
        typer.Option(help="A bucket of derived files to exclude; repeatable."),
    ] = None,
    assets_table: Annotated[
        str | None,
        typer.Option(
            help="The Media Lake's assets table; a sample of it shows buckets of derived files."
        ),
    ] = None,
    include_derived: Annotated[
        bool, typer.Option("--include-derived", help="Also import buckets of derived files.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, but register nothing.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Register without confirmation.")
    ] = False,
) -> None:
    """Register the connectors of a Media Lake; exits with 1 if one could not be imported.

    The tables are read with your own credentials and in your Region (AWS_PROFILE, AWS_REGION).
    Registered connectors are not changed.
    """
    client = remote.client
    tables = _Tables(
        connectors=from_table,
        assets=assets_table,
        derived_buckets=frozenset(derived_bucket or ()),
    )
    options = ImportOptions(
        trigger=Trigger(trigger.value),
        ids=ids,
        include_derived=include_derived,
        results_bucket=_results_bucket(client),
    )
    plan = _read(client, tables, options)
    human = remote.output is Format.HUMAN
    if human:
        _print_plan(plan, from_table)
    registering = bool(plan.new) and not dry_run and (yes or (human and _confirmed(len(plan.new))))
    if registering:
        plan = replace(plan, items=tuple(_registered(client, plan.items)))
    if human:
        _print_result(plan, dry_run=dry_run)
    else:
        print_json(_document(plan, from_table, dry_run=dry_run))
        if plan.new and not dry_run:
            ERR.print(_NOTHING_REGISTERED)
    if any(item.state in FAILED for item in plan.items) or (plan.new and not dry_run):
        raise typer.Exit(1)


def _results_bucket(client: ApiClient) -> str | None:
    # Imported here because boto3 is slow to import, and only this command and stages need it.
    from entrypoints.cli.remote.stage_api_client import StageApiClient

    if isinstance(client, StageApiClient):
        return client.outputs["ResultsBucket"]
    return os.environ.get(_RESULTS_BUCKET_VARIABLE)


def _read(client: ApiClient, tables: _Tables, options: ImportOptions) -> Plan:
    from entrypoints.cli.remote.medialake_import.tables import MediaLakeTables

    medialake = MediaLakeTables()
    items = medialake.connectors(tables.connectors)
    derived = set(tables.derived_buckets)
    if tables.assets is not None:
        derived |= set(medialake.derived_buckets(tables.assets))
    known = replace(options, region=medialake.region, derived_buckets=frozenset(derived))
    registered = list(client.pages("/connectors", {"limit": 100}))
    return plan_import(items, registered, known)


def _confirmed(count: int) -> bool:
    return _at_a_terminal() and typer.confirm(f"Register {_connectors(count)}?", err=True)


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _registered(client: ApiClient, items: Iterable[PlannedConnector]) -> Iterable[PlannedConnector]:
    """Register new connectors one at a time; a rejected one does not stop the others."""
    for item in items:
        if item.state is not ImportState.NEW or item.body is None:
            yield item
            continue
        try:
            client.post("/connectors?check=false", item.body)
        except ApiProblem as error:
            yield replace(
                item, state=ImportState.REFUSED, reason="; ".join([str(error), *error.more])
            )
        else:
            yield replace(item, state=ImportState.CREATED)


def _print_plan(plan: Plan, table_name: str) -> None:
    if not plan.items:
        OUT.print(f"the table {printable(table_name)} has no connectors")
    else:
        print_table(
            ("CONNECTOR", "NAME", "BUCKET", "PREFIXES", "STATUS", "FILE FILTER", "RESULT"),
            map(_row, plan.items),
        )
    for item in plan.items:
        if item.reason:
            OUT.print(f"{_label(item)}: {item.state.value}: {printable(item.reason)}")
        if item.differences:
            OUT.print(f"{_label(item)}: {_DIFFERS}")
        for each in item.differences:
            OUT.print(
                f"  {each.field}: {printable(json.dumps(each.registered))} is registered,"
                f" {printable(json.dumps(each.table))} results from the table and the options"
            )
        for warning in item.warnings:
            OUT.print(f"{_label(item)}: warning: {printable(warning)}")
    for connector_id in plan.not_in_table:
        OUT.print(
            f"{printable(connector_id)}: registered, but not in this table: deleted in Media Lake,"
            " or imported from another table"
        )


def _row(item: PlannedConnector) -> tuple[object, ...]:
    body = item.body or {}
    return (
        item.connector_id or item.source_id or "?",
        item.name,
        item.bucket_name,
        ", ".join(map(shown, body.get("prefixes", ()))),
        body.get("status"),
        _filter_text(body.get("fileFilter")),
        item.state.value,
    )


def _filter_text(file_filter: Mapping[str, Any] | None) -> str:
    if file_filter is None:
        return ""
    return " ".join([file_filter["mode"], *file_filter["extensions"], *file_filter["mimeTypes"]])


def _label(item: PlannedConnector) -> str:
    return printable(item.connector_id or item.source_id or f"(no id) {item.bucket_name}")


def _print_result(plan: Plan, *, dry_run: bool) -> None:
    for item in plan.items:
        if item.state is ImportState.REFUSED:
            warn(f"{_label(item)}: refused:", item.reason)
    created = [item for item in plan.items if item.state is ImportState.CREATED]
    if created:
        OUT.print(f"{_connectors(len(created))} registered")
        OUT.print(f"next: asset-sync sync {_label(created[0])} --dry-run --wait")
    elif plan.new:
        OUT.print(
            f"{_connectors(len(plan.new))} would be registered" if dry_run else _NOTHING_REGISTERED
        )
    elif not any(item.state is ImportState.REFUSED for item in plan.items):
        OUT.print("there is nothing to register")


def _connectors(count: int) -> str:
    return f"{count} connector{'' if count == 1 else 's'}"


def _document(plan: Plan, table_name: str, *, dry_run: bool) -> Json:
    return {
        "table": table_name,
        "dryRun": dry_run,
        "connectors": [
            {
                "id": item.source_id,
                "name": item.name,
                "bucketName": item.bucket_name,
                "connectorId": item.connector_id,
                "result": item.state.value,
                "reason": item.reason or None,
                "body": item.body,
                "differences": [
                    {"field": each.field, "registered": each.registered, "table": each.table}
                    for each in item.differences
                ],
                "warnings": list(item.warnings),
            }
            for item in plan.items
        ],
        "notInTable": list(plan.not_in_table),
    }
