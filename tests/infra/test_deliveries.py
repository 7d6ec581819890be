"""Every delivery from one resource of the template to another is allowed.

A topic that rejects its alarms, or a queue that rejects its rules, deploys without error.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from deliveries.edges import Edge, Senders
from deliveries.verdicts import Verdicts
from trial.template import Resolver

from adapters.local_aws.lambda_service.invocation import ACCOUNT_ID, REGION

Template = dict[str, Any]
OfType = Callable[[Template, str], dict[str, Any]]


def _resolver(template: Template) -> Resolver:
    """Resolve references; a resource is named by its logical id."""
    physical = {name: name for name in template["Resources"]}
    for name, made in template["Resources"].items():
        if made["Type"] == "AWS::SNS::Topic":
            physical[name] = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{name}"
    return Resolver(template, physical)


def _edges(template: Template) -> list[Edge]:
    return [*Senders(template, _resolver(template)).edges()]


def _refused(template: Template) -> dict[str, list[str]]:
    verdicts = Verdicts(template, _resolver(template))
    found = {
        f"{edge.sender} by {edge.principal}": verdicts.missing(edge) for edge in _edges(template)
    }
    return {name: missing for name, missing in found.items() if missing}


@pytest.mark.parametrize("variant", ["plain", "full", "roles_only", "no_catalog"])
def test_every_receiver_allows_its_sender(request: pytest.FixtureRequest, variant: str) -> None:
    assert _refused(request.getfixturevalue(variant)) == {}


def test_the_walk_meets_every_kind_of_edge(full: Template, of_type: OfType) -> None:
    edges = _edges(full)
    alarms = of_type(full, "AWS::CloudWatch::Alarm")
    by_service = {
        principal: [edge for edge in edges if edge.principal == principal]
        for principal in (
            "apigateway.amazonaws.com",
            "cloudtrail.amazonaws.com",
            "cloudwatch.amazonaws.com",
            "events.amazonaws.com",
        )
    }
    assert {edge.sender for edge in by_service["cloudwatch.amazonaws.com"]} == set(alarms)
    routes = of_type(full, "AWS::ApiGatewayV2::Route")
    assert {edge.sender for edge in by_service["apigateway.amazonaws.com"]} == set(routes)
    assert len(by_service["events.amazonaws.com"]) == 2 * len(of_type(full, "AWS::Events::Rule"))
    assert len(by_service["cloudtrail.amazonaws.com"]) == 2
    # Each function's log, each queue that is polled, and each destination of failed events.
    in_roles = (
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
    )
    expected = sum(len(of_type(full, kind)) for kind in in_roles)
    # The engine, and what could not be delivered to it.
    expected += 2 * len(of_type(full, "AWS::Scheduler::ScheduleGroup"))
    assert len([edge for edge in edges if edge.in_role]) == expected


def _without(kind: str, text: str) -> Callable[[Template], None]:
    """Remove the statements with this text from the policies of this type."""

    def change(template: Template) -> None:
        for made in template["Resources"].values():
            if made["Type"] == kind:
                for document in _documents(made["Properties"]):
                    document["Statement"] = [s for s in document["Statement"] if text not in str(s)]

    return change


def _documents(properties: dict[str, Any]) -> list[dict[str, Any]]:
    if "Policies" in properties:
        return [policy["PolicyDocument"] for policy in properties["Policies"]]
    return [properties.get("PolicyDocument") or properties["KeyPolicy"]]


def _no_permission(template: Template) -> None:
    for name, made in [*template["Resources"].items()]:
        if made["Type"] == "AWS::Lambda::Permission":
            del template["Resources"][name]


def _denied(template: Template) -> None:
    for made in template["Resources"].values():
        if made["Type"] == "AWS::SNS::TopicPolicy":
            for statement in made["Properties"]["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Deny":
                    del statement["Condition"]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        pytest.param(
            _without("AWS::SNS::TopicPolicy", "cloudwatch"),
            "by cloudwatch.amazonaws.com",
            id="the topic's policy",
        ),
        pytest.param(_denied, "by cloudwatch.amazonaws.com", id="a denial"),
        pytest.param(
            _without("AWS::SQS::QueuePolicy", "events"), "by events.amazonaws.com", id="the queue's"
        ),
        pytest.param(
            _without("AWS::S3::BucketPolicy", "cloudtrail"),
            "by cloudtrail.amazonaws.com",
            id="the bucket's",
        ),
        pytest.param(_no_permission, "by apigateway.amazonaws.com", id="the function's"),
        pytest.param(
            _without("AWS::KMS::Key", "cloudwatch"), "by cloudwatch.amazonaws.com", id="the key's"
        ),
        pytest.param(
            _without("AWS::KMS::Key", "kms:*"), "by EngineRole", id="the key's, for roles"
        ),
        pytest.param(
            _without("AWS::IAM::Role", "'QueueKey'"), "by EngineRole", id="the role's key"
        ),
        pytest.param(
            _without("AWS::IAM::Role", "LostInvocations"), "by EngineRole", id="a destination"
        ),
        pytest.param(
            _without("AWS::IAM::Role", "KeepFailedEvents"), "by SchedulesRole", id="missed times"
        ),
        pytest.param(_without("AWS::IAM::Role", "PollQueues"), "by ProcessorRole", id="polling"),
    ],
)
def test_a_policy_without_the_sender_is_found(
    full: Template, change: Callable[[Template], None], refused: str
) -> None:
    template = copy.deepcopy(full)
    change(template)
    assert [name for name in _refused(template) if refused in name]


def test_an_unknown_sender_fails(plain: Template) -> None:
    pipe = {"Type": "AWS::Pipes::Pipe", "Properties": {}}
    template = {**plain, "Resources": {**plain["Resources"], "Pipe": pipe}}
    with pytest.raises(LookupError, match="AWS::Pipes::Pipe"):
        _edges(template)
