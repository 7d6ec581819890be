"""The reference pattern: threads, boto3, one object at a time; prints CPU time and memory as JSON.

Run by bench/syncs.py: python bench/peers/reference_pattern.py OBJECTS --act copy --queue-url URL

This program is our own. It makes the calls that the published sync of a Media Lake makes for each
object (Guidance for a Media Lake on AWS: its processor in v1.18.3, and its worker of before, which
still wrote to objects), by 40 threads over clients with 40 connections, as it configures them:

- decide: read the tags; with an AssetID, query the index over asset ids; with an InventoryID, get
  the item under it; if the asset is known, do nothing.
- act, `message` (v1.18.3): read the tags again, read the job for the URL of the queue, send one
  message to it, and count three times in the job's item.
- act, `copy` (before): read the tags again, write the merged tags, copy the object onto itself with
  its ids as tags, and count as above; --no-counters leaves that out.

With --resources, each call of DynamoDB makes a resource of its own, as the published code does.
Without it the pattern is better than as published, so that only its calls count: it makes its
clients once. In both cases it logs nothing, and needs no invocation for each object. It lists page
by page. The copy also replaces the metadata, as S3 refuses it otherwise.
"""

from __future__ import annotations

import argparse
import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has none, and the stubs are for aioboto3
from botocore.config import Config
from measuring import Stopwatch, report

_THREADS = 40
_JOB = {"jobId": "job-1"}
_EVENT_SOURCE = "reference.processor"


@dataclass(frozen=True, slots=True)
class Found:
    """An object's key, and its tags as they were read first."""

    key: str
    tags: dict[str, str]


class Pattern:
    """What is done for each object; all threads share the clients.

    Args:
        act: `copy` or `message`.
        counts: Whether triggered objects are counted.
        resources: Whether each call of DynamoDB makes a resource of its own.
    """

    def __init__(self, bucket: str, *, act: str, counts: bool, resources: bool) -> None:
        self._bucket = bucket
        self._act = act
        self._counts = counts
        self._resources = resources
        self._s3 = boto3.client("s3", config=_config("s3"))
        self._sqs = boto3.client("sqs", config=_config("sqs"))
        dynamodb = boto3.resource("dynamodb", config=_config("dynamodb"))
        self._tables = {name: dynamodb.Table(name) for name in ("assets", "jobs")}

    def pages(self) -> Iterator[list[str]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        for page in pages:
            yield [entry["Key"] for entry in page.get("Contents", [])]

    def process(self, key: str) -> bool:
        """Decide and act; return whether the object was triggered."""
        found = Found(key, self._tags(key))
        if self._known(found.tags):
            return False
        if self._act == "copy":
            self._copy(found)
        else:
            self._send(found)
        if self._counts:
            for counter in ("objectsScanned", "objectsToProcess", "objectsProcessed"):
                self._count(counter)
        return True

    def _known(self, tags: dict[str, str]) -> bool:
        asset_known = False
        if "AssetID" in tags:
            answer = self._table("assets").query(
                IndexName="AssetIDIndex",
                KeyConditionExpression="#id = :id",
                ExpressionAttributeNames={"#id": "DigitalSourceAsset.ID"},
                ExpressionAttributeValues={":id": tags["AssetID"]},
                Limit=1,
            )
            asset_known = bool(answer["Items"])
        if "InventoryID" in tags:
            # Whether it is known decides between PUT and COPY, which are the same in the end.
            self._table("assets").get_item(Key={"InventoryID": tags["InventoryID"]})
        return asset_known

    def _copy(self, found: Found) -> None:
        ids = {"InventoryID": f"asset:uuid:{uuid.uuid4()}", "AssetID": f"asset:vid:{uuid.uuid4()}"}
        merged = {**self._tags(found.key), **ids}
        tag_set = [{"Key": name, "Value": value} for name, value in merged.items()]
        self._s3.put_object_tagging(Bucket=self._bucket, Key=found.key, Tagging={"TagSet": tag_set})
        self._s3.copy_object(
            Bucket=self._bucket,
            Key=found.key,
            CopySource={"Bucket": self._bucket, "Key": found.key},
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",
            Tagging="&".join(f"{name}={value}" for name, value in merged.items()),
        )

    def _send(self, found: Found) -> None:
        self._tags(found.key)
        job = self._table("jobs").get_item(Key=_JOB)["Item"]
        record = {
            "eventVersion": "2.1",
            "eventSource": _EVENT_SOURCE,
            "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "eventName": "ObjectCreated:Put",
            "s3": {
                "s3SchemaVersion": "1.0",
                "bucket": {"name": self._bucket, "arn": f"arn:aws:s3:::{self._bucket}"},
                "object": {"key": found.key, "size": 0, "eTag": ""},
            },
        }
        self._sqs.send_message(
            QueueUrl=job["metadata"]["ingestQueueUrl"],
            MessageBody=json.dumps({"Records": [record]}),
            MessageAttributes={
                "source": {"StringValue": _EVENT_SOURCE, "DataType": "String"},
                "eventType": {"StringValue": "ObjectCreated:Put", "DataType": "String"},
            },
        )

    def _tags(self, key: str) -> dict[str, str]:
        answer = self._s3.get_object_tagging(Bucket=self._bucket, Key=key)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def _table(self, name: str) -> Any:
        return boto3.resource("dynamodb").Table(name) if self._resources else self._tables[name]

    def _count(self, counter: str) -> None:
        self._table("jobs").update_item(
            Key=_JOB,
            UpdateExpression="ADD stats.#counter :one SET lastUpdated = :now",
            ExpressionAttributeNames={"#counter": counter},
            ExpressionAttributeValues={":one": 1, ":now": str(time.time())},
        )


def _config(service: str) -> Config:
    return Config(
        retries={"max_attempts": 10, "mode": "adaptive"},
        max_pool_connections=_THREADS,
        parameter_validation=service == "s3",
        s3={"addressing_style": "path"},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("objects", type=int)
    parser.add_argument("--bucket", default="media")
    parser.add_argument("--act", choices=("copy", "message"), default="copy")
    parser.add_argument("--no-counters", action="store_true")
    parser.add_argument("--resources", action="store_true")
    parser.add_argument("--threads", type=int, default=_THREADS)
    args = parser.parse_args()
    pattern = Pattern(
        args.bucket, act=args.act, counts=not args.no_counters, resources=args.resources
    )
    watch = Stopwatch()
    triggered = skipped = 0
    with ThreadPoolExecutor(args.threads) as executor:
        for keys in pattern.pages():
            results = list(executor.map(pattern.process, keys))
            triggered += sum(results)
            skipped += len(results) - sum(results)
    usage = watch.usage()
    assert triggered + skipped == args.objects
    report({"triggered": triggered, "skipped": skipped}, usage)


if __name__ == "__main__":
    main()
