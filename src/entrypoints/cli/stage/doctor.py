"""Runs the checks of a deployed stage."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.remote.stage_api_client import StageApiClient, open_session, stage_outputs
from entrypoints.cli.stage.checks.check import Finding, Stage, Verdict
from entrypoints.cli.stage.checks.checklist import CHECKS
from entrypoints.cli.terminal.api_problem import ApiProblem


def open_stage(name: str) -> Stage:
    """Return a deployed stage.

    Raises:
        ApiProblem: the stage does not exist here, or there is no such AWS profile.
    """
    session = open_session()
    outputs = stage_outputs(name, session.client)
    return Stage(
        outputs=outputs,
        client=session.client,
        signed=StageApiClient(outputs, session),
        unsigned=ApiClient(outputs["ApiUrl"]),
    )


def run_checks(stage: Stage) -> Iterator[tuple[int, Finding]]:
    """Yield the findings of every check, with its number in docs/deploy/checklist.md."""
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
                    "grant yourself this permission, or redeploy the stage:"
                    f" {check.command_of(stage)}",
                ),
            )
