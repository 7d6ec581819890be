"""A template that moto can load, with its intrinsics resolved to moto's resources."""

import copy
from collections.abc import Mapping
from typing import Any

from adapters.local_aws.lambda_service.invocation import ACCOUNT_ID, REGION

Template = dict[str, Any]

# Types without CloudFormation support in moto. A new type in the template fails the test that loads
# it, and must be checked: can the functions run without it?
NOT_IN_MOTO = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CDK::Metadata",
    "AWS::CloudTrail::Trail",
    "AWS::CloudWatch::Alarm",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
# Moto would poll on its own and discard the messages; the test polls as Lambda does.
OURS_TO_RUN = {"AWS::Lambda::EventSourceMapping", "AWS::Events::Rule", "AWS::CloudWatch::Dashboard"}

_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::URLSuffix": "amazonaws.com",
}


def role_documents(template: Template, role: str) -> list[dict[str, Any]]:
    """Return the policy documents of a role, by its logical id: inline ones and managed ones."""
    properties = template["Resources"][role]["Properties"]
    managed = [
        template["Resources"][each["Ref"]]["Properties"]
        for each in properties.get("ManagedPolicyArns", [])
    ]
    return [each["PolicyDocument"] for each in (*properties.get("Policies", []), *managed)]


def role_statements(template: Template, role: str) -> list[dict[str, Any]]:
    """Return all statements of a role, by its logical id."""
    return [each for made in role_documents(template, role) for each in made["Statement"]]


def loadable(template: Template) -> tuple[Template, set[str]]:
    """Return the template as moto can load it, and the types that were left out."""
    shown = copy.deepcopy(template)
    left_out = {
        name: made["Type"]
        for name, made in shown["Resources"].items()
        if made["Type"] in NOT_IN_MOTO | OURS_TO_RUN
    }
    for name in left_out:
        del shown["Resources"][name]
    # The version of the bootstrap is the CDK command line's to check.
    for section in ("Outputs", "Parameters", "Rules"):
        shown.pop(section, None)
    buses = {
        name: made["Properties"]["Name"]
        for name, made in shown["Resources"].items()
        if made["Type"] == "AWS::Events::EventBus"
    }
    for made in shown["Resources"].values():
        made.pop("DependsOn", None)
    shown = _with_named_buses(shown, buses)
    for made in shown["Resources"].values():
        if made["Type"] == "AWS::IAM::Role":
            # Moto checks no permission here, and its parser rejects ARNs of batch jobs.
            made["Properties"].pop("Policies", None)
    return shown, set(left_out.values())


def _with_named_buses(value: Any, buses: Mapping[str, str]) -> Any:
    """Replace references to a bus, for which moto returns its own object."""
    if isinstance(value, list):
        return [_with_named_buses(each, buses) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Ref"} and value["Ref"] in buses:
        return buses[value["Ref"]]
    return {key: _with_named_buses(each, buses) for key, each in value.items()}


class Resolver:
    """Resolves Ref, GetAtt and Join, given the physical ids."""

    def __init__(self, template: Template, physical: Mapping[str, str]) -> None:
        self._resources = template["Resources"]
        self._physical = physical

    def text(self, value: Any) -> str:
        """Return the resolved text of a value of the template."""
        if isinstance(value, str):
            return value
        if "Ref" in value:
            name = value["Ref"]
            return _PSEUDO.get(name) or self.identity(name)
        if "Fn::Join" in value:
            separator, parts = value["Fn::Join"]
            return str(separator).join(map(self.text, parts))
        name, attribute = value["Fn::GetAtt"]
        return self._attribute(name, attribute)

    def identity(self, name: str) -> str:
        """Return the physical id of a resource."""
        if self._resources[name]["Type"] == "AWS::Events::EventBus":
            return str(self._resources[name]["Properties"]["Name"])
        return self._physical[name]

    def _attribute(self, name: str, attribute: str) -> str:
        kind, identity = self._resources[name]["Type"], self.identity(name)
        last = identity.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        place = f"{REGION}:{ACCOUNT_ID}"
        known = {
            ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{place}:table/{identity}",
            ("AWS::S3::Bucket", "Arn"): f"arn:aws:s3:::{identity}",
            ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{place}:{last}",
            ("AWS::SQS::Queue", "QueueName"): last,
            ("AWS::IAM::Role", "Arn"): f"arn:aws:iam::{ACCOUNT_ID}:role/{identity}",
            ("AWS::Events::EventBus", "Arn"): f"arn:aws:events:{place}:event-bus/{identity}",
            ("AWS::Events::EventBus", "Name"): identity,
            ("AWS::Events::Rule", "Arn"): f"arn:aws:events:{place}:rule/{identity}",
            ("AWS::KMS::Key", "Arn"): f"arn:aws:kms:{place}:key/{identity}",
            ("AWS::Logs::LogGroup", "Arn"): f"arn:aws:logs:{place}:log-group:{identity}:*",
            ("AWS::Lambda::Function", "Arn"): f"arn:aws:lambda:{place}:function:{identity}",
        }
        return known[kind, attribute]
