"""The rules of cdk-nag's AwsSolutions pack, and why some of its findings are accepted.

A finding that is not acknowledged here fails the synthesis. Wildcards in policies are acknowledged
one by one, with the reason that their statement has in infra.policies.
"""

from collections.abc import Iterator
from typing import Any, Final

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.config import Config
from infra.stack import AssetSyncStack

_PACK: Final = "AwsSolutions::AwsSolutions"

# Construct, rule, reason.
_RUNTIME: Final = (
    "python3.13 is what the bundle is built and its bytecode compiled for; a newer runtime is a"
    " change of the bundle, not of the template."
)
_RESULTS: Final = (
    "It holds what the service itself writes, and only its roles are let in; object-level access is"
    " for the account's trail to record, where that is wanted."
)
_FAILED: Final = (
    "It is itself where events go that could not be delivered; nothing consumes it but people."
)
_TRAIL: Final = "The trail's own bucket: logging it would record the deliveries of a log."
_ACCEPTED: Final = (
    ("ApiFunction", "L1", _RUNTIME),
    ("EngineFunction", "L1", _RUNTIME),
    ("ProcessorFunction", "L1", _RUNTIME),
    ("DiscoveryFunction", "L1", _RUNTIME),
    ("ResultsBucket", "S1", _RESULTS),
    ("FailedEvents", "SQS3", _FAILED),
)
_TRAIL_ACCEPTED: Final = (("TrailBucket", "S1", _TRAIL),)


def add_checks(app: cdk.App, stack: AssetSyncStack, config: Config) -> None:
    """Have synthesis fail on a finding that is not acknowledged."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    for name, rule, reason in (*_ACCEPTED, *(_TRAIL_ACCEPTED if config.trail == "create" else ())):
        cdk.Validations.of(stack.node.find_child(name)).acknowledge(
            cdk.Acknowledgment(id=f"{_PACK}-{rule}", reason=reason)
        )
    for holder, resource, reason in _wildcards(stack):
        cdk.Validations.of(holder).acknowledge(
            cdk.Acknowledgment(id=f"{_PACK}-IAM5[Resource::{resource}]", reason=reason)
        )


def _wildcards(stack: AssetSyncStack) -> Iterator[tuple[cdk.Resource, str, str]]:
    for grant in stack.grants:
        reasons: dict[str, list[str]] = {}
        for statement in grant.statements:
            for resource in statement.resources:
                shown = _shown(stack.resolve(resource.format_map(grant.arns)))
                if "*" in shown:
                    reasons.setdefault(shown, []).append(statement.reason)
        for resource, texts in reasons.items():
            yield grant.holder, resource, " ".join(texts)


def _shown(value: Any) -> str:
    """Return a resolved value as cdk-nag shows it: references in angle brackets."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return f"<{value['Ref']}>"
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    return "".join(map(_shown, value["Fn::Join"][1]))
