"""The common options of the commands that call the HTTP API, and the client and output."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial, wraps
from inspect import Parameter
from typing import Annotated, Any

import typer

from entrypoints.cli.remote.api_client import API_URL_VARIABLE, ApiClient
from entrypoints.cli.remote.authorisation import TOKEN_VARIABLE
from entrypoints.cli.terminal.output import (
    Format,
    OutputOption,
    print_json,
    print_table,
    reporting_problems,
)


@dataclass(frozen=True)
class Remote:
    """The API that a command calls, and the format of its output."""

    open_client: Callable[[], ApiClient]
    output: Format
    stage: str | None = None

    @cached_property
    def client(self) -> ApiClient:
        """The client; opened when it is first used, after the command has checked its options.

        Raises:
            ApiProblem: there is no such API.
        """
        return self.open_client()

    @property
    def label(self) -> str:
        """The stage, or the URL of the API."""
        return self.stage or self.client.base_url

    def print(
        self,
        document: object,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        empty: str,
    ) -> None:
        """Print the JSON document, or a table of the same records, or `empty` without records."""
        if self.output is Format.JSON:
            print_json(document)
        else:
            print_table(columns, rows, empty)


def remote_command(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the API and the output; its first parameter is a `Remote`."""

    @wraps(command)
    def run(
        *, api_url: str | None, stage: str | None, token: str | None, output: Format, **own: Any
    ) -> None:
        command(Remote(partial(open_client, api_url, stage, token), output, stage), **own)

    parameters = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    # Typer reads the options of a command from its signature.
    vars(run)["__signature__"] = inspect.Signature([*parameters, *_COMMON_OPTIONS])
    return reporting_problems(run)


def _option(name: str, annotation: object, default: object = None) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_COMMON_OPTIONS = (
    _option(
        "api_url",
        Annotated[
            str | None,
            typer.Option(envvar=API_URL_VARIABLE, help="Base URL of the API.", show_default=False),
        ],
    ),
    _option(
        "stage",
        Annotated[
            str | None, typer.Option(help="A deployed stage, instead of a URL.", show_default=False)
        ],
    ),
    _option(
        "token",
        Annotated[
            str | None,
            typer.Option(
                envvar=TOKEN_VARIABLE,
                help="Bearer token for an API with auth=jwt. Other users of the machine can see"
                " options; prefer the variable.",
                show_default=False,
            ),
        ],
    ),
    _option("output", OutputOption, Format.HUMAN),
)


def open_client(api_url: str | None, stage: str | None, token: str | None = None) -> ApiClient:
    """Return a client; a stage takes precedence over a URL in the environment.

    Raises:
        ApiProblem: neither is set, the stage does not exist, or the token cannot be sent.
    """
    if stage is None:
        return ApiClient.from_option(api_url, token)
    # Imported here because boto3 is slow to import, and only this needs it.
    from entrypoints.cli.remote.stage_api_client import StageApiClient

    return StageApiClient.of_stage(stage, token)
