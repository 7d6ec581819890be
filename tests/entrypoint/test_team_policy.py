"""The policy of docs/api.md for a team: it allows the routes of its own connector, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from entrypoints.http.routes import ROUTES

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


def own_routes() -> set[tuple[str, str]]:
    """What a team may do: see its connector, and see and run its jobs; not change it."""
    return {
        (each.method, each.path)
        for each in ROUTES
        if each.path.startswith("/connectors/{connectorId}") and each.method in ("GET", "POST")
    }


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_the_routes_of_the_own_connector_are_allowed_and_no_other(route: Any) -> None:
    own = (route.method, route.path) in own_routes()
    assert allows(requested(route.method, route.path, TEAM)) is own


@pytest.mark.parametrize("other", ["photos", "films-2", "films2", "old-films", "f", "FILMS"])
def test_no_route_of_another_connector_is_allowed(other: str) -> None:
    for route in ROUTES:
        assert not allows(requested(route.method, route.path, other)), route.path


def test_what_a_team_may_do_includes_jobs_and_all_that_is_below_them() -> None:
    paths = {path for _, path in own_routes()}
    assert "/connectors/{connectorId}/sync" in paths
    assert "/connectors/{connectorId}/jobs" in paths
    assert "/connectors/{connectorId}/jobs/{jobId}/redrive" in paths
