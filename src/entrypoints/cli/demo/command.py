"""The command `asset-sync demo`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from domain.discovery import Discovery
from domain.views import Json
from entrypoints.cli.local.system_option import SystemOption
from entrypoints.cli.remote.setting_options import DISCOVERY_OPTION
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

_SHOWN_COUNT_MAX = 5


@reporting_problems
def demo(
    from_: Annotated[
        Path | None,
        typer.Option("--from", exists=True, file_okay=False, help="Sync the files in this folder."),
    ] = None,
    objects: Annotated[
        int, typer.Option(min=1, max=20_000, help="Number of files to generate, without --from.")
    ] = 120,
    discovery: Annotated[Discovery, DISCOVERY_OPTION] = Discovery.BATCH,
    system: SystemOption = AssetSystem.MEDIALAKE,
    output: OutputOption = Format.HUMAN,
) -> None:
    """Sync a generated bucket on this machine and check the result; needs no AWS account."""
    log_path = Path(tempfile.mkdtemp(prefix="asset-sync-")) / "asset-sync.log"
    # Imported here because it imports the whole service, which other commands do not need.
    from entrypoints.cli.demo.scenario import run_demo

    try:
        result = asyncio.run(run_demo(from_, objects, discovery, system, log_path))
    except (TimeoutError, ApiProblem) as error:
        ERR.print(f"See the log of the functions: {printable(log_path)}")
        if isinstance(error, TimeoutError):
            raise ApiProblem(str(error)) from error
        raise
    passed = all(check.passed for check in result.checks)
    if output is Format.JSON:
        print_json(_document(result, system, passed=passed))
    else:
        _print(result, log_path)
    if not passed:
        raise typer.Exit(1)


def _print(result: DemoResult, log_path: Path) -> None:
    from entrypoints.cli.demo.checks import not_taken, summary

    for title, run in zip(("First sync", "Second sync"), result.runs, strict=True):
        heading(title)
        print_job(run.job)
        OUT.print("\nrequests:")
        print_table(
            ("SERVICE", "OPERATION", "BUCKET", "REQUESTS"),
            ((*call, f"{count:,}") for call, count in sorted(run.calls.items())),
        )
    heading("Outcomes by kind of object")
    print_table(
        ("OBJECTS", "KIND", "FIRST SYNC", "SECOND SYNC"),
        ((f"{n:,}", kind, *ends) for kind, n, ends in summary(result.contents, result.runs)),
    )
    last = result.runs[-1]
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
            f"{len(left):,} in total. The log and the file filter of the system's ingest show the"
            " cause. With a running service:"
        )
        job_id, connector = last.job["jobId"], last.job["connectorId"]
        OUT.print(f"  asset-sync outcomes {job_id} --outcome NOT_TAKEN    # list them")
        OUT.print(f"  asset-sync sync {connector} --retrigger    # trigger them again")
    heading("Checks")
    for check in result.checks:
        mark = ("ok    ", "green") if check.passed else ("FAILED", "red")
        OUT.print(Text.assemble(mark, f"  {check.name}: {printable(check.detail)}"))
    OUT.print(f"\nLog of the functions: {printable(log_path)}")
    OUT.print("To keep the service running: asset-sync up --env-file asset-sync.env")


def _document(result: DemoResult, system: AssetSystem, *, passed: bool) -> Json:
    from entrypoints.cli.demo.checks import not_taken, summary

    return {
        "ok": passed,
        "system": system.value,
        "jobs": [run.job for run in result.runs],
        "kinds": [
            {"kind": kind.value, "objects": count, "ends": ends}
            for kind, count, ends in summary(result.contents, result.runs)
        ],
        "notTaken": not_taken(result.runs[-1]),
        "checks": [{"name": c.name, "kept": c.passed, "detail": c.detail} for c in result.checks],
        "requests": [
            [
                {"service": service, "operation": operation, "bucket": bucket, "count": count}
                for (service, operation, bucket), count in sorted(run.calls.items())
            ]
            for run in result.runs
        ],
    }
