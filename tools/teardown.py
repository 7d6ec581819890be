"""Taking a stage away, so that a refusal comes before anything is lost.

Everything that AWS would refuse is checked first. Then CloudFormation deletes the stack: functions,
trail and roles go before the buckets, whose names they hold. It stops at a bucket that is not
empty. By then nothing of the stage can write to it, so it is emptied, and the deletion is repeated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError
from infra.checks.deployed import (
    BUCKET,
    BUS,
    MANAGED_POLICY,
    ROLE,
    TABLE,
    Deployed,
    StackResource,
    read_deployed,
)

OpenClient = Callable[..., Any]

# A bucket is emptied before the second; another is for what was written by a call under way.
_DELETIONS_MAX: Final = 3


class Stopped(Exception):
    """Nothing further is done; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Reports to the operator, and records what was done, for a command that stops half way."""

    say: Callable[[str], None]
    done: list[str] = field(default_factory=list)

    def did(self, text: str) -> None:
        """Tell what was done on AWS."""
        self.done.append(text)
        self.say(text)


def refusals(stack: Deployed, client: OpenClient) -> list[str]:
    """Return why the stack would not be deleted, or not whole; each with what to do.

    Raises:
        ClientError: AWS does not say.
    """
    if stack.under_way:
        return [f"{stack.name} is being changed ({stack.status}): wait until that is done"]
    kept = [each for each in stack.resources if each.kept and each.status != "DELETE_COMPLETE"]
    if stack.protected or kept:
        return [
            f"{stack.name} keeps its data, as it was deployed: "
            + ("termination protection is on, and " if stack.protected else "")
            + f"{len(kept)} resources would outlive it. To let it go, deploy it once with"
            " CHOICES=data=destroy and its other choices as they are, then destroy it"
        ]
    found: list[str] = []
    for question in (_protected_tables, _rules_of_others, _further_policies):
        found += question(stack, client)
    return found


def _protected_tables(stack: Deployed, client: OpenClient) -> Iterator[str]:
    for table in stack.of_kind(TABLE):
        found: Any = {}
        with _if_there():
            found = client("dynamodb").describe_table(TableName=table.physical_id)["Table"]
        if found.get("DeletionProtectionEnabled"):
            yield (
                f"table {table.physical_id} has deletion protection: aws dynamodb update-table"
                f" --table-name {table.physical_id} --no-deletion-protection-enabled"
            )


def _rules_of_others(stack: Deployed, client: OpenClient) -> Iterator[str]:
    """Look at the rules on a bus of the stack's own.

    DeleteEventBus refuses: "EventBus can't be deleted since it has rules". The stack's own rules
    are on the default bus. An archive of the bus shows as a rule, too.
    """
    for bus in stack.of_kind(BUS):
        pages = client("events").get_paginator("list_rules").paginate(EventBusName=bus.physical_id)
        names: list[str] = []
        with _if_there():
            names = [rule["Name"] for page in pages for rule in page["Rules"]]
        if names:
            yield (
                f"event bus {bus.physical_id} has rules, and is not deleted before they are:"
                f" {', '.join(names)}. Take their targets away and delete them (aws events"
                f" delete-rule --event-bus-name {bus.physical_id} --name NAME), an archive by"
                " aws events delete-archive"
            )


def _further_policies(stack: Deployed, client: OpenClient) -> Iterator[str]:
    """Look at policies that others attached: IAM deletes neither a role nor a policy with them.

    IAM API Reference, "DeleteRole" and "DeletePolicy": DeleteConflict (checked 2026-11).
    """
    iam = client("iam")
    ours = {each.physical_id for each in stack.of_kind(MANAGED_POLICY)}
    roles = {each.physical_id for each in stack.of_kind(ROLE)}
    for role in sorted(roles):
        pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
        attached: set[str] = set()
        with _if_there():
            attached = {each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]}
        for arn in sorted(attached - ours):
            yield (
                f"role {role} has a policy that the stage did not attach: aws iam"
                f" detach-role-policy --role-name {role} --policy-arn {arn}"
            )
    for arn in sorted(ours):
        pages = iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn)
        holders: set[str] = set()
        with _if_there():
            for page in pages:
                holders |= {each["RoleName"] for each in page["PolicyRoles"]}
                holders |= {each["UserName"] for each in page["PolicyUsers"]}
                holders |= {each["GroupName"] for each in page["PolicyGroups"]}
        for holder in sorted(holders - roles):
            yield f"policy {arn} is attached to {holder}, too: detach it there"


@contextmanager
def _if_there() -> Iterator[None]:
    """Allow that a resource was already deleted: then nothing stops its deletion."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchEntity", "ResourceNotFoundException"):
            raise


def remove(name: str, client: OpenClient, delete: Callable[[], None], progress: Progress) -> None:
    """Delete the stack and empty its buckets, in this order.

    Args:
        name: The stack.
        client: Opens AWS's services.
        delete: Has CloudFormation delete the stack, and waits; Stopped if it did not.
        progress: Gets what was done.

    Raises:
        Stopped: it is refused, or CloudFormation could not delete all of it.
        ClientError: AWS does not say.
    """
    stack = read_deployed(name, client)
    if stack is None:
        raise Stopped(f"- there is no stack {name} here")
    if stack.creation_failed:
        clear_failed_creation(stack, client, progress)
    elif faults := refusals(stack, client):
        raise Stopped("\n".join(f"- {fault}" for fault in faults))
    filled = [each.physical_id for each in stack.of_kind(BUCKET) if not _is_empty(each, client)]
    if filled and not stack.creation_failed:
        progress.say(
            "CloudFormation deletes what writes to the buckets first, and stops at"
            f" {', '.join(filled)}: its DELETE_FAILED there is expected, they are emptied after it"
        )
    for _ in range(_DELETIONS_MAX):
        progress.did(f"started the deletion of {name}")
        try:
            delete()
        except Stopped:
            left = read_deployed(name, client)
            if left is None:
                return
            if left.status != "DELETE_FAILED":
                raise
            _empty_what_stopped_it(left, client, progress)
        else:
            return
    raise Stopped(f"- buckets of {name} are being written to: {', '.join(filled)}")


def _empty_what_stopped_it(stack: Deployed, client: OpenClient, progress: Progress) -> None:
    """Empty the buckets that were not deleted.

    Raises:
        Stopped: something else was not deleted.
    """
    failed = [each for each in stack.resources if each.status == "DELETE_FAILED"]
    others = [each for each in failed if each.kind != BUCKET]
    if others:
        reasons = [f"- {each.logical_id} ({each.physical_id}): {each.reason}" for each in others]
        raise Stopped(
            "\n".join([f"- CloudFormation could not delete all of {stack.name}:", *reasons])
        )
    for bucket in failed:
        progress.say(f"Emptying {bucket.physical_id} ...")
        count = _empty(bucket.physical_id, client)
        progress.did(f"bucket {bucket.physical_id} is emptied of {count} versions of objects")


def clear_failed_creation(stack: Deployed, client: OpenClient, progress: Progress) -> None:
    """Make a stack that never came to be deletable, and delete the empty things that it left.

    Termination protection is set before a stack's first change set is executed, so such a stack is
    protected. Its tables are protected from deletion, so a rollback cannot delete them. It never
    ran: what holds data is left as it is, and named.

    Raises:
        ClientError: AWS refuses.
    """
    if stack.protected:
        client("cloudformation").update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=False
        )
        progress.did(f"termination protection of {stack.name}, whose creation failed, is off")
    for table in stack.of_kind(TABLE):
        if _delete_empty_table(table.physical_id, client, progress):
            progress.did(f"table {table.physical_id} of the failed deployment, empty, is deleted")
    for bucket in stack.of_kind(BUCKET):
        if _is_missing_bucket(bucket, client):
            continue
        if _is_empty(bucket, client):
            client("s3").delete_bucket(Bucket=bucket.physical_id)
            progress.did(f"bucket {bucket.physical_id} of the failed deployment, empty, is deleted")
        else:
            progress.say(
                f"Mind: bucket {bucket.physical_id} of the failed deployment holds objects: it is"
                " left as it is; delete it if you do not need them"
            )


def _delete_empty_table(name: str, client: OpenClient, progress: Progress) -> bool:
    dynamodb = client("dynamodb")
    try:
        found = dynamodb.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return False
    if dynamodb.scan(TableName=name, Limit=1, Select="COUNT")["Count"]:
        progress.say(
            f"Mind: table {name} of the failed deployment holds items: it is left as it is"
        )
        return False
    if found.get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name)
    dynamodb.delete_table(TableName=name)
    dynamodb.get_waiter("table_not_exists").wait(TableName=name)
    return True


def _is_missing_bucket(bucket: StackResource, client: OpenClient) -> bool:
    try:
        client("s3").head_bucket(Bucket=bucket.physical_id)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
        return True
    return False


def _is_empty(bucket: StackResource, client: OpenClient) -> bool:
    if _is_missing_bucket(bucket, client):
        return True
    found = client("s3").list_object_versions(Bucket=bucket.physical_id, MaxKeys=1)
    return not (found.get("Versions") or found.get("DeleteMarkers"))


def _empty(bucket: str, client: OpenClient) -> int:
    """Delete every version in a bucket; return how many there were.

    Raises:
        Stopped: S3 does not delete some of them.
    """
    s3 = client("s3")
    count = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            continue
        versions = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        # A page has at most 1,000 entries, as many as DeleteObjects takes, which answers 200 where
        # some were not deleted.
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
        if errors := answer.get("Errors"):
            raise Stopped(
                f"- S3 does not delete {len(errors)} objects of bucket {bucket}; the first is"
                f" {errors[0]['Key']}: {errors[0]['Code']}, {errors[0].get('Message', '')}"
            )
        count += len(versions)
    return count
