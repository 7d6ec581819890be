"""The key that tables, queues and the topic are encrypted with, where AWS's own will not do."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.config import Config
from infra.parts.retention import removal_policy

# The services that write to encrypted queues and topics without a role of this stack: EventBridge
# User Guide, "Using dead-letter queues", and SNS Developer Guide, "Key management" (checked
# 2026-11).
_SERVICES = ("cloudwatch.amazonaws.com", "events.amazonaws.com")


def make_key(scope: Construct, config: Config) -> kms.IKey | None:
    """Make or import the key, or None where AWS's own keys do."""
    if config.kms == "none":
        return None
    if config.kms != "create":
        return kms.Key.from_key_arn(scope, "Key", config.kms)
    key = kms.Key(
        scope,
        "Key",
        description=f"{config.stack_name}: tables, queues and topics",
        enable_key_rotation=True,
        removal_policy=removal_policy(config),
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="AlarmsAndRules",
            principals=[iam.ServicePrincipal(name) for name in _SERVICES],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            # In a key's own policy `*` is the key.
            resources=["*"],
        )
    )
    return key
