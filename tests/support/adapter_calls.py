"""Every call of the AWS adapters, and a valid response of each operation as AWS writes it.

A call is one of a port's methods. `GOOD` has the responses as bytes on the wire, so that a test can
omit, add or cut parts.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from adapters.aws.attributes import to_item
from adapters.aws.batch_jobs import S3BatchJobs
from adapters.aws.catalog import CatalogIndex, DynamoCatalog
from adapters.aws.catalog_scan import DynamoCatalogScan
from adapters.aws.chunk_item import chunk_item
from adapters.aws.chunk_queue import SqsChunkQueue
from adapters.aws.chunk_store import DynamoChunkStore
from adapters.aws.clients import Clients
from adapters.aws.connector_store import DynamoConnectorStore
from adapters.aws.engine_invoker import LambdaEngineInvoker
from adapters.aws.error_log import DynamoErrorLog
from adapters.aws.ingest_bus import EventBridgeIngestBus
from adapters.aws.ingest_queue import SqsIngestQueue
from adapters.aws.job_item import new_job_item
from adapters.aws.job_store import DynamoJobStore
from adapters.aws.lease_item import lease_values
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.results_store import S3ResultsStore
from adapters.aws.schedule_runs import DynamoScheduleRunStore
from adapters.aws.scheduler import EventBridgeScheduler, SchedulePlace
from adapters.aws.share_item import share_item
from adapters.aws.share_store import DynamoShareStore
from adapters.aws.slot_store import DynamoSlotStore, slot_id
from adapters.aws.source_files import S3SourceFiles
from adapters.aws.status_notifier import SnsStatusNotifier
from adapters.aws.surveyor import LambdaSurveyor
from adapters.memory.system import ManualClock
from domain.bucket_report import BucketReport, Setting
from domain.catalog import CatalogQuestion
from domain.chunk import Chunk, ChunkStatus
from domain.connector import Bucket, BucketInfo, Connector, ConnectorStatus
from domain.customer_object import ObjectHead
from domain.decision import Decision
from domain.failure import Failure
from domain.identity import Identity
from domain.job import DiscoveryWork, Job, JobCompleted, ManifestFile, evolve, new_job
from domain.lease import Lease
from domain.listing import Listing
from domain.listing_share import ListingShare
from domain.message import (
    ChunkMessage,
    ingest_event,
    ingest_message,
    removal_event,
    status_message,
)
from domain.object_look import LookRequest, ObjectLook
from domain.part_copy import CopiedPart, Part
from domain.pause import Pause
from domain.pricing.survey import Listed, Survey, SurveyRequest
from domain.pricing.survey_json import to_document
from domain.removal_rows import RemovalRow
from domain.removal_settings import Baseline
from domain.schedule_runs import ScheduleRuns, Timer
from domain.sync_request import SyncRequest
from domain.tally import Tally

NOW: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
BUCKET: Final = Bucket(name="media", expected_owner="111122223333")
QUEUE_URL: Final = "https://sqs.us-east-1.amazonaws.com/111122223333/q"
ARN: Final = "arn:aws:lambda:us-east-1:111122223333:function:f"
HEAD: Final = ObjectHead(
    key="p/a.jpg",
    size_bytes=10,
    e_tag="e1",
    last_modified=NOW,
    version_id="v1",
    storage_class="STANDARD",
)
JOB: Final[Job] = replace(
    new_job(
        job_id="job-1",
        request=SyncRequest(connector_id="c1", bucket=BUCKET),
        now=NOW,
    ),
    version=1,
    discovery=DiscoveryWork(manifest=ManifestFile(key="jobs/job-1/manifest.csv", e_tag="m1")),
)
CHUNK: Final = Chunk(
    job_id="job-1",
    index=0,
    status=ChunkStatus.PENDING,
    version=1,
    object_count=1,
    entry_count=1,
    size_bytes=10,
    first_key="a",
    last_key="a",
    created_at=NOW,
    updated_at=NOW,
)
SHARE: Final = ListingShare(
    job_id="job-1", number=0, version=1, listing=Listing(), prefix_end=1, updated_at=NOW
)
CONNECTOR: Final = Connector(
    connector_id="c1",
    bucket=BUCKET,
    prefixes=(),
    status=ConnectorStatus.ENABLED,
    created_at=NOW,
)
TIMER: Final = Timer(
    connector_id="c1",
    revision="r1",
    expression="rate(6 hours)",
    time_zone="UTC",
    jitter_minutes=5,
    starts_at=NOW,
)
FAILURE: Final = Failure(
    error_id="e1", job_id="job-1", error_class="X", message="why", occurred_at=NOW
)
REMOVAL: Final = removal_event(
    JOB, RemovalRow(key="p/a.jpg", last_seen_in="job-0", event_id="event-1")
)
EVENT: Final = ingest_event(
    JOB,
    key="p/a.jpg",
    version_id="v1",
    e_tag="e1",
    size_bytes=10,
    identity=Identity(asset_id="asset-1", inventory_id="inventory-1"),
    action=Decision.PUT,
)
QUESTION: Final = CatalogQuestion(
    bucket_name="media",
    key="p/a.jpg",
    identity=Identity(asset_id="asset-1", inventory_id="inventory-1"),
    triggered=False,
    copied=False,
)


@dataclass(frozen=True, slots=True)
class Good:
    """A valid response of one operation: a document as XML or JSON, and headers."""

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def _xml(root: str, inner: str, **headers: str) -> Good:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Good(f"<?xml version='1.0'?><{root}>{inner}</{root}>".encode(), named)


def _json(document: Any) -> Good:
    return Good(json.dumps(document).encode())


_E_TAG = {"ETag": '"e1"'}
_PAGE = (
    "<IsTruncated>false</IsTruncated><Contents><Key>p/a.jpg</Key><Size>1</Size>"
    "<LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents>"
)
_LOCK = (
    "<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode>"
    "<Days>1</Days></DefaultRetention></Rule>"
)
_JOB_ITEM = new_job_item(JOB)
_SLOT_ITEM = to_item(
    {"jobId": slot_id("c1", 0), "lease": lease_values(Lease(token="other", expires_at=NOW))}
)
_SHARE_ITEM = share_item(SHARE)
_CHUNK_ITEM = chunk_item(CHUNK)
_CONNECTOR_ITEM = to_item(
    {
        "connectorId": "c1",
        "bucketName": "media",
        "prefixes": (),
        "status": "ENABLED",
        "trigger": "copy",
        "ids": "minted",
        "restoreTags": True,
        "createdAt": NOW,
    }
)
_FAILURE_ITEM = to_item(
    {
        "jobId": "job-1",
        "errorId": "e1",
        "errorClass": "X",
        "message": "why",
        "occurredAt": NOW,
        "expiresAt": 2_000_000_000,
    }
)
_RECORD = to_item({"InventoryID": "inventory-1", "StoragePath": "media:p/a.jpg"})
_ITEMS = {
    "Jobs": _JOB_ITEM,
    "Chunks": _CHUNK_ITEM,
    "Connectors": _CONNECTOR_ITEM,
    "Errors": _FAILURE_ITEM,
    "Assets": _RECORD,
}

GOOD: Final[Mapping[str, Good]] = MappingProxyType(
    {
        "GetBucketVersioning": _xml("VersioningConfiguration", "<Status>Enabled</Status>"),
        "GetBucketRequestPayment": _xml(
            "RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>"
        ),
        "GetBucketEncryption": _xml(
            "ServerSideEncryptionConfiguration",
            "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>"
            "<KMSMasterKeyID>key</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule>",
        ),
        "GetBucketNotificationConfiguration": _xml(
            "NotificationConfiguration", "<EventBridgeConfiguration></EventBridgeConfiguration>"
        ),
        "HeadBucket": Good(headers={"x-amz-bucket-region": "us-east-1"}),
        "ListObjectsV2": _xml("ListBucketResult", _PAGE),
        "GetObjectTagging": _xml(
            "Tagging",
            "<TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet>",
            x_amz_version_id="v1",
        ),
        "HeadObject": Good(
            headers={
                **_E_TAG,
                "Content-Length": "10",
                "Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT",
                "x-amz-version-id": "v1",
                "Content-Disposition": "inline",
                "x-amz-meta-camera": "x100",
            }
        ),
        "PutObjectTagging": Good(headers={"x-amz-version-id": "v1"}),
        "GetBucketOwnershipControls": _xml(
            "OwnershipControls",
            "<Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule>",
        ),
        "GetObjectAcl": _xml(
            "AccessControlPolicy",
            "<Owner><ID>me</ID></Owner><AccessControlList><Grant><Grantee"
            " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='CanonicalUser'>"
            "<ID>me</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>",
        ),
        "GetObjectLockConfiguration": _xml("ObjectLockConfiguration", _LOCK),
        "GetObjectRetention": _xml(
            "Retention",
            "<Mode>GOVERNANCE</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>",
        ),
        "GetObjectLegalHold": _xml("LegalHold", "<Status>OFF</Status>"),
        "CopyObject": _xml("CopyObjectResult", '<ETag>"e2"</ETag>', x_amz_version_id="v2"),
        "CreateMultipartUpload": _xml("InitiateMultipartUploadResult", "<UploadId>u1</UploadId>"),
        "UploadPartCopy": _xml("CopyPartResult", '<ETag>"p1"</ETag>'),
        "CompleteMultipartUpload": _xml("CompleteMultipartUploadResult", '<ETag>"e3"</ETag>'),
        "AbortMultipartUpload": Good(status=204),
        "PutObject": Good(headers=_E_TAG),
        "UploadPart": Good(headers=_E_TAG),
        "GetObject": Good(b"content", {**_E_TAG, "Content-Range": "bytes 0-6/7"}),
        "CreateJob": _xml("CreateJobResult", "<JobId>batch-1</JobId>"),
        "DescribeJob": _xml(
            "DescribeJobResult", "<Job><JobId>batch-1</JobId><Status>Active</Status></Job>"
        ),
        "ListJobs": _xml(
            "ListJobsResult",
            "<Jobs><member><JobId>batch-1</JobId><Description>asset-sync job-1</Description>"
            "</member></Jobs>",
        ),
        "UpdateJobStatus": _xml(
            "UpdateJobStatusResult", "<JobId>batch-1</JobId><Status>Cancelling</Status>"
        ),
        "GetItem": _json({"Item": _JOB_ITEM}),
        "PutItem": _json({}),
        "UpdateItem": _json({"Attributes": _JOB_ITEM}),
        "TransactWriteItems": _json({}),
        "BatchWriteItem": _json({"UnprocessedItems": {}}),
        "BatchGetItem": _json({"Responses": {"Jobs": [_JOB_ITEM]}, "UnprocessedKeys": {}}),
        "Query": _json({"Items": [_JOB_ITEM], "Count": 1}),
        "Scan": _json({"Items": [_CONNECTOR_ITEM], "Count": 1}),
        "DescribeTable": _json({"Table": {"ItemCount": 1, "TableSizeBytes": 100}}),
        "SendMessageBatch": _json(
            {"Successful": [{"Id": "0", "MessageId": "m", "MD5OfMessageBody": "x"}], "Failed": []}
        ),
        "GetMetricData": _xml(
            "GetMetricDataResponse",
            "<GetMetricDataResult><MetricDataResults><member><Id>age</Id><Values>"
            "<member>61.0</member></Values><Timestamps><member>2026-01-01T00:00:00Z</member>"
            "</Timestamps><StatusCode>Complete</StatusCode></member></MetricDataResults>"
            "</GetMetricDataResult>",
        ),
        "GetQueueAttributes": _json(
            {
                "Attributes": {
                    "ApproximateNumberOfMessages": "1",
                    "ApproximateNumberOfMessagesDelayed": "0",
                    "ApproximateNumberOfMessagesNotVisible": "0",
                }
            }
        ),
        "Publish": _xml(
            "PublishResponse", "<PublishResult><MessageId>m1</MessageId></PublishResult>"
        ),
        "PutEvents": _json({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}),
        "CreateSchedule": _json({"ScheduleArn": "arn:aws:scheduler:us-east-1:1:schedule/g/n"}),
        "DeleteSchedule": _json({}),
        "GetSchedule": _json(
            {
                "Target": {
                    "Arn": "arn:aws:lambda:us-east-1:1:function:engine",
                    "RoleArn": "arn:aws:iam::1:role/r",
                    "Input": json.dumps({"connectorId": "c1", "timer": TIMER.revision}),
                }
            }
        ),
        "ListSchedules": _json({"Schedules": [{"Name": TIMER.name}]}),
        "Invoke": Good(status=202),
        "AssumeRole": _xml(
            "AssumeRoleResponse",
            "<AssumeRoleResult><Credentials><AccessKeyId>K</AccessKeyId>"
            "<SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>"
            "<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>",
        ),
    }
)


def good_answer(operation: str, parameters: Mapping[str, Any]) -> Good:
    """Return the valid response to a request; that of DynamoDB depends on the table."""
    table = parameters.get("TableName")
    if operation == "GetItem" and _of_share(parameters):
        return _json({"Item": _SHARE_ITEM})
    if operation == "GetItem":
        return _json({"Item": _ITEMS[table or "Jobs"]} if not _of_guard(parameters) else {})
    if operation == "UpdateItem":
        # As after the first write of a connector's runs.
        runs = {"scheduleRunsVersion": {"N": "1"}} if table == "Connectors" else {}
        return _json({"Attributes": {**_ITEMS[table or "Jobs"], **runs}})
    if operation == "Query":
        return _json({"Items": [_ITEMS[table or "Jobs"]], "Count": 1})
    if operation == "Scan":
        return _json({"Items": [_ITEMS[table or "Connectors"]], "Count": 1})
    if operation == "BatchGetItem":
        [table] = wanted = parameters.get("RequestItems", {"Jobs": {}})
        if {"jobId": _SHARE_ITEM["jobId"]} in wanted[table].get("Keys", ()):
            return _json({"Responses": {table: [_SHARE_ITEM]}, "UnprocessedKeys": {}})
        if {"jobId": _SLOT_ITEM["jobId"]} in wanted[table].get("Keys", ()):
            return _json({"Responses": {table: [_SLOT_ITEM]}, "UnprocessedKeys": {}})
        return _json({"Responses": {table: [_ITEMS[table]]}, "UnprocessedKeys": {}})
    if operation == "Invoke" and parameters["InvocationType"] == "RequestResponse":
        action = json.loads(parameters["Payload"])["action"]
        if action == "check":
            return _json({"check": to_document(BucketReport(bucket_name="media"))})
        if action == "look":
            return _json({"look": to_document(ObjectLook())})
        return _json({"survey": to_document(Survey(bucket=BucketInfo(), listed=Listed()))})
    return GOOD[operation]


def _of_share(parameters: Mapping[str, Any]) -> bool:
    return parameters.get("Key", {}).get("jobId") == _SHARE_ITEM["jobId"]


def _of_guard(parameters: Mapping[str, Any]) -> bool:
    return "#" in parameters.get("Key", {}).get("jobId", {}).get("S", "")


Calls = Mapping[str, Callable[[], Awaitable[object]]]


async def adapter_calls(clients: Clients) -> Calls:
    """Return every call of every adapter, each on a new adapter."""
    clock = ManualClock(NOW)
    s3, dynamodb, sqs = await clients.s3(), await clients.dynamodb(), await clients.sqs()
    s3control, sns = await clients.s3control(), await clients.sns()
    lambda_ = await clients.lambda_()

    role_numbers = itertools.count()

    async def no_sleep(_: float) -> None:
        return

    async def read_in_a_role() -> None:
        # Each time another role, because credentials and failures to get them are cached.
        in_role = await clients.s3(f"arn:aws:iam::111122223333:role/r{next(role_numbers)}")
        await S3ObjectStore(in_role, clock=clock).read_tags(BUCKET, "p/a.jpg")

    def objects() -> S3ObjectStore:
        return S3ObjectStore(s3, clock=clock)

    async def queue_client(_: str | None) -> Any:
        return sqs

    async def metrics_client(_: str | None) -> Any:
        return await clients.cloudwatch()

    results = S3ResultsStore(s3, bucket_name="results")
    batch_jobs = S3BatchJobs(
        s3control,
        account_id="111122223333",
        results_bucket="results",
        processor_arn=ARN,
        role_arn="arn:aws:iam::111122223333:role/batch",
    )
    jobs = DynamoJobStore(dynamodb, "Jobs", connector_table_name="Connectors", sleep=no_sleep)
    chunks = DynamoChunkStore(dynamodb, "Chunks", job_table_name="Jobs", sleep=no_sleep)
    connectors = DynamoConnectorStore(dynamodb, "Connectors", job_table_name="Jobs", sleep=no_sleep)
    errors = DynamoErrorLog(dynamodb, "Errors", clock, sleep=no_sleep)
    catalog = DynamoCatalog(
        dynamodb,
        "Assets",
        asset_index=CatalogIndex("ByAsset", "DigitalSourceAsset.ID"),
        path_index=CatalogIndex("ByPath", "StoragePath"),
        sleep=no_sleep,
    )
    catalog_scan = DynamoCatalogScan(dynamodb, "Assets")
    shares = DynamoShareStore(dynamodb, "Jobs", chunk_table_name="Chunks", sleep=no_sleep)
    slots = DynamoSlotStore(dynamodb, "Jobs", sleep=no_sleep)
    schedule_runs = DynamoScheduleRunStore(dynamodb, "Connectors", sleep=no_sleep)
    scheduler = EventBridgeScheduler(
        clients.scheduler,
        SchedulePlace(
            group_name="g",
            function_arn=ARN,
            role_arn="arn:aws:iam::111122223333:role/schedules",
            dead_letter_queue_arn="arn:aws:sqs:us-east-1:111122223333:failed",
        ),
    )
    queue = SqsChunkQueue(sqs, queue_url=QUEUE_URL)
    ingest_queue = SqsIngestQueue(queue_client, open_metrics=metrics_client, clock=clock)
    ended = evolve(JOB, JobCompleted(), NOW)
    part = Part(number=1, first=0, last=9)
    copied = [CopiedPart(number=1, e_tag='"p1"', checksums={})]
    return {
        "objects.inspect": lambda: objects().inspect(BUCKET),
        **{
            # One call for each kind of request.
            f"objects.setting{'' if each is Setting.REGION else f'_{each.name.lower()}'}": partial(
                objects().setting, BUCKET, each
            )
            for each in Setting
        },
        "objects.list_objects": lambda: _all(
            objects().list_objects(BUCKET, prefix="p/", start_after=None)
        ),
        "objects.read_tags": lambda: objects().read_tags(BUCKET, "p/a.jpg"),
        "objects.head": lambda: objects().head(BUCKET, "p/a.jpg"),
        "objects.write_tags": lambda: objects().write_tags(BUCKET, HEAD, {"a": "b"}),
        "objects.copy_in_place": lambda: objects().copy_in_place(BUCKET, HEAD, {"a": "b"}),
        "objects.access": lambda: objects().access(BUCKET, HEAD),
        "objects.create_multipart_copy": lambda: objects().create_multipart_copy(
            BUCKET, HEAD, {"a": "b"}
        ),
        "objects.copy_part": lambda: objects().copy_part(BUCKET, HEAD, "u1", part),
        "objects.complete_multipart_copy": lambda: objects().complete_multipart_copy(
            BUCKET, HEAD, "u1", copied
        ),
        "objects.abort_multipart_copy": lambda: objects().abort_multipart_copy(
            BUCKET, "p/a.jpg", "u1"
        ),
        "roles.read_tags": read_in_a_role,
        "results.put": lambda: results.put("k", b"content"),
        "results.replace": lambda: results.replace("k", b"content", e_tag="e1"),
        "results.get": lambda: results.get("k"),
        "results.read_range": lambda: results.read_range("k", 0, 7),
        "results.stream": lambda: _all(results.stream("k")),
        "results.create_upload": lambda: results.create_upload("k"),
        "results.upload_part": lambda: results.upload_part("k", "u1", 1, b"content"),
        "results.complete_upload": lambda: results.complete_upload("k", "u1", ["p1"]),
        "results.abort_upload": lambda: results.abort_upload("k", "u1"),
        "results.e_tag": lambda: results.e_tag("k"),
        "source_files.read": lambda: S3SourceFiles(clients.s3).read(BUCKET, "keys.csv", e_tag="e1"),
        "batch_jobs.create": lambda: batch_jobs.create(JOB, report_prefix="reports"),
        "batch_jobs.describe": lambda: batch_jobs.describe("batch-1"),
        "batch_jobs.find": lambda: batch_jobs.find("job-1"),
        "batch_jobs.cancel": lambda: batch_jobs.cancel("batch-1"),
        "jobs.create": lambda: jobs.create(replace(JOB, version=0), connector=CONNECTOR),
        "jobs.create_with_runs": lambda: jobs.create(
            replace(JOB, version=0), connector=CONNECTOR, runs=ScheduleRuns()
        ),
        "jobs.get": lambda: jobs.get("job-1"),
        "jobs.save": lambda: jobs.save(JOB),
        "jobs.save_ended": lambda: jobs.save(ended),
        "jobs.reopen": lambda: jobs.reopen(JOB),
        "jobs.list_page": lambda: jobs.list_page(limit=5),
        "jobs.open_jobs": lambda: _all(jobs.open_jobs()),
        "jobs.stage_pause": jobs.stage_pause,
        "jobs.pause_stage": lambda: jobs.pause_stage(Pause(since=NOW)),
        "chunks.add": lambda: chunks.add(JOB, [CHUNK]),
        "chunks.get": lambda: chunks.get("job-1", 0),
        "chunks.save": lambda: chunks.save(CHUNK),
        "chunks.settle": lambda: chunks.settle(CHUNK, Tally(chunks_completed=1)),
        "chunks.chunks": lambda: _all(chunks.chunks("job-1")),
        "chunks.list_page": lambda: chunks.list_page("job-1", limit=5),
        "chunks.parked": lambda: chunks.parked("job-1", after=-1, among=5),
        "chunks.covering_page": lambda: chunks.covering_page("job-1", "p/a.jpg", limit=5),
        "shares.start": lambda: shares.start(JOB, [replace(SHARE, version=0)]),
        "shares.get": lambda: shares.get("job-1", 0),
        "shares.shares": lambda: shares.shares("job-1", 1),
        "shares.save": lambda: shares.save(SHARE),
        "shares.record": lambda: shares.record(SHARE, [CHUNK]),
        "shares.hand_on": lambda: shares.hand_on(SHARE, replace(SHARE, number=1)),
        "shares.close": lambda: shares.close(JOB, [SHARE]),
        "shares.discard": lambda: shares.discard("job-1", 1),
        "connectors.create": lambda: connectors.create(CONNECTOR),
        "connectors.get": lambda: connectors.get("c1"),
        "connectors.list_page": lambda: connectors.list_page(limit=5),
        "connectors.save": lambda: connectors.save(CONNECTOR),
        "connectors.remove": lambda: connectors.remove(CONNECTOR),
        "connectors.record_queue_empty": lambda: connectors.record_queue_empty(
            "c1", NOW, queue_url=QUEUE_URL
        ),
        "connectors.record_baseline": lambda: connectors.record_baseline(
            CONNECTOR, Baseline(job_id="job-1")
        ),
        "errors.record": lambda: errors.record([FAILURE]),
        "errors.clear": lambda: errors.clear("job-1", "0"),
        "errors.list_page": lambda: errors.list_page("job-1", limit=5),
        "catalog.look_up": lambda: catalog.look_up([QUESTION]),
        "catalog_scan.size": catalog_scan.size,
        "catalog_scan.page": lambda: catalog_scan.page(segment=0, segment_count=1, cursor=None),
        "catalog.records_at": lambda: catalog.records_at("media", ["p/a.jpg", "p/b.jpg"]),
        "queue.send": lambda: queue.send([ChunkMessage(job_id="job-1", chunk_index=0)]),
        "queue.depth": queue.depth,
        "ingest_queue.send": lambda: ingest_queue.send(QUEUE_URL, [ingest_message(EVENT)]),
        "ingest_queue.depth": lambda: ingest_queue.depth(QUEUE_URL),
        "ingest_queue.oldest_age_s": lambda: ingest_queue.oldest_age_s(QUEUE_URL),
        "notifier.publish": lambda: SnsStatusNotifier(
            sns, topic_arn="arn:aws:sns:us-east-1:111122223333:t"
        ).publish(status_message(JOB, JOB.notices.pending[0])),
        "bus.publish": lambda: EventBridgeIngestBus(clients.events, bus_name="bus").publish(
            [EVENT]
        ),
        "bus.publish_removals": lambda: EventBridgeIngestBus(
            clients.events, bus_name="bus"
        ).publish_removals([REMOVAL]),
        "invoker.orphans": lambda: LambdaEngineInvoker(lambda_, function_arn=ARN).orphans("j"),
        "invoker.removals": lambda: LambdaEngineInvoker(lambda_, function_arn=ARN).removals(
            "job-1"
        ),
        "invoker.advance": lambda: LambdaEngineInvoker(lambda_, function_arn=ARN).advance("job-1"),
        "invoker.list_share": lambda: LambdaEngineInvoker(lambda_, function_arn=ARN).list_share(
            "job-1", 0
        ),
        "scheduler.put": lambda: scheduler.put(TIMER),
        "scheduler.remove": lambda: scheduler.remove("c1"),
        "scheduler.names": scheduler.names,
        "scheduler.connector_of": lambda: scheduler.connector_of(TIMER.name),
        "scheduler.remove_one": lambda: scheduler.remove_one(TIMER.name),
        "slots.take": lambda: slots.take(
            "c1", 2, Lease(token="t", expires_at=NOW), NOW, job_id="j"
        ),
        "slots.give_back": lambda: slots.give_back("c1", 0, "t"),
        "slots.holders": lambda: slots.holders("c1", 2, NOW),
        "schedule_runs.get": lambda: schedule_runs.get(CONNECTOR),
        "schedule_runs.save": lambda: schedule_runs.save(CONNECTOR, ScheduleRuns()),
        "surveyor.check": lambda: LambdaSurveyor(lambda_, function_arn=ARN).check(
            SurveyRequest(request=JOB.request, sample_size=1)
        ),
        "surveyor.look": lambda: LambdaSurveyor(lambda_, function_arn=ARN).look(
            LookRequest(request=JOB.request, key="a")
        ),
        "surveyor.survey": lambda: LambdaSurveyor(lambda_, function_arn=ARN).survey(
            SurveyRequest(request=JOB.request, sample_size=1)
        ),
    }


async def _all(items: AsyncIterator[object]) -> list[object]:
    return [item async for item in items]
