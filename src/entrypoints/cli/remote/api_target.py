"""Which API a command talks to: a URL, or a deployed stage."""

from __future__ import annotations

from typing import Annotated

import typer

from entrypoints.cli.remote.api_client import API_URL_VARIABLE, ApiClient
from entrypoints.cli.remote.authorisation import TOKEN_VARIABLE

ApiOption = Annotated[
    str | None,
    typer.Option(
        "--api-url", envvar=API_URL_VARIABLE, help="Base URL of the API.", show_default=False
    ),
]
StageOption = Annotated[
    str | None,
    typer.Option("--stage", help="A deployed stage, instead of a URL.", show_default=False),
]


TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar=TOKEN_VARIABLE,
        help="Bearer token, for an API that asks for one (auth=jwt). Other users of the machine can"
        " see options, so the variable is better.",
        show_default=False,
    ),
]


def open_client(api_url: str | None, stage: str | None, token: str | None = None) -> ApiClient:
    """Return a client; a stage that is named goes before a URL from the environment.

    Raises:
        ApiProblem: neither is there, there is no such stage, or the token cannot be sent.
    """
    if stage is None:
        return ApiClient.from_option(api_url, token)
    # boto3 takes a moment to import, and only this needs it.
    from entrypoints.cli.remote.stage_api_client import StageApiClient

    return StageApiClient.of_stage(stage, token)
