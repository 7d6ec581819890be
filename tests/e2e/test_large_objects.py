"""A multipart copy through the whole service, with a low threshold."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

_MIB = 1024**2
_CONTENT = bytes(index % 251 for index in range(4_096)) * (11 * _MIB // 4_096)


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    return start_system({"single_copy_bytes_max": _MIB, "copy_part_bytes": 5 * _MIB})


@pytest.mark.parametrize("discovery", ["batch", "direct"])
def test_it_is_whole_and_announced_once(system: Any, discovery: str) -> None:
    bucket = system.bucket(f"large-{discovery}")
    events = system.subscribe_to_events(f"large-{discovery}-events", bucket)
    system.put(
        bucket,
        "film 1.mxf",
        {"theirs": "1"},
        Body=_CONTENT,
        ContentType="application/mxf",
        CacheControl="no-cache",
        Metadata={"reel": "7"},
        StorageClass="STANDARD_IA",
    )
    system.put(bucket, "still.jpg")
    notifications = system.subscribe_to_notifications(f"large-{discovery}-s3", bucket)
    before = system.s3.head_object(Bucket=bucket, Key="film 1.mxf")
    system.calls.take()

    job = system.api.ended(system.api.sync(system.api.connect(bucket), discovery=discovery))
    system.idle()

    assert (job["status"], job["statistics"]["put"]) == ("COMPLETED", 2), job
    calls = system.calls.take()
    assert [
        calls["s3", operation, bucket]
        for operation in ("CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
    ] == [1, 3, 1]
    after = system.s3.head_object(Bucket=bucket, Key="film 1.mxf")
    kept = ("ContentLength", "ContentType", "CacheControl", "Metadata", "StorageClass")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    with system.s3.get_object(Bucket=bucket, Key="film 1.mxf")["Body"] as body:
        assert body.read() == _CONTENT
    tags = system.tags(bucket, "film 1.mxf")
    assert tags.keys() == {"AssetID", "InventoryID", "SyncJobID", "theirs"}
    [event] = [
        each["detail"]
        for each in system.received(events)
        if each["detail"]["objectKey"] == "film 1.mxf"
    ]
    assert (event["eTag"], event["size"]) == (after["ETag"].strip('"'), len(_CONTENT))
    heard = {
        record["s3"]["object"]["key"]: record["eventName"]
        for message in system.received(notifications)
        for record in message["Records"]
    }
    assert heard == {
        "film+1.mxf": "ObjectCreated:CompleteMultipartUpload",
        "still.jpg": "ObjectCreated:Copy",
    }
    assert "Uploads" not in system.s3.list_multipart_uploads(Bucket=bucket)
    again = system.api.ended(system.api.sync(bucket, discovery=discovery))
    assert again["statistics"]["skipped"] == 2
