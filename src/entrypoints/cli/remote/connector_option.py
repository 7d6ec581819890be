"""The connector of a command: its argument, the option --connector, and completion of its id."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from entrypoints.cli.remote.api_client import API_URL_VARIABLE, ApiClient
from entrypoints.cli.remote.authorisation import TOKEN_VARIABLE
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.cli.terminal.output import printable

CONNECTOR_VARIABLE: Final = "ASSET_SYNC_CONNECTOR"

_COMPLETION_TIMEOUT_S: Final = 2.0


def complete_connector(incomplete: str) -> list[str]:
    """Return the ids that begin like this, of the API in the environment; none if it is silent.

    A stage is not asked: finding it takes longer than a user waits for a completion.
    """
    url, token = os.environ.get(API_URL_VARIABLE), os.environ.get(TOKEN_VARIABLE)
    try:
        client = ApiClient.from_option(url, token, timeout_s=_COMPLETION_TIMEOUT_S)
        found = client.get("/connectors", {"limit": 100})["items"]
    except ApiProblem:
        return []
    return [each["connectorId"] for each in found if each["connectorId"].startswith(incomplete)]


ConnectorArgument = Annotated[
    str, typer.Argument(help="Connector id.", autocompletion=complete_connector)
]
ConnectorOption = Annotated[
    str | None,
    typer.Option(
        envvar=CONNECTOR_VARIABLE,
        help="The jobs' connector: requests are made below its path, as an IAM policy for one"
        " connector requires.",
        show_default=False,
        autocompletion=complete_connector,
    ),
]


def named(connector_id: str | None) -> str:
    """Return the option for a command to run next, empty if it is not needed."""
    if connector_id is None or os.environ.get(CONNECTOR_VARIABLE) == connector_id:
        return ""
    return f" --connector {printable(connector_id)}"
