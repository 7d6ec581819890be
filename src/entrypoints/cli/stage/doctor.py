"""`asset-sync doctor`: runs the checks of a deployed stage and prints what they find.

`asset-sync doctor --stage dev` runs the checks of entrypoints.cli.stage.checks, and says what to do
about each thing that is not as it should be. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.remote.stage_api_client import StageApiClient, open_session, stage_outputs
from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict
from entrypoints.cli.stage.checks.checklist import CHECKS
from entrypoints.cli.terminal.api_problem import ApiProblem
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

StageOption = Annotated[str, typer.Option("--stage", help="The deployed stage, such as dev.")]


@reporting_problems
def doctor(stage: StageOption, output: OutputOption = Format.HUMAN) -> None:
    """Look a deployed stage over; exits with 1 if something is not as it should be."""
    session = open_session()
    outputs = stage_outputs(stage, session.client)
    checked = Stage(
        outputs=outputs,
        client=session.client,
        signed=StageApiClient(outputs, session),
        unsigned=ApiClient(outputs["ApiUrl"]),
    )
    findings = list(run_checks(checked))
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
        print_table(("", "", "what", "how it is"), rows)
        for _, each in findings:
            if each.verdict is not Verdict.OK:
                OUT.print(printable(f"{each.subject} ({each.verdict}): {each.fix}"))
    if any(each.verdict is Verdict.WRONG for _, each in findings):
        ERR.print("Something is not as it should be.")
        raise typer.Exit(1)


def run_checks(stage: Stage) -> Iterator[tuple[int, Finding]]:
    """Yield what every check finds, with the number that it has in docs/deploy/checklist.md."""
    for number, check in enumerate(CHECKS, start=1):
        try:
            for finding in check.run(stage):
                yield number, finding
        except (BotoCoreError, ClientError, ApiProblem) as error:
            yield (
                number,
                Finding(
                    check.title,
                    Verdict.WRONG,
                    str(error),
                    "allow yourself this question, or deploy the stage again:"
                    f" {check.command_of(stage)}",
                ),
            )
