"""Each patch of moto, tested through an unmodified SDK client."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import SQSBackend

from adapters.aws.queue_age import oldest_age_s
from adapters.local_aws.aws_emulator.clients import EmulatorClients
from adapters.local_aws.aws_emulator.moto_patches import costs
from adapters.local_aws.lambda_service.invocation import ACCOUNT_ID, REGION

Unique = Callable[[str], str]


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


async def _bucket(clients: EmulatorClients, name: str) -> Any:
    s3 = await clients.open("s3")
    await s3.create_bucket(Bucket=name)
    return s3


async def _queue(clients: EmulatorClients, name: str) -> tuple[Any, str, str]:
    sqs = await clients.open("sqs")
    url = (await sqs.create_queue(QueueName=name))["QueueUrl"]
    described = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return sqs, url, described["Attributes"]["QueueArn"]


async def _bodies(sqs: Any, url: str) -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = []
    while True:
        answer = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        if not answer.get("Messages"):
            return bodies
        bodies += [json.loads(message["Body"]) for message in answer["Messages"]]


async def test_a_copy_is_guarded_by_the_source_entity_tag(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("guard")
    s3 = await _bucket(clients, bucket)
    tag = (await s3.put_object(Bucket=bucket, Key="a", Body=b"1"))["ETag"]
    copy = {"Bucket": bucket, "Key": "a", "CopySource": {"Bucket": bucket, "Key": "a"}}

    await s3.copy_object(**copy, StorageClass="STANDARD", CopySourceIfMatch=tag)
    with pytest.raises(ClientError) as error:
        await s3.copy_object(**copy, StorageClass="STANDARD", CopySourceIfMatch='"other"')

    assert _code(error) == "PreconditionFailed"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


async def test_a_part_copy_is_guarded_too(clients: EmulatorClients, unique: Unique) -> None:
    bucket = unique("guard-part")
    s3 = await _bucket(clients, bucket)
    await s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    upload = (await s3.create_multipart_upload(Bucket=bucket, Key="a"))["UploadId"]

    with pytest.raises(ClientError) as error:
        await s3.upload_part_copy(
            Bucket=bucket,
            Key="a",
            UploadId=upload,
            PartNumber=1,
            CopySource={"Bucket": bucket, "Key": "a"},
            CopySourceIfMatch='"other"',
        )

    assert _code(error) == "PreconditionFailed"


async def test_a_copy_with_too_many_tags_changes_nothing(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("tags")
    s3 = await _bucket(clients, bucket)
    await s3.put_object(Bucket=bucket, Key="a", Body=b"1", StorageClass="STANDARD_IA")

    with pytest.raises(ClientError):
        await s3.copy_object(
            Bucket=bucket,
            Key="a",
            CopySource={"Bucket": bucket, "Key": "a"},
            StorageClass="STANDARD",
            TaggingDirective="REPLACE",
            Tagging="&".join(f"k{number}=v" for number in range(11)),
        )

    assert (await s3.head_object(Bucket=bucket, Key="a"))["StorageClass"] == "STANDARD_IA"


async def test_notifications_encode_the_key_as_a_form_and_keep_slashes(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket, key = unique("notify"), "in/red flower+ü.jpg"
    s3 = await _bucket(clients, bucket)
    sqs, url, arn = await _queue(clients, unique("notify"))
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:Object*"]}]}
    configuration["QueueConfigurations"][0]["Events"] = ["s3:ObjectCreated:*", "s3:ObjectTagging:*"]
    await s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration
    )
    await s3.put_object(Bucket=bucket, Key=key, Body=b"1", Tagging="a=1")
    await s3.copy_object(
        Bucket=bucket,
        Key=key,
        CopySource={"Bucket": bucket, "Key": key},
        StorageClass="STANDARD",
        TaggingDirective="REPLACE",
        Tagging="a=2",
    )
    await s3.put_object_tagging(
        Bucket=bucket, Key=key, Tagging={"TagSet": [{"Key": "a", "Value": "3"}]}
    )

    test_event, *messages = await _bodies(sqs, url)

    assert test_event["Event"] == "s3:TestEvent"
    records = [message["Records"][0] for message in messages]
    assert [record["eventName"] for record in records] == [
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectTagging:Put",
    ]
    described = [record["s3"]["object"] for record in records]
    assert described[0]["key"] == "in/red+flower%2B%C3%BC.jpg"
    assert unquote_plus(described[0]["key"]) == key
    sequencers = [int(one["sequencer"], 16) for one in described]
    assert sequencers == sorted(set(sequencers))


async def test_bucket_events_name_the_request_and_go_to_the_default_bus_only(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket, bus = unique("bus"), unique("other-bus")
    s3 = await _bucket(clients, bucket)
    events = await clients.open("events")
    await events.create_event_bus(Name=bus)
    sqs, url, arn = await _queue(clients, unique("default-bus"))
    _, other_url, other_arn = await _queue(clients, unique("other-bus"))
    pattern = json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    for bus_name, target in (("default", arn), (bus, other_arn)):
        rule = unique(f"rule-{bus_name}"[:20])
        await events.put_rule(Name=rule, EventBusName=bus_name, EventPattern=pattern)
        await events.put_targets(
            Rule=rule, EventBusName=bus_name, Targets=[{"Id": "queue", "Arn": target}]
        )
    await s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    found = await s3.get_bucket_notification_configuration(Bucket=bucket)
    assert "EventBridgeConfiguration" in found
    await s3.put_object(Bucket=bucket, Key="a b", Body=b"1")
    await s3.copy_object(
        Bucket=bucket,
        Key="a b",
        CopySource={"Bucket": bucket, "Key": "a b"},
        StorageClass="STANDARD",
    )

    received = await _bodies(sqs, url)

    assert [event["detail"]["reason"] for event in received] == ["PutObject", "CopyObject"]
    assert {event["detail-type"] for event in received} == {"Object Created"}
    assert {event["detail"]["object"]["key"] for event in received} == {"a b"}
    assert await _bodies(sqs, other_url) == []


async def test_a_new_bucket_enforces_its_owner_and_refuses_acls(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("owner")
    s3 = await _bucket(clients, bucket)

    controls = await s3.get_bucket_ownership_controls(Bucket=bucket)
    with pytest.raises(ClientError) as error:
        await s3.put_object(Bucket=bucket, Key="a", Body=b"1", ACL="public-read")
    await s3.put_object(Bucket=bucket, Key="a", Body=b"1", ACL="bucket-owner-full-control")

    assert controls["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert _code(error) == "AccessControlListNotSupported"


async def test_a_bucket_may_be_created_with_acls(clients: EmulatorClients, unique: Unique) -> None:
    bucket = unique("acls")
    s3 = await clients.open("s3")
    await s3.create_bucket(Bucket=bucket, ObjectOwnership="ObjectWriter")
    await s3.put_object(Bucket=bucket, Key="a", Body=b"1", ACL="public-read")

    grants = (await s3.get_object_acl(Bucket=bucket, Key="a"))["Grants"]

    assert {grant["Permission"] for grant in grants} == {"FULL_CONTROL", "READ"}


async def test_a_bucket_of_another_account_is_open_to_its_roles_only(
    clients: EmulatorClients, cloud_url: str, unique: Unique
) -> None:
    bucket = unique("theirs")
    sts: Any = await clients.open("sts")  # type: ignore[call-overload]
    role_arn = "arn:aws:iam::210987654321:role/media"
    assumed = await sts.assume_role(RoleArn=role_arn, RoleSessionName="test")
    theirs = boto3.client(
        "s3",
        endpoint_url=cloud_url,
        region_name=REGION,
        aws_access_key_id=assumed["Credentials"]["AccessKeyId"],
        aws_secret_access_key=assumed["Credentials"]["SecretAccessKey"],
        aws_session_token=assumed["Credentials"]["SessionToken"],
    )
    theirs.create_bucket(Bucket=bucket)
    theirs.put_object(Bucket=bucket, Key="a", Body=b"1")

    ours = await clients.open("s3")
    with pytest.raises(ClientError) as head:
        await ours.head_object(Bucket=bucket, Key="a")
    with pytest.raises(ClientError) as listing:
        await ours.list_objects_v2(Bucket=bucket)

    assert theirs.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert _code(head) == "403"
    assert _code(listing) == "AccessDenied"


async def test_an_unexpected_owner_is_denied(clients: EmulatorClients, unique: Unique) -> None:
    bucket = unique("expected")
    s3 = await _bucket(clients, bucket)
    await s3.put_object(Bucket=bucket, Key="a", Body=b"1", ExpectedBucketOwner=ACCOUNT_ID)

    with pytest.raises(ClientError) as listing:
        await s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="999999999999")
    with pytest.raises(ClientError) as copying:
        await s3.copy_object(
            Bucket=bucket,
            Key="b",
            CopySource={"Bucket": bucket, "Key": "a"},
            ExpectedSourceBucketOwner="999999999999",
        )

    assert _code(listing) == _code(copying) == "AccessDenied"


AWKWARD_KEYS = [
    "new\nline",
    "a//b",
    "q?x#y&z",
    "a b+c%20é",
    "trailing/",
    "esc\x1b[0m",
    "bell\x07",
    "null\0",
    "return\rand\r\n",
    "noncharacter\uffff\ufffe",
    "<&>\"'",
]


@pytest.mark.parametrize("key", AWKWARD_KEYS)
async def test_awkward_keys_survive_put_list_tag_and_copy(
    clients: EmulatorClients, unique: Unique, key: str
) -> None:
    bucket = unique("keys")
    s3 = await _bucket(clients, bucket)
    await s3.put_object(Bucket=bucket, Key=key, Body=b"1", Tagging="a=1")
    await s3.copy_object(
        Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key}, StorageClass="STANDARD"
    )

    listed = await s3.list_objects_v2(Bucket=bucket)
    tags = await s3.get_object_tagging(Bucket=bucket, Key=key)

    assert [entry["Key"] for entry in listed["Contents"]] == [key]
    assert tags["TagSet"] == [{"Key": "a", "Value": "1"}]


@pytest.mark.parametrize("key", AWKWARD_KEYS)
async def test_every_listing_shows_an_awkward_key_unchanged(
    clients: EmulatorClients, unique: Unique, key: str
) -> None:
    bucket = unique("listed")
    s3 = await _bucket(clients, bucket)
    keys = [f"{key}{end}" for end in ("1", "2", "|3")]
    for one in keys:
        await s3.put_object(Bucket=bucket, Key=one, Body=b"1")

    for operation, member in (
        ("list_objects", "Contents"),
        ("list_objects_v2", "Contents"),
        ("list_object_versions", "Versions"),
    ):
        list_page = getattr(s3, operation)
        assert [found["Key"] for found in (await list_page(Bucket=bucket))[member]] == keys
        paginator = s3.get_paginator(operation)
        pages = paginator.paginate(Bucket=bucket, Prefix=key, PaginationConfig={"PageSize": 1})
        assert [found["Key"] async for page in pages for found in page[member]] == keys
        split = await list_page(Bucket=bucket, Prefix=key, Delimiter="|")
        assert split["CommonPrefixes"] == [{"Prefix": f"{key}|"}]
    after = await s3.list_objects_v2(Bucket=bucket, StartAfter=keys[0], Delimiter=key)
    assert (after["StartAfter"], after["Delimiter"]) == (keys[0], key)
    marker = (await s3.list_object_versions(Bucket=bucket, KeyMarker=keys[0]))["KeyMarker"]
    assert marker == keys[0]


async def test_listings_of_deletions_and_uploads_encode_keys_where_asked(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket, key = unique("listed"), "a b+\té"
    s3 = await _bucket(clients, bucket)
    await s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    await s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    await s3.delete_object(Bucket=bucket, Key=key)
    await s3.create_multipart_upload(Bucket=bucket, Key=key)

    versions = await s3.list_object_versions(Bucket=bucket)
    uploads = await s3.list_multipart_uploads(Bucket=bucket, EncodingType="url")
    plain = await s3.list_multipart_uploads(Bucket=bucket)

    assert [marker["Key"] for marker in versions["DeleteMarkers"]] == [key]
    assert uploads["EncodingType"] == "url"
    assert [upload["Key"] for upload in uploads["Uploads"]] == ["a%20b%2B%09%C3%A9"]
    assert [upload["Key"] for upload in plain["Uploads"]] == [key]


async def test_who_pays_for_requests_is_kept(clients: EmulatorClients, unique: Unique) -> None:
    bucket = unique("payer")
    s3 = await _bucket(clients, bucket)
    await s3.put_object(Bucket=bucket, Key="esc\x1b", Body=b"1")

    assert (await s3.get_bucket_request_payment(Bucket=bucket))["Payer"] == "BucketOwner"
    for payer in ("Requester", "BucketOwner"):
        await s3.put_bucket_request_payment(
            Bucket=bucket, RequestPaymentConfiguration={"Payer": payer}
        )
        assert (await s3.get_bucket_request_payment(Bucket=bucket))["Payer"] == payer
    with pytest.raises(ClientError) as unknown:
        await s3.put_bucket_request_payment(
            Bucket=bucket, RequestPaymentConfiguration={"Payer": "Unknown"}
        )
    with pytest.raises(ClientError) as denied:
        await s3.get_bucket_request_payment(Bucket=bucket, ExpectedBucketOwner="999999999999")
    with pytest.raises(ClientError) as missing:
        await s3.get_bucket_request_payment(Bucket=unique("none"))
    assert (_code(unknown), _code(denied), _code(missing)) == (
        "MalformedXML",
        "AccessDenied",
        "NoSuchBucket",
    )


async def test_a_missing_configuration_of_a_bucket_is_not_a_missing_bucket(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("parts")
    s3 = await _bucket(clients, bucket)
    analytics = {"Id": "a", "StorageClassAnalysis": {}}
    calls = [
        s3.get_bucket_metrics_configuration(Bucket=bucket, Id="a"),
        s3.get_bucket_analytics_configuration(Bucket=bucket, Id="a"),
        s3.put_bucket_metrics_configuration(
            Bucket=bucket, Id="a", MetricsConfiguration={"Id": "a"}
        ),
        s3.put_bucket_analytics_configuration(
            Bucket=unique("new"), Id="a", AnalyticsConfiguration=analytics
        ),
        s3.delete_bucket_metrics_configuration(Bucket=bucket, Id="a"),
        s3.delete_bucket_inventory_configuration(Bucket=bucket, Id="a"),
    ]
    for call in calls:
        with pytest.raises(ClientError) as refused:
            await call
        assert _code(refused) == "NotImplemented"

    names = [found["Name"] for found in (await s3.list_buckets())["Buckets"]]
    assert bucket in names
    assert unique("new") not in names


async def test_an_archived_object_shows_its_tags_and_refuses_a_copy(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("archive")
    s3 = await _bucket(clients, bucket)
    await s3.put_object(Bucket=bucket, Key="a", Body=b"1", Tagging="a=1", StorageClass="GLACIER")

    tags = await s3.get_object_tagging(Bucket=bucket, Key="a")
    with pytest.raises(ClientError) as error:
        await s3.copy_object(
            Bucket=bucket,
            Key="a",
            CopySource={"Bucket": bucket, "Key": "a"},
            StorageClass="GLACIER",
        )

    assert tags["TagSet"] == [{"Key": "a", "Value": "1"}]
    assert _code(error) == "InvalidObjectState"


async def test_an_acl_shows_every_grant(clients: EmulatorClients, unique: Unique) -> None:
    bucket = unique("grants")
    s3 = await clients.open("s3")
    await s3.create_bucket(Bucket=bucket, ObjectOwnership="ObjectWriter")
    await s3.put_object(Bucket=bucket, Key="canned", Body=b"1", ACL="public-read-write")
    await s3.put_object(Bucket=bucket, Key="two", Body=b"1", GrantRead='id="a", id="b"')

    canned = (await s3.get_object_acl(Bucket=bucket, Key="canned"))["Grants"]
    two = (await s3.get_object_acl(Bucket=bucket, Key="two"))["Grants"]

    assert [grant["Permission"] for grant in canned] == ["FULL_CONTROL", "READ", "WRITE"]
    assert [grant["Grantee"]["ID"] for grant in two] == ["a", "b"]


async def test_a_bucket_with_objects_may_get_a_default_retention(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("retention")
    s3 = await clients.open("s3")
    await s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    await s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    await s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    before = await s3.head_object(Bucket=bucket, Key="a")
    await s3.copy_object(
        Bucket=bucket, Key="a", CopySource={"Bucket": bucket, "Key": "a"}, StorageClass="STANDARD"
    )
    after = await s3.head_object(Bucket=bucket, Key="a")

    assert "ObjectLockMode" not in before
    assert after["ObjectLockMode"] == "GOVERNANCE"


async def _in_one_part(s3: Any, where: dict[str, str], **options: Any) -> Any:
    """Copy an object onto itself by a multipart copy of one part."""
    created = await s3.create_multipart_upload(**where, **options)
    upload = {**where, "UploadId": created["UploadId"]}
    part = await s3.upload_part_copy(**upload, PartNumber=1, CopySource=where)
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    return await s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


async def test_a_multipart_copy_has_the_bucket_key_of_its_create_request(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("bucket-key")
    s3 = await _bucket(clients, bucket)
    where = {"Bucket": bucket, "Key": "a"}
    await s3.put_object(**where, Body=b"1")

    await _in_one_part(
        s3, where, ServerSideEncryption="aws:kms", SSEKMSKeyId="key", BucketKeyEnabled=True
    )

    assert (await s3.head_object(**where))["BucketKeyEnabled"] is True


async def test_a_multipart_copy_is_private_by_default(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("private")
    s3 = await clients.open("s3")
    await s3.create_bucket(Bucket=bucket, ObjectOwnership="ObjectWriter")
    where = {"Bucket": bucket, "Key": "a"}
    await s3.put_object(**where, Body=b"1", ACL="public-read")

    await _in_one_part(s3, where)

    [grant] = (await s3.get_object_acl(**where))["Grants"]
    assert grant["Permission"] == "FULL_CONTROL"


async def test_a_multipart_copy_names_a_version_only_in_a_versioned_bucket(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("versions")
    s3 = await _bucket(clients, bucket)
    where = {"Bucket": bucket, "Key": "a"}
    await s3.put_object(**where, Body=b"1")
    without = await _in_one_part(s3, where)
    await s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versioned = await _in_one_part(s3, where)

    assert "VersionId" not in without
    assert versioned["VersionId"] == (await s3.head_object(**where))["VersionId"]


async def test_a_condition_on_a_missing_object_is_not_found(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("guard-none")
    s3 = await _bucket(clients, bucket)
    where, source = {"Bucket": bucket, "Key": "a"}, {"Bucket": bucket, "Key": "b"}
    tag = (await s3.put_object(**source, Body=b"1"))["ETag"]
    upload = {**where, "UploadId": (await s3.create_multipart_upload(**where))["UploadId"]}
    part = await s3.upload_part_copy(**upload, PartNumber=1, CopySource=source)
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]

    with pytest.raises(ClientError) as copying:
        await s3.copy_object(**where, CopySource=source, IfMatch=tag)
    with pytest.raises(ClientError) as ending:
        await s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, IfMatch=tag)

    assert _code(copying) == _code(ending) == "NoSuchKey"


async def test_a_listing_may_start_after_a_key_that_xml_cannot_hold(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("after")
    s3 = await _bucket(clients, bucket)
    for key in ("a\x01", "b"):
        await s3.put_object(Bucket=bucket, Key=key, Body=b"1")

    listed = await s3.list_objects_v2(Bucket=bucket, StartAfter="a\x01")

    assert [entry["Key"] for entry in listed["Contents"]] == ["b"]


async def test_notifications_and_events_name_the_version_and_the_end_of_an_upload(
    clients: EmulatorClients, unique: Unique
) -> None:
    bucket = unique("versioned-events")
    s3 = await _bucket(clients, bucket)
    await s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    sqs, url, arn = await _queue(clients, unique("notified"))
    _, bus_url, bus_arn = await _queue(clients, unique("from-the-bus"))
    events, rule = await clients.open("events"), unique("rule")
    pattern = json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    await events.put_rule(Name=rule, EventPattern=pattern)
    await events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": bus_arn}])
    await s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "EventBridgeConfiguration": {},
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}],
        },
    )
    where = {"Bucket": bucket, "Key": "a"}
    put = await s3.put_object(**where, Body=b"1")
    copied = await _in_one_part(s3, where)

    records = [body["Records"][0] for body in await _bodies(sqs, url) if "Records" in body]
    details = [body["detail"] for body in await _bodies(sqs, bus_url)]

    versions = [put["VersionId"], copied["VersionId"]]
    assert [record["s3"]["object"]["versionId"] for record in records] == versions
    assert [detail["object"]["version-id"] for detail in details] == versions
    assert records[1]["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert details[1]["reason"] == "CompleteMultipartUpload"


@pytest.mark.parametrize("age_s", [0, 119, 121, 10_000])
def test_a_message_is_kept_as_long_as_moto_itself_would_keep_it(age_s: float) -> None:
    """The cheaper search of a queue has the same result as the one that it replaces."""
    backend = SQSBackend("us-east-1", ACCOUNT_ID)
    backend.create_queue("queue", MessageRetentionPeriod="120")
    message = backend.send_message("queue", "body")
    message.sent_timestamp = int((time.time() - age_s) * 1_000)

    kept = costs._is_retained(backend, "queue", message)

    assert kept is (age_s < 120)
    assert kept == backend.is_message_valid_based_on_retention_period("queue", message)


async def test_the_age_of_the_oldest_message_of_a_queue_is_reported(
    clients: EmulatorClients, unique: Unique
) -> None:
    name = unique("age")
    sqs, url, _ = await _queue(clients, name)
    metrics: Any = await clients.open("cloudwatch")  # type: ignore[call-overload]
    now = datetime.now(UTC)
    assert await oldest_age_s(metrics, url, now) is None
    for body in ("a", "b"):
        await sqs.send_message(QueueUrl=url, MessageBody=body)
        await asyncio.sleep(1.1)
    assert await oldest_age_s(metrics, url, now) == 2
    # The second one, which is in flight, counts when the first one is gone.
    found = [
        (await sqs.receive_message(QueueUrl=url))["Messages"][0]["ReceiptHandle"] for _ in range(2)
    ]
    await sqs.delete_message(QueueUrl=url, ReceiptHandle=found[0])
    assert await oldest_age_s(metrics, url, now) == 1
    await sqs.delete_message(QueueUrl=url, ReceiptHandle=found[1])
    assert await oldest_age_s(metrics, url, now) is None


async def test_a_long_poll_does_not_block_others_and_ends_with_a_message(
    clients: EmulatorClients, unique: Unique
) -> None:
    sqs, url, _ = await _queue(clients, unique("poll"))
    started = time.monotonic()
    polls = [
        asyncio.create_task(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)) for _ in range(3)
    ]
    await asyncio.sleep(0.1)
    await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    for number in range(3):
        await sqs.send_message(QueueUrl=url, MessageBody=str(number))
    answers = [await poll for poll in polls]

    bodies = [message["Body"] for answer in answers for message in answer["Messages"]]
    assert sorted(bodies) == ["0", "1", "2"]
    assert time.monotonic() - started < 15


async def test_a_long_poll_of_an_empty_queue_ends_in_time(
    clients: EmulatorClients, unique: Unique
) -> None:
    sqs, url, _ = await _queue(clients, unique("empty"))
    started = time.monotonic()
    answer = await sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    assert "Messages" not in answer
    assert 0.9 < time.monotonic() - started < 15  # it waits as long as requested, not the maximum


async def _counter_table(clients: EmulatorClients, name: str) -> Any:
    dynamodb = await clients.open("dynamodb")
    await dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "part", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "part", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


def _add(table: str, part: int, amount: int = 1) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": table,
            "Key": {"id": {"S": "a"}, "part": {"N": str(part)}},
            "UpdateExpression": "ADD n :amount",
            "ExpressionAttributeValues": {":amount": {"N": str(amount)}},
        }
    }


async def test_a_cancelled_transaction_restores_every_item(
    clients: EmulatorClients, unique: Unique
) -> None:
    table = unique("restore")
    dynamodb = await _counter_table(clients, table)
    key = [{"id": {"S": "a"}, "part": {"N": str(part)}} for part in range(4)]
    for part in (0, 1):
        await dynamodb.put_item(TableName=table, Item={**key[part], "n": {"N": "7"}})

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as error:
        await dynamodb.transact_write_items(
            TransactItems=[
                _add(table, 0),
                {"Delete": {"TableName": table, "Key": key[1]}},
                {"Put": {"TableName": table, "Item": key[2]}},
                {
                    "ConditionCheck": {
                        "TableName": table,
                        "Key": key[3],
                        "ConditionExpression": "attribute_exists(id)",
                    }
                },
            ]
        )

    reasons = [reason["Code"] for reason in error.value.response["CancellationReasons"]]
    assert reasons == ["None", "None", "None", "ConditionalCheckFailed"]
    left = (await dynamodb.scan(TableName=table))["Items"]
    assert {(item["part"]["N"], item["n"]["N"]) for item in left} == {("0", "7"), ("1", "7")}


async def test_a_transaction_with_a_known_token_has_no_further_effect(
    clients: EmulatorClients, unique: Unique
) -> None:
    table = unique("token")
    dynamodb = await _counter_table(clients, table)
    for _ in range(2):
        await dynamodb.transact_write_items(
            ClientRequestToken=unique("t"), TransactItems=[_add(table, 0)]
        )
    with pytest.raises(ClientError) as error:
        await dynamodb.transact_write_items(
            ClientRequestToken=unique("t"), TransactItems=[_add(table, 0, amount=2)]
        )

    assert _code(error) == "IdempotentParameterMismatchException"
    found = await dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}, "part": {"N": "0"}})
    assert found["Item"]["n"] == {"N": "1"}
