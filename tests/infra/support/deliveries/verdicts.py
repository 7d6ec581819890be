"""Whether the policies of a template allow an edge: the receiver's, and its key's."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from deliveries.edges import Edge
from trial.template import Resolver, role_statements

from adapters.local_aws.lambda_service.invocation import ACCOUNT_ID, REGION

Statement = Mapping[str, Any]

# The resources that hold a policy, and the property that names its resource.
_POLICIES = {
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueuePolicy": "Queues",
}
_ALWAYS = {"aws:SecureTransport": "true"}
_ROOT = f"arn:aws:iam::{ACCOUNT_ID}:root"


class Verdicts:
    """Judges the edges of one template."""

    def __init__(self, template: Mapping[str, Any], resolver: Resolver) -> None:
        self._template = dict(template)
        self._resources = template["Resources"]
        self._text = resolver.text
        self._owners = dict(self._arns())

    def missing(self, edge: Edge) -> list[str]:
        """Return the permissions that the edge needs and lacks."""
        missing = [
            f"{action} on {edge.receiver}"
            for action in edge.actions
            if not self._allowed(edge, action)
        ]
        key = self._key_of(edge.receiver)
        if key is not None:
            missing += [
                f"{action} on the key of {edge.receiver}"
                for action in edge.key_actions
                if not self._key_allowed(edge, action, key)
            ]
        return missing

    def _allowed(self, edge: Edge, action: str) -> bool:
        """Whether the receiver's policy allows the service, or the role's own policy the action."""
        policy = [*self._resource_policy(edge.receiver)]
        context = {**_ALWAYS, **edge.context}
        if self._any(policy, "Deny", edge, action, edge.receiver, context):
            return False
        if edge.in_role:
            policy = role_statements(self._template, edge.principal)
        return self._any(policy, "Allow", edge, action, edge.receiver, context)

    def _key_allowed(self, edge: Edge, action: str, key: str) -> bool:
        """Whether the key's policy allows the service, or delegates to the role's own policy."""
        arn = self._text({"Fn::GetAtt": [key, "Arn"]})
        statements = self._resources[key]["Properties"]["KeyPolicy"]["Statement"]
        if not edge.in_role:
            # No key of the source reaches a key's policy for EventBridge (EventBridge User Guide,
            # "Using dead-letter queues"), and none is needed for CloudWatch.
            return self._any(statements, "Allow", edge, action, arn, {})
        delegated = any(
            each["Effect"] == "Allow"
            and "kms:*" in _listed(each["Action"])
            and self._text(each["Principal"].get("AWS", "")) == _ROOT
            for each in statements
        )
        service = edge.receiver.split(":")[2]
        context = {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}
        policy = role_statements(self._template, edge.principal)
        return delegated and self._any(policy, "Allow", edge, action, arn, context)

    def _any(
        self,
        statements: list[Statement],
        effect: str,
        edge: Edge,
        action: str,
        resource: str,
        context: Mapping[str, str],
    ) -> bool:
        return any(
            statement["Effect"] == effect
            and self._names(statement.get("Principal"), edge)
            and any(fnmatchcase(action, each) for each in _listed(statement["Action"]))
            and any(fnmatchcase(resource, self._text(r)) for r in _listed(statement["Resource"]))
            and self._holds(statement.get("Condition", {}), context)
            for statement in statements
        )

    def _names(self, principal: Any, edge: Edge) -> bool:
        """Whether a statement applies to this principal; those of a role apply to it alone."""
        if principal in (None, "*"):
            return True
        if edge.in_role:
            return "*" in map(self._text, _listed(principal.get("AWS", [])))
        return edge.principal in _listed(principal.get("Service", [])) or (
            principal.get("AWS") == "*"
        )

    def _holds(self, conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
        for operator, keys in conditions.items():
            for key, wanted in keys.items():
                values = [self._text(each) for each in _listed(wanted)]
                if operator in ("ArnEquals", "ArnLike", "StringLike"):
                    holds = any(fnmatchcase(context.get(key, ""), each) for each in values)
                elif operator in ("Bool", "StringEquals"):
                    holds = context.get(key) in values
                else:
                    raise LookupError(f"what does {operator} on {key} mean?")
                if not holds:
                    return False
        return True

    def _resource_policy(self, receiver: str) -> Iterator[Statement]:
        owner = self._owner(receiver)
        for made in self._resources.values():
            kind, properties = made["Type"], made.get("Properties", {})
            if kind in _POLICIES:
                named = [each["Ref"] for each in _listed(properties[_POLICIES[kind]])]
                if owner in named:
                    yield from properties["PolicyDocument"]["Statement"]
            if kind == "AWS::Lambda::Permission":
                if self._text(properties["FunctionName"]) != receiver:
                    continue
                source = properties.get("SourceArn")
                condition = {"ArnLike": {"aws:SourceArn": source}} if source else {}
                yield {
                    "Effect": "Allow",
                    "Principal": {"Service": properties["Principal"]},
                    "Action": properties["Action"],
                    "Resource": receiver,
                    "Condition": condition,
                }

    def _key_of(self, receiver: str) -> str | None:
        """Return the logical id of the key that the receiver is encrypted with."""
        properties = self._resources[self._owner(receiver)]["Properties"]
        key = properties.get("KmsMasterKeyId")
        return None if key is None else str(key["Fn::GetAtt"][0])

    def _owner(self, arn: str) -> str:
        """Return the logical id of the resource with this ARN, or that this ARN is within."""
        return self._owners.get(arn) or self._owners[arn.partition("/")[0]]

    def _arns(self) -> Iterator[tuple[str, str]]:
        for name, made in self._resources.items():
            if made["Type"] == "AWS::SNS::Topic":
                yield self._text({"Ref": name}), name
            elif made["Type"] in (
                "AWS::Lambda::Function",
                "AWS::Logs::LogGroup",
                "AWS::S3::Bucket",
                "AWS::SQS::Queue",
            ):
                yield self._text({"Fn::GetAtt": [name, "Arn"]}), name
            if made["Type"] == "AWS::Lambda::Function":
                # By the fixed name, from which the functions and their policies build it.
                place = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}"
                yield f"{place}:function:{made['Properties']['FunctionName']}", name


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
