"""Each mend of moto, seen through an unmodified SDK client."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import pytest
from botocore.exceptions import ClientError

from adapters.local.cloud.clients import CloudClients
from adapters.local.invocation import ACCOUNT_ID

Unique = Callable[[str], str]


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


async def _bucket(clients: CloudClients, name: str) -> Any:
    s3 = await clients.open("s3")
    await s3.create_bucket(Bucket=name)
    return s3


async def _queue(clients: CloudClients, name: str) -> tuple[Any, str, str]:
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
    clients: CloudClients, unique: Unique
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


async def test_a_part_copy_is_guarded_too(clients: CloudClients, unique: Unique) -> None:
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
    clients: CloudClients, unique: Unique
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
    clients: CloudClients, unique: Unique
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
    clients: CloudClients, unique: Unique
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
    clients: CloudClients, unique: Unique
) -> None:
    bucket = unique("owner")
    s3 = await _bucket(clients, bucket)

    controls = await s3.get_bucket_ownership_controls(Bucket=bucket)
    with pytest.raises(ClientError) as error:
        await s3.put_object(Bucket=bucket, Key="a", Body=b"1", ACL="public-read")
    await s3.put_object(Bucket=bucket, Key="a", Body=b"1", ACL="bucket-owner-full-control")

    assert controls["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert _code(error) == "AccessControlListNotSupported"


async def test_a_bucket_may_be_created_with_acls(clients: CloudClients, unique: Unique) -> None:
    bucket = unique("acls")
    s3 = await clients.open("s3")
    await s3.create_bucket(Bucket=bucket, ObjectOwnership="ObjectWriter")
    await s3.put_object(Bucket=bucket, Key="a", Body=b"1", ACL="public-read")

    grants = (await s3.get_object_acl(Bucket=bucket, Key="a"))["Grants"]

    assert {grant["Permission"] for grant in grants} == {"FULL_CONTROL", "READ"}


async def test_an_unexpected_owner_is_denied(clients: CloudClients, unique: Unique) -> None:
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


@pytest.mark.parametrize("key", ["new\nline", "a//b", "q?x#y&z", "a b+c%20é", "trailing/"])
async def test_awkward_keys_survive_put_list_tag_and_copy(
    clients: CloudClients, unique: Unique, key: str
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


async def test_an_archived_object_shows_its_tags_and_refuses_a_copy(
    clients: CloudClients, unique: Unique
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


async def test_a_long_poll_keeps_nobody_out_and_ends_with_a_message(
    clients: CloudClients, unique: Unique
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
    assert time.monotonic() - started < 5


async def test_a_long_poll_of_an_empty_queue_ends_in_time(
    clients: CloudClients, unique: Unique
) -> None:
    sqs, url, _ = await _queue(clients, unique("empty"))
    started = time.monotonic()
    answer = await sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    assert "Messages" not in answer
    assert 0.9 < time.monotonic() - started < 3


async def _counter_table(clients: CloudClients, name: str) -> Any:
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
    clients: CloudClients, unique: Unique
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
    clients: CloudClients, unique: Unique
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
