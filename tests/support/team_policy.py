"""The policy of docs/api.md for a team, and how IAM evaluates it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

API = Path(__file__).parents[2] / "docs" / "api.md"
ARN = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/$default"
TEAM = "films"


def policy() -> dict[str, Any]:
    """Return the policy of the page, for the connector of the team."""
    section = API.read_text(encoding="utf-8").partition("## One team, its own connectors")[2]
    text = section.partition("```json\n")[2].partition("```")[0]
    for name, value in (
        ("REGION", "eu-west-1"),
        ("ACCOUNT", "111122223333"),
        ("API_ID", "a1b2c3d4e5"),
        ("CONNECTOR", TEAM),
    ):
        text = text.replace(name, value)
    document: dict[str, Any] = json.loads(text)
    return document


def allows(resource: str, *, action: str = "execute-api:Invoke") -> bool:
    """Evaluate the policy as IAM does: `*` is any text, slashes included, `?` one character."""
    [statement] = policy()["Statement"]
    assert statement["Effect"] == "Allow"
    assert "Condition" not in statement
    return action == statement["Action"] and any(
        re.fullmatch(re.escape(each).replace(r"\*", ".*").replace(r"\?", "."), resource)
        for each in statement["Resource"]
    )


def requested(method: str, path: str, connector_id: str) -> str:
    """Return the ARN of a request: stage, method and path, as API Gateway makes it."""
    path = path.replace("{connectorId}", connector_id).replace("{jobId}", "job-1")
    return f"{ARN}/{method}{path}"
