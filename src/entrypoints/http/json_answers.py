"""Responses with a JSON body, and the tag of a connector's state."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from domain.connector import Connector


def json_answer(
    status: int, body: dict[str, Any], headers: dict[str, str] | None = None
) -> Response[str]:
    """Return a response with this body."""
    text = json.dumps(body, separators=(",", ":"))
    return Response(status, "application/json", text, headers)


def tag_of(connector: Connector) -> dict[str, str]:
    """Return the header with the state of a connector's settings, its schedule among them."""
    return {"ETag": f'"{connector.revision}"'}
