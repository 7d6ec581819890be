"""The command `asset-sync doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from entrypoints.cli.terminal.output import (
    ERR,
    OUT,
    Format,
    OutputOption,
    print_json,
    print_table,
    printable,
    reporting_problems,
)


@reporting_problems
def doctor(
    stage: Annotated[str, typer.Option("--stage", help="The deployed stage, such as dev.")],
    output: OutputOption = Format.HUMAN,
) -> None:
    """Check a deployed stage; exits with 1 if a check fails. Changes nothing."""
    # Imported here because boto3 is slow to import, and most commands do not need it.
    from entrypoints.cli.stage.checks.check import Verdict
    from entrypoints.cli.stage.doctor import open_stage, run_checks

    findings = list(run_checks(open_stage(stage)))
    if output is Format.JSON:
        print_json(
            [
                {
                    "check": number,
                    "subject": each.subject,
                    "verdict": each.verdict,
                    "detail": each.detail,
                    "fix": each.fix,
                }
                for number, each in findings
            ]
        )
    else:
        rows = [(number, each.verdict, each.subject, each.detail) for number, each in findings]
        print_table(("", "", "what", "result"), rows)
        for _, each in findings:
            if each.verdict is not Verdict.OK:
                OUT.print(printable(f"{each.subject} ({each.verdict}): {each.fix}"))
    if any(each.verdict is Verdict.WRONG for _, each in findings):
        ERR.print("At least one check failed.")
        raise typer.Exit(1)
