"""Which API a command talks to: a URL, or a deployed stage."""

from __future__ import annotations

from typing import Annotated

import typer

from entrypoints.cli.api_client import ApiClient

StageOption = Annotated[
    str | None,
    typer.Option("--stage", help="A deployed stage, instead of a URL.", show_default=False),
]


def open_client(api_url: str | None, stage: str | None) -> ApiClient:
    """Return a client; a stage that is named goes before a URL from the environment.

    Raises:
        ApiProblem: neither is there, or there is no such stage.
    """
    if stage is None:
        return ApiClient.from_option(api_url)
    # boto3 takes a moment to import, and only this needs it.
    from entrypoints.cli.doctor import StageApiClient

    return StageApiClient.of_stage(stage)
