"""The KMS keys that are named: can they be used for what they are named for?"""

import json
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.checks.finding import DENIED, Finding, Identity, OpenClient
from infra.config import Config

# The services that write to encrypted queues and topics without a role of this stack
# (infra.parts.keys).
_SENDERS: Final = ("cloudwatch.amazonaws.com", "events.amazonaws.com")


def keys(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    """Look at each key: its Region, its state, and for `kms` its policy."""
    for choice, arn in _named(config):
        region, account = arn.split(":")[3:5]
        if region != identity.region and choice in ("kms", "catalog_key"):
            yield Finding(
                True,
                f"{choice} is a key of {region}, and tables of {identity.region} are encrypted with"
                f" keys of their own Region: name another, CHOICES={choice}=ARN",
            )
            continue
        if region != identity.region and choice == "target_keys":
            yield Finding(
                False,
                f"key {arn} is of {region}: the processor may use the keys of target_keys in"
                f" {identity.region} only; reach buckets elsewhere by a role (docs/deploy.md,"
                " Buckets in other Regions)",
            )
        if account == identity.account:
            # A key of another account answers to those whom its policy names, not to us.
            yield from _key(choice, arn, client("kms", region_name=region))


def _named(config: Config) -> Iterator[tuple[str, str]]:
    if config.kms not in ("none", "create"):
        yield "kms", config.kms
    if config.catalog_key:
        yield "catalog_key", config.catalog_key
    yield from (("target_keys", key) for key in config.target_keys)
    yield from (("ingest_queue_keys", key) for key in config.ingest_queue_keys)


def _key(choice: str, arn: str, kms: Any) -> Iterator[Finding]:
    try:
        found = kms.describe_key(KeyId=arn)["KeyMetadata"]
        policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in DENIED:
            yield Finding(False, f"key {arn} could not be read: {error}")
        elif code == "NotFoundException":
            yield Finding(True, f"there is no key {arn}: fix CHOICES={choice}=…")
        else:
            raise
        return
    if found["KeyState"] != "Enabled":
        yield Finding(
            True,
            f"key {arn} is {found['KeyState']}, so nothing can be encrypted or read with it: enable"
            f" it (aws kms enable-key --key-id {arn}), or name another, CHOICES={choice}=ARN",
        )
    if found.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        yield Finding(
            True,
            f"key {arn} is {found['KeySpec']}: DynamoDB, SQS, SNS and S3 encrypt with symmetric"
            f" keys only (SYMMETRIC_DEFAULT); name another, CHOICES={choice}=ARN",
        )
    if choice == "kms" and (missing := [each for each in _SENDERS if each not in _trusted(policy)]):
        yield Finding(
            False,
            f"the policy of key {arn} does not let {' and '.join(missing)} in: alarms and failed"
            " events would be lost; allow them kms:Decrypt and kms:GenerateDataKey*"
            " (docs/deploy.md, KMS)",
        )


def _trusted(policy: str) -> set[str]:
    """Return the services that a key's policy allows something."""
    found: set[str] = set()
    for statement in json.loads(policy)["Statement"]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement["Effect"] == "Allow":
            found.update([services] if isinstance(services, str) else services)
    return found
