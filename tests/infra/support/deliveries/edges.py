"""What the resources of a template send to each other without code of this service.

Each type of resource is here, with what it sends, or in SILENT. A type in neither is a LookupError,
so no sender can be added unnoticed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trial.template import Resolver

from adapters.local_aws.lambda_service.invocation import ACCOUNT_ID, REGION

Properties = Mapping[str, Any]

PLACE = f"{REGION}:{ACCOUNT_ID}"
SILENT = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::CDK::Metadata",
    "AWS::CloudWatch::Dashboard",
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
# Properties that would make a type send more; no template has them.
_UNKNOWN_PROPERTIES = {
    "AWS::DynamoDB::Table": ("StreamSpecification", "KinesisStreamSpecification"),
    "AWS::Events::EventBus": ("DeadLetterConfig", "LogConfig"),
    "AWS::Lambda::Function": ("DeadLetterConfig",),
    "AWS::Lambda::EventSourceMapping": ("DestinationConfig",),
    "AWS::CloudTrail::Trail": ("SnsTopicName", "CloudWatchLogsLogGroupArn", "KMSKeyId"),
    "AWS::S3::Bucket": (
        "LoggingConfiguration",
        "InventoryConfigurations",
        "ReplicationConfiguration",
    ),
}

# SNS Developer Guide, "Key management", and SQS Developer Guide, "Key management": who sends to
# what a key of the account's encrypts needs both (checked 2026-11).
_TO_ENCRYPTED = ("kms:Decrypt", "kms:GenerateDataKey")


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One delivery: from a resource, by a service or in a role, to a resource.

    Attributes:
        sender: Logical id.
        principal: The service that acts, or the logical id of the role in which it acts.
        in_role: Whether it is a role.
        receiver: ARN, or the URL's last part for a queue's policy.
        actions: What it does there.
        key_actions: What it does with the key that the receiver is encrypted with.
        context: The keys that AWS gives a condition.
    """

    sender: str
    principal: str
    in_role: bool = False
    receiver: str
    actions: tuple[str, ...]
    key_actions: tuple[str, ...] = _TO_ENCRYPTED
    context: Mapping[str, str] = field(default_factory=dict)


class Senders:
    """Reads the edges of one template."""

    def __init__(self, template: Mapping[str, Any], resolver: Resolver) -> None:
        self._resources = template["Resources"]
        self._text = resolver.text

    def edges(self) -> Iterator[Edge]:
        """Yield every edge.

        Raises:
            LookupError: it is not known what such a resource sends.
        """
        for name, made in self._resources.items():
            kind, properties = made["Type"], made.get("Properties", {})
            unknown = [each for each in _UNKNOWN_PROPERTIES.get(kind, ()) if each in properties]
            if unknown:
                raise LookupError(f"what does {kind} send by {', '.join(unknown)}?")
            if kind in SILENT:
                continue
            if kind not in self._BY_TYPE:
                raise LookupError(f"what does {kind} send?")
            yield from self._BY_TYPE[kind](self, name, properties)

    def _alarm(self, name: str, alarm: Properties) -> Iterator[Edge]:
        source = f"arn:aws:cloudwatch:{PLACE}:alarm:{alarm['AlarmName']}"
        for state in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for action in alarm.get(state, ()):
                yield Edge(
                    sender=name,
                    principal="cloudwatch.amazonaws.com",
                    receiver=self._text(action),
                    actions=("sns:Publish",),
                    context=_from(source),
                )

    def _rule(self, name: str, rule: Properties) -> Iterator[Edge]:
        source = self._text({"Fn::GetAtt": [name, "Arn"]})
        for target in rule["Targets"]:
            yield Edge(
                sender=name,
                principal="events.amazonaws.com",
                receiver=self._text(target["Arn"]),
                actions=("lambda:InvokeFunction",),
                context=_from(source),
            )
            yield Edge(
                sender=name,
                principal="events.amazonaws.com",
                receiver=self._text(target["DeadLetterConfig"]["Arn"]),
                actions=("sqs:SendMessage",),
                # EventBridge gives the key's policy no source (EventBridge User Guide, "Using
                # dead-letter queues").
                context=_from(source),
            )

    def _function(self, name: str, function: Properties) -> Iterator[Edge]:
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        yield self._in_role_of(
            name,
            {"Fn::GetAtt": [group, "Arn"]},
            ("logs:CreateLogStream", "logs:PutLogEvents"),
        )

    def _invoke_config(self, _: str, config: Properties) -> Iterator[Edge]:
        for destination in config["DestinationConfig"].values():
            yield self._in_role_of(
                config["FunctionName"]["Ref"], destination["Destination"], ("sqs:SendMessage",)
            )

    def _mapping(self, _: str, mapping: Properties) -> Iterator[Edge]:
        yield self._in_role_of(
            mapping["FunctionName"]["Ref"],
            mapping["EventSourceArn"],
            ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
            key_actions=("kms:Decrypt",),
        )

    def _in_role_of(
        self,
        function: str,
        receiver: Any,
        actions: tuple[str, ...],
        key_actions: tuple[str, ...] = _TO_ENCRYPTED,
    ) -> Edge:
        role = self._resources[function]["Properties"]["Role"]["Fn::GetAtt"][0]
        return Edge(
            sender=function,
            principal=role,
            in_role=True,
            receiver=self._text(receiver),
            actions=actions,
            key_actions=key_actions,
        )

    def _queue(self, _: str, queue: Properties) -> Iterator[Edge]:
        """SQS moves messages received too often; within an account this needs no policy."""
        for dead_letters in (queue.get("RedrivePolicy", {}).get("deadLetterTargetArn"),):
            if dead_letters is not None:
                receiver = self._resources[dead_letters["Fn::GetAtt"][0]]
                assert "RedriveAllowPolicy" not in receiver["Properties"]
        return iter(())

    def _subscription(self, name: str, subscription: Properties) -> Iterator[Edge]:
        if subscription["Protocol"] != "email":
            raise LookupError(f"what does {name} send by {subscription['Protocol']}?")
        return iter(())

    def _bucket(self, name: str, bucket: Properties) -> Iterator[Edge]:
        notifications = bucket.get("NotificationConfiguration", {})
        source = f"arn:aws:s3:::{name}"
        for kind, action, target in (
            ("LambdaConfigurations", "lambda:InvokeFunction", "Function"),
            ("QueueConfigurations", "sqs:SendMessage", "Queue"),
            ("TopicConfigurations", "sns:Publish", "Topic"),
        ):
            for each in notifications.get(kind, ()):
                yield Edge(
                    sender=name,
                    principal="s3.amazonaws.com",
                    receiver=self._text(each[target]),
                    actions=(action,),
                    context=_from(source),
                )

    def _schedule_group(self, name: str, _: Properties) -> Iterator[Edge]:
        """Deliver the schedules that the functions create in it, as their variables say."""
        functions = [
            made["Properties"]["Environment"]["Variables"]
            for made in self._resources.values()
            if made["Type"] == "AWS::Lambda::Function"
        ]
        variables = next(each for each in functions if "SCHEDULE_ROLE_ARN" in each)
        for variable, action in (
            ("ENGINE_FUNCTION_ARN", "lambda:InvokeFunction"),
            ("SCHEDULE_DEAD_LETTER_QUEUE_ARN", "sqs:SendMessage"),
        ):
            yield Edge(
                sender=name,
                principal=variables["SCHEDULE_ROLE_ARN"]["Fn::GetAtt"][0],
                in_role=True,
                receiver=self._text(variables[variable]),
                actions=(action,),
            )

    def _trail(self, name: str, trail: Properties) -> Iterator[Edge]:
        bucket = self._text({"Fn::GetAtt": [trail["S3BucketName"]["Ref"], "Arn"]})
        for action, receiver in (
            ("s3:GetBucketAcl", bucket),
            ("s3:PutObject", f"{bucket}/AWSLogs/{ACCOUNT_ID}/CloudTrail/{REGION}/1.json.gz"),
        ):
            yield Edge(
                sender=name,
                principal="cloudtrail.amazonaws.com",
                receiver=receiver,
                actions=(action,),
                context={"s3:x-amz-acl": "bucket-owner-full-control"},
            )

    def _route(self, name: str, route: Properties) -> Iterator[Edge]:
        integration = route["Target"]["Fn::Join"][1][1]["Ref"]
        uri = self._resources[integration]["Properties"]["IntegrationUri"]
        method, path = route["RouteKey"].split(" ")
        api = f"arn:aws:execute-api:{PLACE}:{route['ApiId']['Ref']}"
        yield Edge(
            sender=name,
            principal="apigateway.amazonaws.com",
            receiver=self._text(uri),
            actions=("lambda:InvokeFunction",),
            context=_from(f"{api}/$default/{method}{path}"),
        )

    def _stage(self, name: str, stage: Properties) -> Iterator[Edge]:
        """Let API Gateway log: it grants itself access in the account's policy for logs.

        Once that is full, it can do so for names under this prefix alone (Step Functions Developer
        Guide, "Avoiding Amazon CloudWatch Logs resource policy size restrictions").
        """
        group = stage["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0]
        shown = self._resources[group]["Properties"].get("LogGroupName", "")
        start = shown if isinstance(shown, str) else shown["Fn::Join"][1][0]
        assert start.startswith("/aws/vendedlogs/"), f"{name} logs to {group}: {shown!r}"
        return iter(())

    _BY_TYPE: Mapping[str, Callable[["Senders", str, Properties], Iterator[Edge]]] = {
        "AWS::ApiGatewayV2::Route": _route,
        "AWS::ApiGatewayV2::Stage": _stage,
        "AWS::CloudTrail::Trail": _trail,
        "AWS::CloudWatch::Alarm": _alarm,
        "AWS::Events::Rule": _rule,
        "AWS::Lambda::EventInvokeConfig": _invoke_config,
        "AWS::Lambda::EventSourceMapping": _mapping,
        "AWS::Lambda::Function": _function,
        "AWS::S3::Bucket": _bucket,
        "AWS::SNS::Subscription": _subscription,
        "AWS::Scheduler::ScheduleGroup": _schedule_group,
        "AWS::SQS::Queue": _queue,
    }


def _from(source: str) -> dict[str, str]:
    return {"aws:SourceAccount": ACCOUNT_ID, "aws:SourceArn": source}
