"""Statements are explicit: known actions, named resources, none from another source."""

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from infra.config import read_config
from infra.policies import ROLES, target_role_statements, target_role_trust
from infra.statements import Statement, document
from trial.template import role_documents, role_statements

from application.results.files import copies_key, outcomes_key, progress_key

Template = dict[str, Any]
OfType = Callable[[Template, str], dict[str, Any]]
ROOT = Path(__file__).resolve().parents[2]

_PLACE = "arn:aws:iam::210987654321:role"
_ROLES = (f"{_PLACE}/media/asset-sync", f"{_PLACE}/asset-sync")
_QUEUES = (
    "arn:aws:sqs:eu-west-1:123456789012:medialake-connector-*",
    "arn:aws:sqs:us-west-2:210987654321:ingest.fifo",
)
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/a"


def _all_statements() -> Iterator[Statement]:
    choices = [
        {"stage": "dev", "targets": "media-a"},
        {"stage": "prod", "targets": "a-b,c-d", "kms": "create", "catalog": "assets"},
        {"stage": "dev", "target_roles": ",".join(_ROLES)},
        {"stage": "dev", "targets": "a-b", "target_roles": _ROLES[0], "target_keys": _KEY},
        {"stage": "dev", "targets": "a-b", "profile": "generic"},
        {"stage": "dev", "targets": "a-b", "profile": "none"},
        {
            "stage": "dev",
            "targets": "a-b",
            "catalog": "assets",
            "catalog_key": _KEY,
            "ingest_queues": ",".join(_QUEUES),
            "ingest_queue_keys": _KEY,
        },
    ]
    for choice in choices:
        for statements in ROLES.values():
            yield from statements(read_config(choice))


def _documents(template: Template, of_type: OfType) -> dict[str, list[dict[str, Any]]]:
    return {
        name: role_statements(template, name)
        for name in of_type(template, "AWS::IAM::Role")
        if not name.startswith("Trail")
    }


@pytest.mark.parametrize("variant", ["plain", "full", "roles_only", "no_catalog"])
def test_roles_hold_the_statements_of_the_module_and_no_others(
    request: pytest.FixtureRequest, choices: dict[str, Any], of_type: OfType, variant: str
) -> None:
    config = read_config(choices[variant])
    documents = _documents(request.getfixturevalue(variant), of_type)
    assert len(documents) == len(ROLES)
    for name, statements in ROLES.items():
        (found,) = (d for logical, d in documents.items() if logical.startswith(name.title()))
        by_sid = {s["Sid"]: s for s in found}
        assert len(by_sid) == len(found)  # of lists that fit into one document
        assert by_sid.keys() == {s.sid for s in statements(config)}
        for meant in statements(config):
            made = by_sid[meant.sid]["Action"]
            actions = made if isinstance(made, list) else [made]
            assert sorted(actions) == sorted(meant.actions)


def test_managed_policies_are_of_this_stack_and_of_one_role(
    template: Template, of_type: OfType
) -> None:
    attached = [
        each["Ref"]
        for role in of_type(template, "AWS::IAM::Role").values()
        for each in role["Properties"].get("ManagedPolicyArns", [])
    ]
    assert sorted(attached) == sorted(of_type(template, "AWS::IAM::ManagedPolicy"))
    for policy in of_type(template, "AWS::IAM::ManagedPolicy").values():
        assert not {"Roles", "Users", "Groups"} & policy["Properties"].keys()


def test_sids_are_unique_in_a_document(template: Template, of_type: OfType) -> None:
    for role in of_type(template, "AWS::IAM::Role"):
        for made in role_documents(template, role):
            sids = [statement["Sid"] for statement in made["Statement"] if "Sid" in statement]
            assert len(sids) == len(set(sids))


def test_no_action_has_a_wildcard_and_every_action_exists() -> None:
    from policy_sentry.querying.actions import get_action_data

    for action in sorted({action for each in _all_statements() for action in each.actions}):
        assert "*" not in action
        service, _, name = action.partition(":")
        assert get_action_data(service, name), f"AWS knows no {action}"


def test_a_star_is_used_only_for_actions_without_a_resource() -> None:
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
                assert role == "engine"
                # Which does not change an object.
                may = {"s3:AbortMultipartUpload"}
                assert (
                    not {a for a in statement.actions if "List" not in a and "Get" not in a} - may
                )
                assert not {action for action in statement.actions if "Object" in action}


def test_the_engine_may_read_the_progress_of_a_chunk_that_it_cancels() -> None:
    """The engine cancels a chunk without a lease, with its recorded progress."""
    left = (outcomes_key("j", 0), progress_key("j", 0, "token"), copies_key("j", 0))
    for role in ("engine", "processor"):
        statements = ROLES[role](read_config({"stage": "dev", "targets": "media-a"}))
        for action in ("s3:GetObject", "s3:PutObject"):
            allowed = [r for s in statements if action in s.actions for r in s.resources]
            for key in left:
                asked = f"{{results_bucket}}/{key}"
                assert any(fnmatchcase(asked, each) for each in allowed), (role, action, key)


def test_the_documented_bucket_policy_names_every_statement_on_targets() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    way = page.partition("### By a bucket policy")[2].partition("\n###")[0]
    config = read_config({"stage": "dev", "targets": "media-a"})
    for statement in target_role_statements(config):
        assert statement.sid in way, statement.sid


def test_no_statement_is_without_a_resource() -> None:
    for statement in _all_statements():
        assert statement.actions, statement.sid
        assert statement.resources, statement.sid


def test_only_engine_and_processor_assume_roles_and_only_those_that_were_chosen() -> None:
    for roles in ((), _ROLES[:1], _ROLES):
        config = read_config(
            {"stage": "dev", "targets": "media-a", "target_roles": ",".join(roles)}
        )
        for role, statements in ROLES.items():
            found = [s for s in statements(config) if "sts:AssumeRole" in s.actions]
            if role in ("engine", "processor") and roles:
                (statement,) = found
                assert (statement.sid, statement.actions) == (
                    "AssumeTargetRoles",
                    ("sts:AssumeRole",),
                )
                assert statement.resources == roles
            else:
                assert not found


def _rights(given: dict[str, str], role: str) -> set[tuple[str, str]]:
    config = read_config({"stage": "dev", "targets": "media-a", **given})
    return {
        (action, resource)
        for statement in ROLES[role](config)
        for action in statement.actions
        for resource in statement.resources
    }


@pytest.mark.parametrize(
    ("given", "indexes"),
    [
        ({}, {"S3PathIndex"}),
        ({"profile": "generic"}, {"AssetIDIndex"}),
        ({"catalog_path_index": "none"}, set()),
        ({"profile": "generic", "catalog_path_index": "ByPath"}, {"AssetIDIndex", "ByPath"}),
    ],
)
def test_the_catalog_is_read_by_engine_and_processor_and_by_what_they_ask(
    given: dict[str, str], indexes: set[str]
) -> None:
    """The engine asks about listed objects, whose tags it does not have: not by asset ids."""
    asked = {"processor": indexes, "engine": indexes - {"AssetIDIndex"}}
    for role in ROLES:
        found = {right for right in _rights(given, role) if "{catalog_table}" in right[1]}
        wanted = {
            ("dynamodb:Query", f"{{catalog_table}}/index/{name}") for name in asked.get(role, ())
        }
        if role in asked:
            wanted.add(("dynamodb:BatchGetItem", "{catalog_table}"))
        assert found == wanted


@pytest.mark.parametrize(
    ("given", "scans"),
    [
        ({}, False),
        ({"catalog_snapshots": "true"}, True),
        ({"catalog_snapshots": "true", "profile": "none"}, False),
    ],
)
def test_the_catalog_is_scanned_by_the_engine_alone_if_that_is_chosen(
    given: dict[str, str], scans: bool
) -> None:
    size, scan = ("dynamodb:DescribeTable", "{catalog_table}"), ("dynamodb:Scan", "{catalog_table}")
    # The API sees its size, for the price of a search.
    allowed = {"engine": {size, scan}, "api": {size}}
    for role in ROLES:
        found = {size, scan} & _rights(given, role)
        assert found == (allowed.get(role, set()) if scans else set())


def test_the_catalogs_key_is_used_by_engine_and_processor_alone() -> None:
    given = {"catalog": "assets", "catalog_key": _KEY}
    for role in ROLES:
        found = {action for action, resource in _rights(given, role) if resource == _KEY}
        assert found == (_READS_A_TABLE if role in ("engine", "processor") else set())


def test_without_a_catalog_no_role_reads_one(no_catalog: Template, of_type: OfType) -> None:
    for role in ROLES:
        assert not [r for _, r in _rights({"profile": "none"}, role) if "{catalog" in r]
    made = json.dumps(_documents(no_catalog, of_type))
    assert "dynamodb:BatchGetItem" in made  # of jobs, by the API
    assert "AssetsTable" not in made


def test_the_processor_sends_to_ingest_queues_and_both_workers_read_their_depth() -> None:
    given = {"ingest_queues": ",".join(_QUEUES)}
    wanted = {
        "processor": {"sqs:GetQueueAttributes", "sqs:SendMessage"},
        "engine": {"sqs:GetQueueAttributes"},
    }
    for role in ROLES:
        more = _rights(given, role) - _rights({}, role)
        actions = wanted.get(role, set())
        ages = {("cloudwatch:GetMetricData", "*")} if actions else set()
        assert more == ages | {(action, queue) for action in actions for queue in _QUEUES}


def test_keys_of_ingest_queues_are_used_through_sqs_by_the_processor_alone() -> None:
    given = {"ingest_queues": ",".join(_QUEUES), "ingest_queue_keys": _KEY}
    for role in ROLES:
        config = read_config({"stage": "dev", "targets": "media-a", **given})
        found = [s for s in ROLES[role](config) if _KEY in s.resources]
        if role != "processor":
            assert not found
            continue
        (statement,) = found
        assert set(statement.actions) == {"kms:Decrypt", "kms:GenerateDataKey"}
        (via,) = (keys["kms:ViaService"] for keys in statement.conditions.values())
        assert fnmatchcase("sqs.us-west-2.amazonaws.com", via)
        assert not fnmatchcase("s3.us-west-2.amazonaws.com", via)


def test_without_the_choice_no_statement_is_about_ingest_queues(
    plain: Template, full: Template, of_type: OfType
) -> None:
    sids = {"SendToIngestQueues", "LookAtIngestQueues", "IngestQueueKeys"}
    for template, wanted in ((plain, set()), (full, sids)):
        found = {s["Sid"] for each in _documents(template, of_type).values() for s in each}
        assert found & sids == wanted
    made = json.dumps(_documents(full, of_type))
    for queue, count in zip(_QUEUES, (2, 2), strict=True):
        assert made.count(json.dumps(queue)) == count  # the engine's and the processor's


def test_without_targets_no_customers_bucket_is_named(
    roles_only: Template, choices: dict[str, Any], of_type: OfType
) -> None:
    made = json.dumps(_documents(roles_only, of_type))
    assert ":s3:::" not in made
    for role in choices["roles_only"]["target_roles"].split(","):
        assert made.count(json.dumps(role)) == 2  # the engine's and the processor's


def test_a_role_of_another_account_has_the_same_permissions_on_targets() -> None:
    config = read_config({"stage": "dev", "targets": "media-a", "target_keys": _KEY})
    ours = {
        (action, resource)
        for statements in ROLES.values()
        for statement in statements(config)
        for action in statement.actions
        for resource in statement.resources
        if "media-a" in resource or resource == _KEY
    }
    asked = target_role_statements(config)
    assert ours == {
        (a, r) for statement in asked for a in statement.actions for r in statement.resources
    }
    assert len({statement.sid for statement in asked}) == len(asked)


def test_the_policies_to_paste_are_those_of_the_module() -> None:
    from tools.iam_docs import text

    pasted = [part.partition("```")[0] for part in text().split("```json")[1:]]
    trust, permission = map(json.loads, pasted)
    assert trust == target_role_trust("ENGINE_ROLE_ARN", "PROCESSOR_ROLE_ARN")
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"AWS": ["ENGINE_ROLE_ARN", "PROCESSOR_ROLE_ARN"]}
    given = {
        "stage": "dev",
        "targets": "media-a",
        "target_keys": _KEY,
        "sources": "media-reports",
    }
    meant = document(
        target_role_statements(read_config(given)), {"partition": "aws", "region": "REGION"}
    )
    shown = json.dumps(permission).replace("SOURCE_BUCKET", "media-reports")
    shown = shown.replace("BUCKET", "media-a").replace("KEY_ARN", _KEY)
    assert json.loads(shown) == meant
    # Placeholders must be visible: no name in braces, which IAM would accept.
    assert "{" not in json.dumps([s["Resource"] for s in permission["Statement"]])


def test_no_role_may_delete() -> None:
    """Except messages, a connector's record and schedule, and shares of a listing."""
    for statement in _all_statements():
        has_items = statement.resources in (("{connectors_table}",), ("{jobs_table}",))
        allowed = {"sqs:DeleteMessage", *(("dynamodb:DeleteItem",) * has_items)}
        if statement.resources == ("{schedules}",):
            allowed.add("scheduler:DeleteSchedule")
        assert not {a for a in statement.actions if ":Delete" in a} - allowed


@pytest.mark.parametrize("role", ["Api", "Engine", "Processor", "Batch", "Schedules"])
def test_a_role_is_assumed_by_one_service(plain: Template, of_type: OfType, role: str) -> None:
    (found,) = (
        made["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for name, made in of_type(plain, "AWS::IAM::Role").items()
        if name.startswith(role)
    )
    (statement,) = found
    service = {"Batch": "batchoperations.s3", "Schedules": "scheduler"}.get(role, "lambda")
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}


def test_the_document_is_up_to_date_with_the_policies() -> None:
    from tools.iam_docs import text

    assert (ROOT / "docs" / "iam.md").read_text(encoding="utf-8") == text()


# DynamoDB Developer Guide, "DynamoDB encryption at rest usage notes", "Key policy for a customer
# managed key": what DynamoDB requires at a minimum, without kms:CreateGrant, which only the creator
# of the table needs. Reading a table needs the read actions of these.
_READS_A_TABLE = {"kms:Decrypt", "kms:DescribeKey"}
_WRITES_A_TABLE = _READS_A_TABLE | {
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
}
# SQS Developer Guide, "Key management"; S3 User Guide, "Using server-side encryption with AWS KMS
# keys"; SNS Developer Guide, "Key management": these two.
_SENDS = {"kms:Decrypt", "kms:GenerateDataKey"}


@pytest.mark.parametrize(
    ("sid", "roles", "actions", "service"),
    [
        ("TableKey", {"api", "engine", "processor"}, _WRITES_A_TABLE, "dynamodb"),
        ("CatalogKey", {"engine", "processor"}, _READS_A_TABLE, "dynamodb"),
        ("QueueKey", {"api", "engine", "processor", "schedules"}, _SENDS, "sqs"),
        ("TopicKey", {"api", "engine", "processor"}, _SENDS, "sns"),
        ("IngestQueueKeys", {"processor"}, _SENDS, "sqs"),
        ("TargetKeys", {"processor"}, _SENDS, "s3"),
    ],
)
def test_a_key_is_used_as_its_service_requires_and_through_it_alone(
    sid: str, roles: set[str], actions: set[str], service: str
) -> None:
    config = read_config(
        {
            "stage": "dev",
            "targets": "media-a",
            "target_keys": _KEY,
            "kms": "create",
            "catalog": "assets",
            "catalog_key": _KEY,
            "ingest_queues": _QUEUES[0],
            "ingest_queue_keys": _KEY,
        }
    )
    found = {
        role: statement
        for role, statements in ROLES.items()
        for statement in statements(config)
        if statement.sid == sid
    }
    assert found.keys() == roles
    for statement in found.values():
        assert set(statement.actions) == actions
        (via,) = (keys["kms:ViaService"] for keys in statement.conditions.values())
        assert fnmatchcase(f"{service}.eu-west-1.amazonaws.com", via.format(region="eu-west-1"))
        assert not via.startswith("*")
