"""Statements are explicit: known actions, named resources, nothing that came from elsewhere."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from infra.config import read_config
from infra.policies import ROLES
from infra.statements import Statement

Template = dict[str, Any]
OfType = Callable[[Template, str], dict[str, Any]]
ROOT = Path(__file__).resolve().parents[2]


def _all_statements() -> Iterator[Statement]:
    choices = [
        {"stage": "dev", "targets": "media-a"},
        {"stage": "prod", "targets": "a-b,c-d", "kms": "create", "catalog": "assets"},
    ]
    for choice in choices:
        for statements in ROLES.values():
            yield from statements(read_config(choice))


def _documents(template: Template, of_type: OfType) -> dict[str, list[dict[str, Any]]]:
    roles = of_type(template, "AWS::IAM::Role")
    return {
        name: [
            statement
            for policy in role["Properties"]["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        for name, role in roles.items()
        if not name.startswith("Trail")
    }


def test_roles_hold_the_statements_of_the_module_and_no_others(
    plain: Template, of_type: OfType
) -> None:
    config = read_config({"stage": "dev", "targets": "media-a,media-b"})
    documents = _documents(plain, of_type)
    assert len(documents) == len(ROLES)
    for name, statements in ROLES.items():
        (found,) = (d for logical, d in documents.items() if logical.startswith(name.title()))
        assert [s["Sid"] for s in found] == [s.sid for s in statements(config)]
        for made, meant in zip(found, statements(config), strict=True):
            actions = made["Action"] if isinstance(made["Action"], list) else [made["Action"]]
            assert sorted(actions) == sorted(meant.actions)


def test_no_role_has_a_managed_policy(template: Template, of_type: OfType) -> None:
    for role in of_type(template, "AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]


def test_sids_are_unique_in_a_role(template: Template, of_type: OfType) -> None:
    for statements in _documents(template, of_type).values():
        sids = [statement["Sid"] for statement in statements]
        assert len(sids) == len(set(sids))


def test_no_action_has_a_wildcard_and_every_action_exists() -> None:
    from policy_sentry.querying.actions import get_action_data

    for action in sorted({action for each in _all_statements() for action in each.actions}):
        assert "*" not in action
        service, _, name = action.partition(":")
        assert get_action_data(service, name), f"AWS knows no {action}"


def test_a_star_stands_only_where_aws_knows_no_resource() -> None:
    from policy_sentry.querying.actions import get_action_data

    for statement in _all_statements():
        assert ("*" in statement.resources) == statement.resourceless
        if not statement.resourceless:
            continue
        for action in statement.actions:
            service, _, name = action.partition(":")
            rows = get_action_data(service, name)[service]
            assert {row["resource_arn_format"] for row in rows} == {"*"}, action


def test_customers_buckets_are_named_one_by_one(plain: Template, of_type: OfType) -> None:
    for statements in _documents(plain, of_type).values():
        for statement in statements:
            resources = statement["Resource"]
            for resource in resources if isinstance(resources, list) else [resources]:
                text = json.dumps(resource)
                assert ":s3:::*" not in text
                if ":s3:::" in text:
                    assert "media-a" in text or "media-b" in text


def test_only_the_processor_writes_to_customers_buckets() -> None:
    config = read_config({"stage": "dev", "targets": "media-a"})
    for role in ("api", "engine", "batch"):
        for statement in ROLES[role](config):
            if any("media-a" in resource for resource in statement.resources):
                assert (role, statement.sid) == ("engine", "ListTargets")
                assert not {action for action in statement.actions if "Object" in action}


def test_nobody_may_delete() -> None:
    allowed = {"sqs:DeleteMessage"}
    for statement in _all_statements():
        assert not {a for a in statement.actions if ":Delete" in a} - allowed


@pytest.mark.parametrize("role", ["Api", "Engine", "Processor", "Batch"])
def test_a_role_is_assumed_by_one_service(plain: Template, of_type: OfType, role: str) -> None:
    (found,) = (
        made["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for name, made in of_type(plain, "AWS::IAM::Role").items()
        if name.startswith(role)
    )
    (statement,) = found
    service = "batchoperations.s3" if role == "Batch" else "lambda"
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}


def test_the_document_is_in_step_with_the_policies() -> None:
    from tools.iam_docs import text

    assert (ROOT / "docs" / "iam.md").read_text(encoding="utf-8") == text()
