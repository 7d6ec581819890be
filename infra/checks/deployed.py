"""The stack of a stage in CloudFormation: its status, its deployed options, its resources.

The options with which a stage was deployed are read from the stack, whatever options a later
command has. This module is read-only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

TABLE: Final = "AWS::DynamoDB::Table"
BUCKET: Final = "AWS::S3::Bucket"
BUS: Final = "AWS::Events::EventBus"
ROLE: Final = "AWS::IAM::Role"
MANAGED_POLICY: Final = "AWS::IAM::ManagedPolicy"
TRAIL: Final = "AWS::CloudTrail::Trail"

# CloudFormation User Guide, "Stack status codes" (checked 2026-11): after these a stack can only be
# deleted. The CDK's command line does that on its own, in the first two (its 2.1148.1).
_CREATION_FAILED: Final = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
_KEEPS: Final = ("Retain", "RetainExceptOnCreate")


@dataclass(frozen=True, slots=True)
class StackResource:
    """A resource that a stack has or had; `kept` is whether it outlives the stack."""

    logical_id: str
    kind: str
    physical_id: str
    status: str
    reason: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack that is there; `protected` by termination protection."""

    name: str
    status: str
    protected: bool
    resources: tuple[StackResource, ...]

    @property
    def creation_failed(self) -> bool:
        """Whether it never came to be, and can only be deleted."""
        return self.status in _CREATION_FAILED

    @property
    def under_way(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def of_kind(self, kind: str) -> list[StackResource]:
        """Return its resources of a type that it has, or left behind."""
        return [
            each
            for each in self.resources
            if each.kind == kind and each.physical_id and each.status != "DELETE_COMPLETE"
        ]


def read_deployed(name: str, client: Callable[..., Any]) -> Deployed | None:
    """Read a stack; None if there is none of this name.

    Raises:
        ClientError: AWS returns no status.
    """
    cloudformation = client("cloudformation")
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if _is_missing(error):
            return None
        raise
    template = cloudformation.get_template(StackName=name)["TemplateBody"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    return Deployed(
        name=name,
        status=stack["StackStatus"],
        protected=stack.get("EnableTerminationProtection", False),
        resources=tuple(
            _resource(each, template["Resources"])
            for page in pages
            for each in page["StackResourceSummaries"]
        ),
    )


def why_creation_failed(name: str, client: Callable[..., Any]) -> str:
    """Return CloudFormation's message for the first resource that could not be created."""
    pages = client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name)
    causes = [
        f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', 'no reason is given')}"
        for page in pages
        for each in page["StackEvents"]
        if each.get("ResourceStatus") == "CREATE_FAILED"
    ]
    # The newest event comes first; what failed later was mostly cancelled for the first failure.
    return causes[-1] if causes else "its events name no resource"


def _is_missing(error: ClientError) -> bool:
    # CloudFormation has no code of its own for it (API Reference, "DescribeStacks": AmazonCloud-
    # FormationException for a stack that does not exist).
    found = error.response["Error"]
    return found["Code"] == "ValidationError" and "does not exist" in found["Message"]


def _resource(summary: Mapping[str, Any], template: Mapping[str, Any]) -> StackResource:
    policy = template.get(summary["LogicalResourceId"], {}).get("DeletionPolicy")
    return StackResource(
        logical_id=summary["LogicalResourceId"],
        kind=summary["ResourceType"],
        physical_id=summary.get("PhysicalResourceId", ""),
        status=summary["ResourceStatus"],
        reason=summary.get("ResourceStatusReason", ""),
        kept=policy in _KEEPS,
    )
