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
_NO_QUEUE: Final = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_DENIED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")

OpenClient = Callable[..., Any]
"""Opens the client of a service, given its name; `region_name` where it is in another Region."""


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
    for question in (
        _buckets,
        _target_roles,
        _catalog,
        _ingest_queues,
        _bus,
        _trail,
        _concurrency,
    ):
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
                yield Finding(True, f"there is no bucket {name}: fix TARGETS, or create it first")
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
    if not config.reads_catalog:
        return
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
            f"there is no table {config.catalog} in {identity.region}: fix CHOICES=catalog=…",
        )
        return
    key = ASSETS_TABLE.partition_key.name
    found = [each["AttributeName"] for each in table["KeySchema"]]
    if found != [key]:
        yield Finding(
            True,
            f"table {config.catalog} is keyed by {' and '.join(found)}, and a catalog by {key}"
            " alone: is it the table of assets? CHOICES=catalog=TABLE",
        )
    asked = (
        ("catalog_index", config.catalog_index, config.catalog_index_key),
        ("catalog_path_index", config.catalog_path_index, config.catalog_path_index_key),
    )
    for choice, name, key in asked:
        if name:
            yield from _index(config, table, choice, name, key)
    sse = table.get("SSEDescription", {})
    if sse.get("SSEType") == "KMS" and not config.catalog_key:
        yield Finding(
            False,
            f"table {config.catalog} is encrypted with {sse.get('KMSMasterKeyArn')}: unless that is"
            " AWS's own key, allow it: CHOICES=catalog_key=ARN",
        )


def _index(config: Config, table: Any, choice: str, name: str, key: str) -> Iterator[Finding]:
    """Look whether the table has the index that the processor asks, with the key that it uses."""
    indexes = {each["IndexName"]: each for each in table.get("GlobalSecondaryIndexes", [])}
    if name not in indexes:
        there = ", ".join(sorted(indexes)) or "none"
        yield Finding(
            True,
            f"table {config.catalog} has no index {name} (its indexes: {there}), which profile"
            f" {config.profile} asks: name another, CHOICES={choice}=NAME, or do without,"
            f" CHOICES={choice}=none",
        )
        return
    keys = {each["KeyType"]: each["AttributeName"] for each in indexes[name]["KeySchema"]}
    if keys["HASH"] != key:
        yield Finding(
            True,
            f"index {name} of table {config.catalog} is keyed by {keys['HASH']}, not {key}: name"
            f" its key, CHOICES={choice}_key={keys['HASH']}, if that holds the same, or do without"
            f" the index, CHOICES={choice}=none",
        )


def _ingest_queues(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    """Look at the queues that are named in full; what a wildcard stands for may be made later."""
    for arn in config.ingest_queues:
        region, account, name = arn.split(":")[3:]
        if "*" not in name:
            sqs = client("sqs", region_name=region)
            yield from _ingest_queue(config, identity, sqs, arn, account=account, name=name)


def _ingest_queue(
    config: Config, identity: Identity, sqs: Any, arn: str, *, account: str, name: str
) -> Iterator[Finding]:
    foreign = account != identity.account
    try:
        url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["KmsMasterKeyId"])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _DENIED or (code in _NO_QUEUE and foreign):
            # SQS answers for another account's queue that does not let us in as for none.
            let_in = (
                f"; the policy of a queue of account {account} has to let the outputs"
                " EngineRoleArn and ProcessorRoleArn in (docs/deploy.md, Ingest queues)"
                if foreign
                else ""
            )
            yield Finding(False, f"queue {arn} could not be looked at: {error}{let_in}")
            return
        if code not in _NO_QUEUE:
            raise
        yield Finding(
            True,
            f"there is no queue {arn}: take the ARN from the connector (sqsArn in the connector"
            " table of a Media Lake), and fix CHOICES=ingest_queues=…",
        )
        return
    key = attributes.get("Attributes", {}).get("KmsMasterKeyId", "")
    if key and not key.endswith("alias/aws/sqs") and not config.ingest_queue_keys:
        yield Finding(
            False,
            f"queue {arn} is encrypted with {key}: unless that is AWS's own key, allow it:"
            " CHOICES=ingest_queue_keys=ARN",
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
            " lost without a word: fix CHOICES=bus=…",
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
