"""Commands on jobs: sync, jobs, job, errors, explain, cancel, redrive."""

from __future__ import annotations

import time
from itertools import islice
from typing import Annotated, Any

import typer

from domain.job import TERMINAL, Discovery, JobStatus
from domain.outcome import OutcomeKind
from domain.shown import shown
from entrypoints.cli.remote.api_client import ApiClient, path_segment
from entrypoints.cli.remote.api_target import ApiOption, StageOption, TokenOption, open_client
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.job_progress import JobProgress
from entrypoints.cli.terminal.output import (
    ERR,
    OUT,
    Format,
    OutputOption,
    print_explanation,
    print_job,
    print_json,
    print_table,
    print_unreadable,
    printable,
    reporting_problems,
    show_key,
    summary_of,
)

Json = dict[str, Any]

_POLL_S = 1.0

JobArgument = Annotated[str, typer.Argument(help="The job's id.")]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Stay until it has ended, showing progress.")
]
_FAILED = (JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.COMPLETED_WITH_ERRORS)


@reporting_problems
def sync(
    connector: Annotated[str, typer.Argument(help="The connector's id.")],
    prefix: Annotated[
        list[str] | None, typer.Option(help="Only keys under it; may be repeated.")
    ] = None,
    discovery: Annotated[
        Discovery | None, typer.Option(help="By S3 Batch Operations, or by the workers themselves.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, but write nothing.")] = False,
    include: Annotated[
        list[str] | None, typer.Option(help="Only keys that match, e.g. '*.mov'.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="No keys that match, e.g. 'tmp/' for all below it.")
    ] = None,
    modified_since: Annotated[
        str | None,
        typer.Option(
            help="Only objects changed since, or up to a day before, e.g. 2026-01-31T12:00:00Z."
        ),
    ] = None,
    retrigger: Annotated[
        bool,
        typer.Option("--retrigger", help="Trigger unknown objects whatever was triggered before."),
    ] = False,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key starts one job only.")
    ] = None,
    wait: WaitOption = False,
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Start a sync of a connector."""
    body: Json = {"dryRun": dry_run}
    options = {
        "prefixes": prefix,
        "discovery": discovery.value if discovery else None,
        "include": include,
        "exclude": exclude,
        "modifiedSince": modified_since,
        "retrigger": retrigger,
    }
    body.update({name: value for name, value in options.items() if value})
    client = open_client(api_url, stage, token)
    path = f"/connectors/{path_segment(connector)}/sync"
    if idempotency_key:
        job, replayed = client.post_once(path, body, idempotency_key)
        if replayed:
            ERR.print(
                f"the key {printable(idempotency_key)} was used before: this is the job of"
                f" {job['createdAt']}; another key starts another"
            )
    else:
        job = client.post(path, body)
    _show_or_follow(client, job, output, wait=wait)


@reporting_problems
def jobs(
    connector: Annotated[str | None, typer.Option(help="Only of this connector.")] = None,
    status: Annotated[JobStatus | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """List jobs."""
    query = {
        "connectorId": connector,
        "status": status.value if status else None,
        "limit": limit,
    }
    found: list[Json] = []
    client = open_client(api_url, stage, token)
    for job in client.pages("/jobs", query, on_unreadable=print_unreadable):
        found.append(job)
        if len(found) == limit:
            break
    if output is Format.JSON:
        print_json({"jobs": found})
        return
    print_table(
        ("JOB", "CONNECTOR", "STATUS", "CREATED", "LISTED", "SKIP", "COPY", "PUT", "FAILED"),
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
            )
            for job in found
        ),
    )


@reporting_problems
def job(
    job_id: JobArgument,
    wait: WaitOption = False,
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Show one job."""
    client = open_client(api_url, stage, token)
    _show_or_follow(client, client.get(f"/jobs/{path_segment(job_id)}"), output, wait=wait)


@reporting_problems
def errors(
    job_id: JobArgument,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """List what failed in a job, and why."""
    found: list[Json] = []
    query = {"limit": min(limit, 100)}
    for error in open_client(api_url, stage, token).pages(
        f"/jobs/{path_segment(job_id)}/errors", query
    ):
        found.append(error)
        if len(found) == limit:
            break
    if output is Format.JSON:
        print_json({"errors": found})
        return
    print_table(
        ("CHUNK", "CLASS", "OBJECT", "MESSAGE"),
        ((e["chunkIndex"], e["errorClass"], show_key(e["objectKey"]), e["message"]) for e in found),
    )


@reporting_problems
def outcomes(
    job_id: JobArgument,
    outcome: Annotated[OutcomeKind, typer.Option(help="Only objects that ended like this.")],
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """List a job's objects that ended one way, such as NOT_TAKEN."""
    query = {"outcome": outcome.value, "limit": min(limit, 100)}
    pages = open_client(api_url, stage, token).pages(
        f"/jobs/{path_segment(job_id)}/outcomes", query
    )
    found = list(islice(pages, limit))
    if output is Format.JSON:
        print_json({"outcomes": found})
        return
    print_table(
        ("OBJECT", "REASON", "TRIGGERED", "TIMES", "MESSAGE"),
        (
            (shown(o["objectKey"]), o["reason"], o["triggeredAt"], o["triggerCount"], o["message"])
            for o in found
        ),
    )


@reporting_problems
def explain(
    job_id: JobArgument,
    key: Annotated[str, typer.Argument(help="The object's key, as it is.")],
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Say what became of one object in a job."""
    client = open_client(api_url, stage, token)
    path, query = f"/jobs/{path_segment(job_id)}/objects", {"key": key}
    found = client.get(path, query)
    # A job may have more chunks than one request reads; those that may hold the object are kept.
    earlier: list[Json] = []
    while cursor := found.get("nextCursor"):
        earlier += found["chunks"]
        found = client.get(path, {**query, "cursor": cursor})
    if earlier and not found["outcome"]:
        found = {**found, "chunks": [*earlier, *found["chunks"]]}
    if output is Format.JSON:
        print_json(found)
        return
    print_explanation(found)


@reporting_problems
def cancel(
    job_id: JobArgument,
    wait: WaitOption = False,
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """End a job; what is being copied is finished, nothing new is started."""
    client = open_client(api_url, stage, token)
    _show_or_follow(
        client,
        client.post(f"/jobs/{path_segment(job_id)}/cancel"),
        output,
        wait=wait,
        expected=True,
    )


@reporting_problems
def redrive(
    job_id: JobArgument,
    wait: WaitOption = False,
    api_url: ApiOption = None,
    stage: StageOption = None,
    token: TokenOption = None,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Try a job's failed objects again."""
    client = open_client(api_url, stage, token)
    _show_or_follow(client, client.post(f"/jobs/{path_segment(job_id)}/redrive"), output, wait=wait)


def follow(
    client: ApiClient, job: Json, *, poll_s: float = _POLL_S, stalled_after_s: float | None = None
) -> Json:
    """Poll a job until it has ended, showing its progress; returns it as it ended.

    Raises:
        ApiProblem: the API refused, or the job's record did not change for `stalled_after_s`.
    """
    changed_at = time.monotonic()
    with JobProgress() as progress:
        while True:
            progress.show(job)
            if job["status"] in TERMINAL:
                return job
            time.sleep(poll_s)
            found = client.get(f"/jobs/{path_segment(job['jobId'])}")
            if found["updatedAt"] != job["updatedAt"] or found["chunks"] != job["chunks"]:
                changed_at = time.monotonic()
            elif stalled_after_s is not None and time.monotonic() - changed_at > stalled_after_s:
                raise ApiProblem(f"job {job['jobId']} stands still, {job['status']}")
            job = found


def _show_or_follow(
    client: ApiClient, job: Json, output: Format, *, wait: bool, expected: bool = False
) -> None:
    """Print the job; with `wait`, exit with 1 if it did not end as it was meant to."""
    if wait:
        job = follow(client, job)
    if output is Format.JSON:
        print_json(job)
    else:
        print_job(job)
        if job["status"] not in TERMINAL:
            OUT.print(f"next: asset-sync job {job['jobId']} --wait")
        elif (summary := summary_of(job)) is not None:
            OUT.print(summary)
    if wait and job["status"] in _FAILED and not expected:
        raise typer.Exit(1)
