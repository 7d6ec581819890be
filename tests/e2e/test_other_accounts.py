"""A bucket of another account, accessible only in a role of that account."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

pytestmark = pytest.mark.slow

OWNER = "210987654321"
ROLE_ARN = f"arn:aws:iam::{OWNER}:role/media"


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    return start_system({})


@pytest.fixture
def owner(system: Any) -> Iterator[Any]:
    """The owner's own S3 client, in the environment of `system`."""
    sts = boto3.client("sts")
    assumed = sts.assume_role(RoleArn=ROLE_ARN, RoleSessionName="owner")["Credentials"]
    s3 = boto3.client(
        "s3",
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )
    yield s3
    s3.close()
    sts.close()


@pytest.fixture
def their_bucket(owner: Any) -> Callable[[str], str]:
    def make(name: str) -> str:
        owner.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerEnforced")
        for key in ("a.jpg", "b c.jpg"):
            owner.put_object(
                Bucket=name, Key=key, Body=b"x", ServerSideEncryption="AES256", Tagging="theirs=1"
            )
        return name

    return make


@pytest.mark.parametrize("discovery", ["batch", "direct"])
@pytest.mark.parametrize("trigger", ["copy", "event"])
def test_it_is_synced_in_the_role_and_in_no_other(
    system: Any, owner: Any, their_bucket: Callable[[str], str], trigger: str, discovery: str
) -> None:
    bucket = their_bucket(f"theirs-{trigger}-{discovery}")
    system.calls.take_kept()
    connector = system.api.connect(
        bucket, trigger=trigger, expectedBucketOwner=OWNER, roleArn=ROLE_ARN
    )

    job = system.api.ended(system.api.sync(connector, discovery=discovery))

    assert (job["status"], job["statistics"]["put"]) == ("COMPLETED", 2), job
    for key in ("a.jpg", "b c.jpg"):
        tag_set = owner.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        assert {tag["Key"] for tag in tag_set} == {
            "AssetID",
            "InventoryID",
            "SyncJobID",
            "theirs",
        }
    assumed = {
        (params["RoleArn"], params["RoleSessionName"])
        for service, _, params in system.calls.take_kept()
        if service == "sts"
    }
    # Functions that used the role in an earlier job may still have its credentials.
    assert assumed <= {(ROLE_ARN, "asset-sync")}


def test_the_role_reads_the_source_of_keys(
    system: Any, owner: Any, their_bucket: Callable[[str], str]
) -> None:
    bucket = their_bucket("theirs-listed")
    owner.put_object(Bucket=bucket, Key="keys.csv", Body=f"{bucket},b+c.jpg\n".encode())
    source = {"kind": "manifest", "bucketName": bucket, "key": "keys.csv"}
    connector = system.api.connect(bucket, expectedBucketOwner=OWNER, roleArn=ROLE_ARN)
    job = system.api.ended(system.api.sync(connector, source=source))
    assert (job["status"], job["statistics"]["put"]) == ("COMPLETED", 1), job


def test_without_the_role_the_job_fails_and_says_what_to_grant(
    system: Any, their_bucket: Callable[[str], str]
) -> None:
    bucket = their_bucket("theirs-closed")
    connector = system.api.connect(bucket, expectedBucketOwner=OWNER)

    job = system.api.ended(system.api.sync(connector))

    assert job["status"] == "FAILED"
    assert f"grant s3:GetBucketVersioning on {bucket}" in job["statusReason"]
