"""A deployed stage: finding it by the outputs of its stack, asking its API, and looking it over.

`asset-sync doctor --stage dev` runs the checks of entrypoints.cli.stage_checks, and says what to do
about each thing that is not as it should be. It changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped]
import typer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from entrypoints.cli.api_client import ApiClient
from entrypoints.cli.api_problem import ApiProblem
from entrypoints.cli.authorisation import BearerToken
from entrypoints.cli.output import (
    ERR,
    OUT,
    Format,
    OutputOption,
    print_json,
    print_table,
    printable,
    reporting_problems,
)
from entrypoints.cli.stage_checks.check import Finding, OpenClient, Outputs, Stage, Verdict
from entrypoints.cli.stage_checks.checklist import CHECKS

StageOption = Annotated[str, typer.Option("--stage", help="The deployed stage, such as dev.")]


def stage_outputs(stage: str, client: OpenClient) -> Outputs:
    """Return the outputs of the stage's stack.

    Raises:
        ApiProblem: there is no such stack here, or AWS does not say.
    """
    name = f"asset-sync-{stage}"
    try:
        (stack,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise ApiProblem(
            f"the stack {name} cannot be looked up: {error} (is AWS_PROFILE the right account, and"
            f" AWS_REGION the region of the stage? `make deploy STAGE={stage} TARGETS=…` makes it)"
        ) from error
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


class StageApiClient(ApiClient):
    """The API of a deployed stage: its requests are signed, or carry a token, as it asks for."""

    def __init__(self, outputs: Outputs, session: boto3.Session, token: str | None = None) -> None:
        self.outputs = outputs
        url = outputs["ApiUrl"]
        if outputs.get("ApiAuthorisation", "iam") == "iam":
            super().__init__(url, Signature(session))
        else:
            issuer, audience = outputs.get("ApiTokenIssuer"), outputs.get("ApiTokenAudience")
            source = f" of {issuer} for {audience}" if issuer else ""
            super().__init__(url, BearerToken(token, url, source))

    @classmethod
    def of_stage(cls, stage: str, token: str | None = None) -> StageApiClient:
        """Find the stage.

        Raises:
            ApiProblem: there is no such stage here, or the token cannot be sent.
        """
        session = _session()
        return cls(stage_outputs(stage, session.client), session, token)


class Signature:
    """Signs requests with AWS credentials, for API Gateway with IAM authorisation."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session

    def headers(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the headers with the signature's.

        Raises:
            ApiProblem: there are no credentials to sign with.
        """
        asked = AWSRequest(method=method, url=url, data=body or b"", headers=dict(headers))
        try:
            credentials = self._session.get_credentials()
            if credentials is None:
                raise NoCredentialsError
            SigV4Auth(
                credentials.get_frozen_credentials(), "execute-api", self._session.region_name
            ).add_auth(asked)
        except BotoCoreError as error:
            raise ApiProblem(
                f"requests to {urlsplit(url).netloc} cannot be signed: {error}: set AWS_PROFILE, or"
                " sign in (`aws sso login`)"
            ) from error
        return dict(asked.headers)

    def remedy(self, status: int, _headers: Mapping[str, str]) -> str:
        """Say what the caller needs."""
        if status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ""
        return (
            "the request was signed, and refused: your role needs execute-api:Invoke on this API"
            " (docs/deploy.md, Credentials and rights); or the credentials or this machine's clock"
            " are wrong (`aws sts get-caller-identity`)"
        )


def _session() -> boto3.Session:
    """Open a session.

    Raises:
        ApiProblem: there is no such profile.
    """
    # boto3 by itself reads AWS_DEFAULT_REGION only; the AWS CLI reads this one first.
    try:
        return boto3.Session(region_name=os.environ.get("AWS_REGION"))
    except BotoCoreError as error:
        raise ApiProblem(f"{error}: correct AWS_PROFILE (`aws configure list-profiles`)") from error


@reporting_problems
def doctor(stage: StageOption, output: OutputOption = Format.HUMAN) -> None:
    """Look a deployed stage over; exits with 1 if something is not as it should be."""
    session = _session()
    outputs = stage_outputs(stage, session.client)
    checked = Stage(
        outputs=outputs,
        client=session.client,
        signed=StageApiClient(outputs, session),
        unsigned=ApiClient(outputs["ApiUrl"]),
    )
    findings = list(examine(checked))
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


def examine(stage: Stage) -> Iterator[tuple[int, Finding]]:
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
