"""`asset-sync demo`: a sync on this machine, checked, and a second one that writes nothing."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.job import Discovery
from entrypoints.cli.api_client import ApiProblem
from entrypoints.cli.output import (
    ERR,
    OUT,
    Format,
    OutputOption,
    print_job,
    print_json,
    print_table,
    reporting_problems,
)

if TYPE_CHECKING:
    from entrypoints.cli.demonstration import Check, Run

Json = dict[str, Any]


@reporting_problems
def demo(
    from_: Annotated[
        Path | None,
        typer.Option("--from", exists=True, file_okay=False, help="Sync the files of this folder."),
    ] = None,
    objects: Annotated[
        int, typer.Option(min=1, max=20_000, help="How many files to make, without --from.")
    ] = 120,
    discovery: Annotated[
        Discovery, typer.Option(help="By S3 Batch Operations, or by the workers themselves.")
    ] = Discovery.BATCH,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Sync a bucket on this machine: no AWS account, nothing left behind."""
    log_path = Path(tempfile.mkdtemp(prefix="asset-sync-")) / "asset-sync.log"
    # The whole service comes with this import; commands that only ask an API start without it.
    from entrypoints.cli.demonstration import demonstrate

    try:
        runs, checks = asyncio.run(demonstrate(from_, objects, discovery, log_path))
    except (ApiProblem, TimeoutError):
        ERR.print(f"The log of the functions says more: {log_path}")
        raise
    kept = all(check.kept for check in checks)
    if output is Format.JSON:
        print_json(_document(runs, checks, kept=kept))
    else:
        _print(runs, checks, log_path)
    if not kept:
        raise typer.Exit(1)


def _print(runs: list[Run], checks: list[Check], log_path: Path) -> None:
    for title, run in zip(("First sync", "Second sync"), runs, strict=True):
        OUT.print(f"\n[bold underline]{title}[/bold underline]")
        print_job(run.job)
        OUT.print("\nrequests made for it:")
        print_table(
            ("SERVICE", "OPERATION", "BUCKET", "REQUESTS"),
            ((*call, f"{count:,}") for call, count in sorted(run.calls.items())),
        )
    OUT.print("\n[bold underline]Promises[/bold underline]")
    for check in checks:
        mark = "[green]kept[/green]  " if check.kept else "[red]BROKEN[/red]"
        OUT.print(f"{mark}  {check.name}: {check.detail}")
    OUT.print(f"\nLog of the functions: {log_path}")
    OUT.print("Keep it running and look inside: asset-sync up --env-file asset-sync.env")


def _document(runs: list[Run], checks: list[Check], *, kept: bool) -> Json:
    return {
        "ok": kept,
        "jobs": [run.job for run in runs],
        "checks": [{"name": c.name, "kept": c.kept, "detail": c.detail} for c in checks],
        "requests": [
            [
                {"service": service, "operation": operation, "bucket": bucket, "count": count}
                for (service, operation, bucket), count in sorted(run.calls.items())
            ]
            for run in runs
        ],
    }
