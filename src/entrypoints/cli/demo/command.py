"""`asset-sync demo`: a sync on this machine, checked, and a second one that writes nothing."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from domain.job import Discovery
from entrypoints.cli.local.system_option import SystemOption
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.output import (
    ERR,
    OUT,
    Format,
    OutputOption,
    heading,
    print_job,
    print_json,
    print_table,
    printable,
    reporting_problems,
    show_key,
)
from entrypoints.wiring.asset_systems import AssetSystem

if TYPE_CHECKING:
    from entrypoints.cli.demo.scenario import DemoResult

Json = dict[str, Any]

_SHOWN_COUNT_MAX = 5


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
    system: SystemOption = AssetSystem.MEDIALAKE,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Sync a bucket on this machine: no AWS account, nothing left behind."""
    log_path = Path(tempfile.mkdtemp(prefix="asset-sync-")) / "asset-sync.log"
    # The whole service comes with this import; commands that only ask an API start without it.
    from entrypoints.cli.demo.scenario import run_demo

    try:
        shown = asyncio.run(run_demo(from_, objects, discovery, system, log_path))
    except TimeoutError as error:
        ERR.print(f"The log of the functions says more: {printable(log_path)}")
        raise ApiProblem(str(error)) from error
    except ApiProblem:
        ERR.print(f"The log of the functions says more: {printable(log_path)}")
        raise
    kept = all(check.kept for check in shown.checks)
    if output is Format.JSON:
        print_json(_document(shown, system, kept=kept))
    else:
        _print(shown, log_path)
    if not kept:
        raise typer.Exit(1)


def _print(shown: DemoResult, log_path: Path) -> None:
    from entrypoints.cli.demo.checks import not_taken, summary

    for title, run in zip(("First sync", "Second sync"), shown.runs, strict=True):
        heading(title)
        print_job(run.job)
        OUT.print("\nrequests made for it:")
        print_table(
            ("SERVICE", "OPERATION", "BUCKET", "REQUESTS"),
            ((*call, f"{count:,}") for call, count in sorted(run.calls.items())),
        )
    heading("How each kind of object ended")
    print_table(
        ("OBJECTS", "KIND", "FIRST SYNC", "SECOND SYNC"),
        ((f"{n:,}", kind, *ends) for kind, n, ends in summary(shown.filled, shown.runs)),
    )
    last = shown.runs[-1]
    left = not_taken(last)
    if left:
        heading("Not taken")
        print_table(
            ("OBJECT", "TIMES TRIGGERED", "LAST TRIGGERED"),
            (
                (show_key(each["objectKey"]), each["triggerCount"], each["triggeredAt"])
                for each in left[:_SHOWN_COUNT_MAX]
            ),
        )
        OUT.print(
            f"{len(left):,} in all. The log and the file filter of the system's ingest say why."
            " On a service that keeps running:"
        )
        job_id, connector = last.job["jobId"], last.job["connectorId"]
        OUT.print(f"  asset-sync outcomes {job_id} --outcome NOT_TAKEN    # lists them")
        OUT.print(f"  asset-sync sync {connector} --retrigger    # triggers them once more")
    heading("Promises")
    for check in shown.checks:
        mark = ("kept  ", "green") if check.kept else ("BROKEN", "red")
        OUT.print(Text.assemble(mark, f"  {check.name}: {printable(check.detail)}"))
    OUT.print(f"\nLog of the functions: {printable(log_path)}")
    OUT.print("Keep it running and look inside: asset-sync up --env-file asset-sync.env")


def _document(shown: DemoResult, system: AssetSystem, *, kept: bool) -> Json:
    from entrypoints.cli.demo.checks import not_taken, summary

    return {
        "ok": kept,
        "system": system.value,
        "jobs": [run.job for run in shown.runs],
        "kinds": [
            {"kind": kind.value, "objects": count, "ends": ends}
            for kind, count, ends in summary(shown.filled, shown.runs)
        ],
        "notTaken": not_taken(shown.runs[-1]),
        "checks": [{"name": c.name, "kept": c.kept, "detail": c.detail} for c in shown.checks],
        "requests": [
            [
                {"service": service, "operation": operation, "bucket": bucket, "count": count}
                for (service, operation, bucket), count in sorted(run.calls.items())
            ]
            for run in shown.runs
        ],
    }
