"""The API of a deployed stage: its URL is an output of the stack, its requests are signed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped]
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.remote.authorisation import BearerToken
from entrypoints.cli.remote.connector_option import CONNECTOR_VARIABLE
from entrypoints.cli.terminal.api_problem import ApiProblem

# IAM User Guide and CloudFormation API Reference, "Common errors" (checked 2026-11).
_INVALID_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})

Outputs = Mapping[str, str]
OpenClient = Callable[..., Any]


def stage_outputs(stage: str, client: OpenClient) -> Outputs:
    """Return the outputs of the stage's stack.

    Raises:
        ApiProblem: the stack does not exist here, or the request failed.
    """
    name = f"asset-sync-{stage}"
    try:
        (stack,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        message = f"the stack {name} cannot be read: {error}: {_next_step(error, stage)}"
        raise ApiProblem(message) from error
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def _next_step(error: Exception, stage: str) -> str:
    if isinstance(error, NoRegionError):
        return "set AWS_REGION to the Region of the stage"
    code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
    # Errors of a session of SSO have several classes; all begin like this.
    signed_out = isinstance(error, NoCredentialsError) or type(error).__name__.startswith("SSO")
    if signed_out or code in _INVALID_CREDENTIALS:
        return "set AWS_PROFILE, or sign in (`aws sso login`)"
    if code in _DENIED:
        return f"your role needs cloudformation:DescribeStacks on asset-sync-{stage}"
    if code == "ValidationError":
        return (
            "is AWS_PROFILE the right account, and AWS_REGION the Region of the stage?"
            f" `make deploy STAGE={stage} TARGETS=…` creates it"
        )
    return "check the network, and that AWS_PROFILE and AWS_REGION are those of the stage"


class StageApiClient(ApiClient):
    """The API of a deployed stage: requests are signed or have a token, as the stage requires."""

    def __init__(self, outputs: Outputs, session: boto3.Session, token: str | None = None) -> None:
        self.outputs = outputs
        url = outputs["ApiUrl"]
        if outputs.get("ApiAuthorisation", "iam") == "iam":
            super().__init__(url, AwsSignature(session))
        else:
            issuer, audience = outputs.get("ApiTokenIssuer"), outputs.get("ApiTokenAudience")
            source = f" of {issuer} for {audience}" if issuer else ""
            super().__init__(url, BearerToken(token, url, source))

    @classmethod
    def of_stage(cls, stage: str, token: str | None = None) -> StageApiClient:
        """Return the client of a stage.

        Raises:
            ApiProblem: the stage does not exist here, or the token cannot be sent.
        """
        session = open_session()
        return cls(stage_outputs(stage, session.client), session, token)


class AwsSignature:
    """Adds AWS signatures to requests, for API Gateway with IAM authorisation."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session

    def headers(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the headers, including the signature.

        Raises:
            ApiProblem: there are no credentials.
        """
        request = AWSRequest(method=method, url=url, data=body or b"", headers=dict(headers))
        try:
            credentials = self._session.get_credentials()
            if credentials is None:
                raise NoCredentialsError
            SigV4Auth(
                credentials.get_frozen_credentials(), "execute-api", self._session.region_name
            ).add_auth(request)
        except BotoCoreError as error:
            raise ApiProblem(
                f"requests to {urlsplit(url).netloc} cannot be signed: {error}: set AWS_PROFILE, or"
                " sign in (`aws sso login`)"
            ) from error
        return dict(request.headers)

    def remedy(self, status: int, _headers: Mapping[str, str]) -> str:
        """Explain what the caller needs."""
        if status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ""
        return (
            "the signed request was rejected: your role needs execute-api:Invoke on this API"
            " (docs/deploy.md, Credentials and rights); if it is allowed one connector only, name"
            f" that: --connector, or {CONNECTOR_VARIABLE}; or the credentials or this machine's"
            " clock are wrong (`aws sts get-caller-identity`)"
        )


def open_session() -> boto3.Session:
    """Open a session.

    Raises:
        ApiProblem: the profile does not exist.
    """
    # boto3 reads only AWS_DEFAULT_REGION; the AWS CLI reads AWS_REGION first.
    try:
        return boto3.Session(region_name=os.environ.get("AWS_REGION"))
    except BotoCoreError as error:
        raise ApiProblem(f"{error}: correct AWS_PROFILE (`aws configure list-profiles`)") from error
