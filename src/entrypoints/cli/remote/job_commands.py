"""Commands for jobs: sync, jobs, job, errors, cancel, redrive."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from domain.connector import Verify
from domain.discovery import Discovery
from domain.job import TERMINAL, JobStatus
from domain.views import Json
from entrypoints.cli.remote.api_client import connector_path, job_path, jobs_path
from entrypoints.cli.remote.connector_option import ConnectorArgument, ConnectorOption, named
from entrypoints.cli.remote.failure_causes import print_causes, read_causes
from entrypoints.cli.remote.follow_job import follow_job
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.remote.setting_options import (
    DISCOVERY_OPTION,
    VERIFY_OPTION,
    ExcludeOption,
    FiltersOption,
    IncludeOption,
    PrefixOption,
    read_object,
)
from entrypoints.cli.remote.source_option import source_of
from entrypoints.cli.terminal.output import (
    ERR,
    OUT,
    Format,
    print_job,
    print_json,
    print_unreadable,
    printable,
    show_key,
    summary_of,
)
from entrypoints.cli.terminal.wait_lines import wait_words

_PAGE_SIZE_MAX = 100

JobArgument = Annotated[str, typer.Argument(help="Job id.")]
LimitOption = Annotated[int, typer.Option(min=1, help="Maximum number of results.")]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait for the job to finish, showing progress.")
]
_FAILED = (JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.COMPLETED_WITH_ERRORS)


class Grouping(StrEnum):
    """By what failures are grouped."""

    CAUSE = "cause"


@remote_command
def sync(
    remote: Remote,
    connector: ConnectorArgument,
    prefix: PrefixOption = None,
    discovery: Annotated[Discovery | None, DISCOVERY_OPTION] = None,
    verify: Annotated[Verify | None, VERIFY_OPTION] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, but write nothing.")] = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    modified_since: Annotated[
        str | None,
        typer.Option(
            help="Only objects modified since this time, e.g. 2026-01-31T12:00:00Z; may include"
            " some of the day before."
        ),
    ] = None,
    filters: FiltersOption = None,
    retrigger: Annotated[
        bool,
        typer.Option(
            "--retrigger", help="Trigger unknown objects even if an earlier job triggered them."
        ),
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            help="Keys from this file instead of a listing, e.g. s3://bucket/keys.csv (a manifest"
            " of S3 Batch Operations), or s3://bucket/…/manifest.json (an S3 Inventory report)."
        ),
    ] = None,
    source_e_tag: Annotated[
        str | None, typer.Option("--source-etag", help="The ETag that this file must have.")
    ] = None,
    max_cost: Annotated[
        str | None,
        typer.Option(help="Do not start if it may cost more US dollars, e.g. 12.50."),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Requests with the same key start only one job.")
    ] = None,
    wait: WaitOption = False,
) -> None:
    """Start a sync of a connector."""
    body: Json = {"dryRun": dry_run}
    options = {
        "prefixes": prefix,
        "discovery": discovery.value if discovery else None,
        "verify": verify.value if verify else None,
        "include": include,
        "exclude": exclude,
        "modifiedSince": modified_since,
        "filters": read_object(filters, "--filters"),
        "retrigger": retrigger,
        "maxCost": max_cost,
        "source": source_of(source, source_e_tag),
    }
    body.update({name: value for name, value in options.items() if value})
    path = connector_path(connector, "sync")
    if idempotency_key:
        job, replayed = remote.client.post_once(path, body, idempotency_key)
        if replayed:
            ERR.print(
                f"the key {printable(idempotency_key)} was used before: this is the job of"
                f" {job['createdAt']}; use another key to start another job"
            )
    else:
        job = remote.client.post(path, body)
    _show_or_follow(remote, job, connector, wait=wait)


@remote_command
def jobs(
    remote: Remote,
    connector: ConnectorOption = None,
    status: Annotated[JobStatus | None, typer.Option(help="Filter by status.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=_PAGE_SIZE_MAX, help="Maximum number of jobs, newest first.")
    ] = 20,
) -> None:
    """List jobs."""
    query = {"status": status.value if status else None, "limit": limit}
    pages = remote.client.pages(jobs_path(connector), query, on_unreadable=print_unreadable)
    found = list(islice(pages, limit))
    remote.print(
        {"jobs": found},
        (
            "JOB",
            "CONNECTOR",
            "STATUS",
            "CREATED",
            "LISTED",
            "SKIP",
            "COPY",
            "PUT",
            "FAILED",
            "WAITS FOR",
        ),
        (
            (
                job["jobId"],
                job["connectorId"],
                job["status"],
                job["createdAt"],
                *(
                    f"{job['statistics'][name]:,}"
                    for name in ("objectsListed", "skipped", "copied", "put", "failed")
                ),
                wait_words(job),
            )
            for job in found
        ),
        empty="no jobs",
    )


@remote_command
def job(
    remote: Remote,
    job_id: JobArgument,
    connector: ConnectorOption = None,
    wait: WaitOption = False,
) -> None:
    """Show one job."""
    found = remote.client.get(job_path(job_id, connector))
    _show_or_follow(remote, found, connector, wait=wait)


@remote_command
def errors(
    remote: Remote,
    job_id: JobArgument,
    group: Annotated[
        Grouping | None, typer.Option(help="One entry per cause: count, objects, next step.")
    ] = None,
    connector: ConnectorOption = None,
    limit: LimitOption = 100,
) -> None:
    """List the failures of a job and their causes."""
    if group is Grouping.CAUSE:
        causes = read_causes(remote.client, job_path(job_id, connector, "causes"))
        if remote.output is Format.JSON:
            print_json({**causes, "causes": causes["causes"][:limit]})
        else:
            print_causes(causes, limit)
        return
    query = {"limit": min(limit, _PAGE_SIZE_MAX)}
    found = list(islice(remote.client.pages(job_path(job_id, connector, "errors"), query), limit))
    remote.print(
        {"errors": found},
        ("CHUNK", "CLASS", "OBJECT", "MESSAGE"),
        ((e["chunkIndex"], e["errorClass"], show_key(e["objectKey"]), e["message"]) for e in found),
        empty="no failures are recorded",
    )


@remote_command
def cancel(
    remote: Remote,
    job_id: JobArgument,
    connector: ConnectorOption = None,
    wait: WaitOption = False,
) -> None:
    """Cancel a job: copies in progress are completed, no new ones are started."""
    job = remote.client.post(job_path(job_id, connector, "cancel"))
    _show_or_follow(remote, job, connector, wait=wait, may_fail=True)


@remote_command
def redrive(
    remote: Remote,
    job_id: JobArgument,
    connector: ConnectorOption = None,
    wait: WaitOption = False,
) -> None:
    """Process the failed objects of a job again."""
    job = remote.client.post(job_path(job_id, connector, "redrive"))
    _show_or_follow(remote, job, connector, wait=wait)


def _show_or_follow(
    remote: Remote, job: Json, connector: str | None, *, wait: bool, may_fail: bool = False
) -> None:
    """Print the job; with `wait`, exit with 1 if it failed, unless it may."""
    if wait:
        job = follow_job(remote.client, job, connector_id=connector)
    if remote.output is Format.JSON:
        print_json(job)
    else:
        print_job(job)
        if job["status"] not in TERMINAL:
            OUT.print(f"next: asset-sync watch {job['jobId']}{named(connector)}")
        elif (summary := summary_of(job, named(connector))) is not None:
            OUT.print(summary)
    if wait and job["status"] in _FAILED and not may_fail:
        raise typer.Exit(1)
