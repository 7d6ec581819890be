"""What only AWS knows, looked at before anything is made: each fault with what to do.

Owns the questions and what their answers mean. It creates and changes nothing. Rights that the
operator lacks for a question are a warning: the deployment itself will tell.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from adapters.aws.resources import ASSETS_TABLE
from infra.config import Config

# Lambda Developer Guide, "Configuring reserved concurrency": this much stays unreserved (hard
# limit, checked 2026-11).
_UNRESERVED_MIN: Final = 100
_DENIED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")

OpenClient = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong (`fatal`), or that could not be looked at or may surprise."""

    fatal: bool
    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who deploys, and where to."""

    account: str
    region: str


class NoCredentials(Exception):
    """AWS does not know who asks; the message says what to do."""


def identify(client: OpenClient, region: str | None) -> Identity:
    """Return the account and region.

    Raises:
        NoCredentials: there are none, they are refused, or no region is chosen.
    """
    if not region:
        raise NoCredentials("no region is chosen: set AWS_REGION, such as AWS_REGION=eu-west-1")
    try:
        account = client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise NoCredentials(
            f"AWS does not accept the credentials ({error}): set AWS_PROFILE, or sign in (`aws sso"
            " login`), or export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
        ) from error
    return Identity(account=account, region=region)


def look(config: Config, identity: Identity, client: OpenClient) -> list[Finding]:
    """Return all findings; none is good news."""
    findings: list[Finding] = []
    for question in (_buckets, _target_roles, _catalog, _bus, _trail, _concurrency):
        try:
            findings += question(config, identity, client)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED:
                raise
            findings.append(Finding(False, f"could not be looked at: {error}"))
    return findings


def _buckets(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    s3 = client("s3")
    for name in config.targets:
        try:
            headers = s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            headers = error.response["ResponseMetadata"]["HTTPHeaders"]
            if code in ("404", "NoSuchBucket"):
                yield Finding(True, f"there is no bucket {name}: mend TARGETS, or create it first")
                continue
            if code == "403":
                yield Finding(
                    False,
                    f"you may not look at bucket {name}: if it is another account's, its policy has"
                    " to let the functions in, or a role there: then it need not be in TARGETS"
                    " (docs/deploy.md, Buckets of other accounts)",
                )
            elif code != "301":
                raise
        region = headers.get("x-amz-bucket-region", identity.region)
        if region != identity.region:
            direct = config.discovery == "direct"
            yield Finding(
                not direct,
                f"bucket {name} is in {region}, and this deploys to {identity.region}: S3 Batch"
                " Operations works within one region: "
                + (
                    "sync that bucket with discovery direct only"
                    if direct
                    else f"AWS_REGION={region}, or CHOICES=discovery=direct"
                ),
            )


def _target_roles(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    """Look whether roles of our own account are there; others' cannot be asked for."""
    for arn in config.target_roles:
        if arn.split(":")[4] != identity.account:
            continue
        try:
            found = client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]["Arn"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise
            found = None
        if found is not None and found != arn:
            yield Finding(
                True, f"the role is {found}, not {arn}: name it with its path in target_roles"
            )
        elif found is None:
            # Not fatal: it has to name the functions' roles, which have to be there first.
            yield Finding(
                False,
                f"there is no role {arn}: create it once the stage stands, to trust engine and"
                " processor (docs/iam.md, A role in a bucket's account), or mend"
                " CHOICES=target_roles=…",
            )


def _catalog(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    if config.creates_catalog:
        yield Finding(
            False,
            "a catalog table is made for a trial; nothing is in it, so every object will be"
            " ingested. Name your own: CHOICES=catalog=TABLE",
        )
        return
    try:
        table = client("dynamodb").describe_table(TableName=config.catalog)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield Finding(
            True,
            f"there is no table {config.catalog} in {identity.region}: mend CHOICES=catalog=…",
        )
        return
    key = next(k["AttributeName"] for k in table["KeySchema"] if k["KeyType"] == "HASH")
    if key != ASSETS_TABLE.partition_key.name or len(table["KeySchema"]) != 1:
        yield Finding(
            True,
            f"table {config.catalog} is keyed by {key}; a catalog is keyed by"
            f" {ASSETS_TABLE.partition_key.name} alone",
        )
    indexes = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])}
    if config.catalog_index and config.catalog_index not in indexes:
        yield Finding(
            True,
            f"table {config.catalog} has no index {config.catalog_index}: name another, or none:"
            " CHOICES=catalog_index=none",
        )
    sse = table.get("SSEDescription", {})
    if sse.get("SSEType") == "KMS" and not config.catalog_key:
        yield Finding(
            False,
            f"table {config.catalog} is encrypted with {sse.get('KMSMasterKeyArn')}: unless that is"
            " AWS's own key, allow it: CHOICES=catalog_key=ARN",
        )


def _bus(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    if config.creates_bus:
        return
    try:
        client("events").describe_event_bus(Name=config.bus)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        # Events for a bus that does not exist are accepted and lost (EventBridge User Guide,
        # "Sending events with PutEvents").
        yield Finding(
            True,
            f"there is no event bus {config.bus} in {identity.region}, and events for it would be"
            " lost without a word: mend CHOICES=bus=…",
        )


def _trail(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    if config.trail != "existing":
        return
    cloudtrail = client("cloudtrail")
    for trail in cloudtrail.describe_trails(includeShadowTrails=True)["trailList"]:
        here = trail.get("IsMultiRegionTrail") or trail.get("HomeRegion") == identity.region
        if here and cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"]:
            return
    yield Finding(
        True,
        f"no CloudTrail trail is logging in {identity.region}, so EventBridge hears of no batch"
        " job: CHOICES=trail=create, or CHOICES=trail=none to have the sweep notice, minutes later",
    )


def _concurrency(config: Config, _: Identity, client: OpenClient) -> Iterator[Finding]:
    if not config.reserve:
        return
    wanted = config.engine_concurrency + config.processor_concurrency
    limits = client("lambda").get_account_settings()["AccountLimit"]
    free = limits["UnreservedConcurrentExecutions"] - _UNRESERVED_MIN
    # An upgrade already has what it wants; what it takes besides is told by CloudFormation.
    if wanted > free and not _installed(config, client):
        yield Finding(
            True,
            f"the functions want {wanted} of the account's concurrency and {max(0, free)} can be"
            " reserved: CHOICES=reserve=false, or ask AWS for a higher limit",
        )


def _installed(config: Config, client: OpenClient) -> bool:
    try:
        client("cloudformation").describe_stacks(StackName=config.stack_name)
    except ClientError:
        return False
    return True
