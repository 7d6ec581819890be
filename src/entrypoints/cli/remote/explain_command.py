"""The command `explain`: one object in one job, or everything that is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import typer

from domain.shown import shown
from domain.views import Json
from entrypoints.cli.remote.api_client import connector_path, job_path
from entrypoints.cli.remote.connector_option import ConnectorOption
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.history_output import print_history
from entrypoints.cli.terminal.output import Format, print_explanation, print_json

_SCHEME: Final = "s3://"
_PAGE_SIZE: Final = 100


@remote_command
def explain(
    remote: Remote,
    target: Annotated[str, typer.Argument(help="s3://bucket/key, or a job id and a key.")],
    key: Annotated[
        str | None, typer.Argument(help="The object's key, not encoded; after a job id.")
    ] = None,
    connector: ConnectorOption = None,
    jobs: Annotated[
        int, typer.Option(min=1, max=20, help="How many of its latest jobs; after s3://bucket/key.")
    ] = 5,
) -> None:
    """Show what happened to one object: in one job, or now and in the latest jobs."""
    if target.startswith(_SCHEME):
        if key is not None:
            raise typer.BadParameter("the key is part of s3://bucket/key", param_hint="KEY")
        _explain_object(remote, target, connector, jobs)
    elif key is None:
        raise typer.BadParameter(
            "a job id needs a key; without a job: s3://bucket/key", param_hint="KEY"
        )
    else:
        _explain_in_job(remote, target, key, connector)


def _explain_in_job(remote: Remote, job_id: str, key: str, connector: str | None) -> None:
    path, query = job_path(job_id, connector, "objects"), {"key": key}
    found = remote.client.get(path, query)
    # A job may have more chunks than one request reads; keep those that may contain the object.
    earlier: list[Json] = []
    while cursor := found.get("nextCursor"):
        earlier += found["chunks"]
        found = remote.client.get(path, {**query, "cursor": cursor})
    if earlier and not found["outcome"]:
        found = {**found, "chunks": [*earlier, *found["chunks"]]}
    if remote.output is Format.JSON:
        print_json(found)
    else:
        print_explanation(found)


def _explain_object(remote: Remote, target: str, connector: str | None, jobs: int) -> None:
    bucket_name, _, key = target.removeprefix(_SCHEME).partition("/")
    if not bucket_name or not key:
        raise typer.BadParameter("write it like s3://bucket/key", param_hint="TARGET")
    ids = [connector] if connector else list(_connectors_of(remote, bucket_name, key))
    if not ids:
        raise ApiProblem(
            f"no connector has the key {shown(key)} of bucket {bucket_name}; see: asset-sync"
            " connectors list. For a connector that was removed: --connector ID"
        )
    query: dict[str, str | int | None] = {"key": key, "jobs": jobs}
    found = [
        remote.client.get(connector_path(connector_id, "objects"), query) for connector_id in ids
    ]
    if remote.output is Format.JSON:
        print_json({"objects": found})
    else:
        for each in found:
            print_history(each)


def _connectors_of(remote: Remote, bucket_name: str, key: str) -> Iterator[str]:
    """Yield the connectors that may sync the object."""
    for connector in remote.client.pages("/connectors", {"limit": _PAGE_SIZE}):
        prefixes = tuple(connector["prefixes"]) or ("",)
        if connector["bucketName"] == bucket_name and key.startswith(prefixes):
            yield connector["connectorId"]
