"""The buckets of TARGETS, and the roles by which others are reached."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from entrypoints.cli.stage.event_delivery import notifies_of_copies
from infra.checks.finding import DENIED, Finding, Identity, OpenClient
from infra.config import Config


def buckets(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    """Look whether the buckets are there, and in a Region where they can be synced."""
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


def target_roles(config: Config, identity: Identity, client: OpenClient) -> Iterator[Finding]:
    """Check that the roles of this account exist; those of others cannot be read."""
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
            # Not fatal: it must name the functions' roles, which must exist first.
            yield Finding(
                False,
                f"there is no role {arn}: create it after the first deployment, to trust engine and"
                " processor (docs/iam.md, A role in a bucket's account), or fix"
                " CHOICES=target_roles=…",
            )


def notifications(config: Config, _: Identity, client: OpenClient) -> Iterator[Finding]:
    """Check whether a Media Lake is notified of a copy; only trigger `copy` needs it.

    docs/object-safety.md, The three triggers: `copy` depends on the events that the bucket itself
    sends.
    """
    if config.profile != "medialake":
        return
    s3 = client("s3")
    for name in config.targets:
        try:
            found = s3.get_bucket_notification_configuration(Bucket=name)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "NoSuchBucket":
                continue
            if code not in DENIED:
                raise
            yield Finding(False, f"notifications of bucket {name} could not be read: {error}")
            continue
        if not notifies_of_copies(found):
            yield Finding(
                False,
                f"bucket {name} sends no event for copied objects: with a connector's trigger copy"
                " the Media Lake receives nothing. Switch EventBridge on in the bucket's"
                " properties (add it to what is set there; the API replaces all of it), or"
                " register the bucket in the Media Lake, or use the trigger queue",
            )
