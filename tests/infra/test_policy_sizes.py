"""Policies stay within IAM's quotas, however long the operator's lists are.

Sizes are those of the synthesized template, with references at their longest: IAM counts the
characters of a document without white space (IAM User Guide, "IAM and AWS STS quotas").
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from infra.config import read_config
from infra.policies import ROLES
from infra.policy_documents import (
    ATTACHED_COUNT,
    INLINE_CHARACTERS_MAX,
    MANAGED_CHARACTERS_MAX,
    in_documents,
    length,
)

Template = dict[str, Any]
OfType = Callable[[Template, str], dict[str, Any]]

_ACCOUNT = "123456789012"
BUCKETS_40 = ",".join(f"{i:03}-{'b' * 36}" for i in range(40))
BUCKETS_200 = ",".join(f"{i:03}-{'b' * 36}" for i in range(200))
ROLES_100 = ",".join(f"arn:aws:iam::{_ACCOUNT}:role/{i:03}-{'r' * 60}" for i in range(100))
QUEUES_60 = ",".join(f"arn:aws:sqs:ap-southeast-1:{_ACCOUNT}:{i:03}-{'q' * 70}" for i in range(60))
KEYS_60 = ",".join(f"arn:aws:kms:ap-southeast-1:{_ACCOUNT}:key/{i:036}" for i in range(60))


def _length(document: Any) -> int:
    """Return the number of characters of a document, with each reference at its longest."""
    text = json.dumps(_resolved(document), separators=(",", ":"))
    return len("".join(text.split()))


def _resolved(value: Any) -> Any:
    if isinstance(value, list):
        return [_resolved(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Ref"}:
        # The longest names of a partition and a Region.
        return {"AWS::Partition": "aws-us-gov", "AWS::Region": "ap-southeast-1"}.get(
            value["Ref"], "x" * 40
        )
    if value.keys() == {"Fn::GetAtt"}:
        return "x" * 140
    if value.keys() == {"Fn::Join"}:
        return "".join(_resolved(value["Fn::Join"][1]))
    return {key: _resolved(each) for key, each in value.items()}


@pytest.mark.parametrize(
    "choices",
    [
        {"targets": "media-a"},
        {"targets": BUCKETS_40},
        {"targets": BUCKETS_200},
        {"target_roles": ROLES_100},
        {"targets": "media-a", "target_keys": KEYS_60},
        {"targets": "media-a", "ingest_queues": QUEUES_60},
        {"targets": "media-a", "ingest_queues": "arn:aws:sqs:eu-west-1:123456789012:a"}
        | {"ingest_queue_keys": KEYS_60},
        {
            "targets": BUCKETS_40,
            "target_roles": ROLES_100,
            "ingest_queues": QUEUES_60,
            "kms": "create",
            "catalog": "t" * 255,
            "catalog_index": "i" * 255,
            "catalog_path_index": "p" * 255,
            "catalog_key": f"arn:aws:kms:ap-southeast-1:{_ACCOUNT}:key/{'k' * 36}",
            "bus": "b" * 256,
        },
    ],
    ids=["1", "40 buckets", "200 buckets", "roles", "keys", "queues", "queue keys", "all"],
)
def test_every_policy_is_within_the_quotas_of_iam(
    synthesize: Callable[..., Template], of_type: OfType, choices: dict[str, str]
) -> None:
    template = synthesize(stage="dev", **choices)
    managed = of_type(template, "AWS::IAM::ManagedPolicy")
    for name, role in of_type(template, "AWS::IAM::Role").items():
        properties = role["Properties"]
        inline = sum(_length(each["PolicyDocument"]) for each in properties.get("Policies", []))
        assert inline <= INLINE_CHARACTERS_MAX, (name, inline)
        assert len(properties.get("ManagedPolicyArns", [])) <= ATTACHED_COUNT, name
    for name, policy in managed.items():
        length = _length(policy["Properties"]["PolicyDocument"])
        assert length <= MANAGED_CHARACTERS_MAX, (name, length)


def test_a_bucket_more_moves_no_other_to_another_policy() -> None:
    """Two policies are not updated atomically, so a moved bucket could be in neither."""
    before = read_config({"stage": "dev", "targets": BUCKETS_200, "target_roles": ROLES_100})
    after = read_config(
        {"stage": "dev", "targets": f"{BUCKETS_200},new-bucket", "target_roles": ROLES_100}
    )
    for role in ROLES:
        was, now = in_documents(role, before).managed, in_documents(role, after).managed
        for name, statements in was.items():
            held = {(s.sid, r) for s in statements for r in s.resources}
            assert held <= {(s.sid, r) for s in now[name] for r in s.resources}, (role, name)


@pytest.mark.parametrize("targets", ["media-a", BUCKETS_40, BUCKETS_200])
def test_documents_hold_what_the_role_was_given_and_nothing_else(targets: str) -> None:
    config = read_config(
        {"stage": "dev", "targets": targets, "target_roles": ROLES_100, "ingest_queues": QUEUES_60}
    )
    for role, statements in ROLES.items():
        made = in_documents(role, config)
        found = [s for each in (made.inline, *made.managed.values()) for s in each]
        assert _rights(found) == _rights(statements(config))


def _rights(statements: Any) -> dict[tuple[str, str, str], int]:
    count: dict[tuple[str, str, str], int] = {}
    for statement in statements:
        for action in statement.actions:
            for resource in statement.resources:
                right = (statement.sid, action, resource)
                count[right] = count.get(right, 0) + 1
    return count


def test_the_longest_names_that_aws_allows_fit() -> None:
    roles = ",".join(
        f"arn:aws-us-gov:iam::{_ACCOUNT}:role/{letter}{'p/' * 250}{'r' * 64}" for letter in "ab"
    )
    config = read_config({"stage": "dev", "target_roles": roles, "targets": "b" * 63})
    for name in ROLES:
        for statements in in_documents(name, config).managed.values():
            # Others have no names of the operator's.
            if statements[0].list_of:
                assert length(statements) <= MANAGED_CHARACTERS_MAX
