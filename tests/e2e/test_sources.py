"""Jobs whose keys come from a manifest or an inventory, on the whole local service."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import duckdb
import pytest

pytestmark = pytest.mark.slow

KEYS = [
    "plain.jpg",
    "a b+c.jpg",
    "100% é/ü%20 %2B.mov",
    "アーカイブ/写真 🎬.png",
    'it\'s "x",;.pdf',
]
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag"
BOTH = pytest.mark.parametrize("discovery", ["batch", "direct"])


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    return start_system({})


@pytest.fixture(scope="module")
def reports(system: Any) -> str:
    return str(system.bucket("reports"))


def filled(system: Any, name: str) -> str:
    """Return a bucket with the keys, and one that no source names."""
    bucket = system.bucket(name)
    for key in [*KEYS, "not in the source.jpg"]:
        system.put(bucket, key)
    return str(system.api.connect(bucket))


def put_parquet_inventory(system: Any, reports: str, bucket: str, folder: Path) -> str:
    """Put a report of all versions in one Parquet file; return the key of its manifest.json."""
    time = "2026-01-31T12:00:00Z"
    rows = [
        (bucket, key, "v", latest, key == "gone.jpg", 1, time, "e", "STANDARD")
        for key in [*KEYS, "deleted since.jpg", "gone.jpg"]
        for latest in (True, False)
    ]
    path = folder / "report.parquet"
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(
            "CREATE TABLE report (bucket VARCHAR NOT NULL, key VARCHAR NOT NULL, version_id"
            " VARCHAR, is_latest BOOLEAN, is_delete_marker BOOLEAN, size BIGINT, last_modified_date"
            " TIMESTAMPTZ, e_tag VARCHAR, storage_class VARCHAR)"
        )
        connection.executemany("INSERT INTO report VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.table("report").write_parquet(str(path), compression="snappy")
    schema = (
        "message s3.inventory {  required binary bucket (STRING);  required binary key (STRING); "
        " optional binary version_id (STRING);  optional boolean is_latest; "
        " optional boolean is_delete_marker;  optional int64 size;  optional int64"
        " last_modified_date (TIMESTAMP(MILLIS,true));  optional binary e_tag (STRING); "
        " optional binary storage_class (STRING);}"
    )
    return put_report(
        system, reports, bucket, [(path.read_bytes(), "parquet")], ("Parquet", schema)
    )


def put_inventory(system: Any, reports: str, bucket: str) -> str:
    """Put a report of all versions in two files; return the key of its manifest.json."""

    def row(key: str, latest: str, deleted: str) -> str:
        time = "2026-01-31T12:00:00.000Z"
        fields = (bucket, quote_plus(key), "v", latest, deleted, "1", time, "e")
        return ",".join(f'"{field}"' for field in fields) + "\n"

    contents = []
    for keys in (KEYS[:2], [*KEYS[2:], "deleted since.jpg"]):
        rows = [row(key, "true", "false") + row(key, "false", "false") for key in keys]
        content = gzip.compress("".join([*rows, row("gone.jpg", "true", "true")]).encode())
        contents.append((content, "csv.gz"))
    return put_report(system, reports, bucket, contents, ("CSV", SCHEMA))


def put_report(
    system: Any,
    reports: str,
    bucket: str,
    contents: list[tuple[bytes, str]],
    form: tuple[str, str],
) -> str:
    files = []
    for number, (content, suffix) in enumerate(contents):
        key = f"{bucket}/daily/data/{number}.{suffix}"
        system.put(reports, key, Body=content)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        files.append({"key": key, "size": len(content), "MD5checksum": md5})
    document = {
        "sourceBucket": bucket,
        "destinationBucket": f"arn:aws:s3:::{reports}",
        "version": "2016-11-30",
        "creationTimestamp": "1514944800000",
        "fileFormat": form[0],
        "fileSchema": form[1],
        "files": files,
    }
    content = json.dumps(document).encode()
    folder = f"{bucket}/daily/2026-01-31T01-00Z"
    system.put(reports, f"{folder}/manifest.json", Body=content)
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    system.put(reports, f"{folder}/manifest.checksum", Body=checksum.encode())
    return f"{folder}/manifest.json"


@BOTH
def test_an_inventory_names_the_objects(system: Any, reports: str, discovery: str) -> None:
    bucket = filled(system, f"inventoried-{discovery}")
    key = put_inventory(system, reports, bucket)
    source = {"kind": "inventory", "bucketName": reports, "key": key}

    job = system.api.ended(system.api.sync(bucket, discovery=discovery, source=source))

    assert job["status"] == "COMPLETED", job
    outcomes = {line["key"]: line["outcome"] for line in system.outcomes(job["jobId"])}
    assert outcomes == dict.fromkeys(KEYS, "PUT") | {"deleted since.jpg": "GONE"}
    assert job["statistics"]["bytesListed"] == job["statistics"]["objectsListed"] == len(KEYS) + 1
    assert job["source"] == {
        **source,
        "eTag": None,
        "rowsOutsidePrefixes": 0,
        "rowsNotCurrent": len(KEYS) + 3,
        "rowsRepeated": 0,
    }
    assert system.tags(bucket, "not in the source.jpg") == {}


@BOTH
def test_an_inventory_in_parquet_names_the_objects(
    system: Any, reports: str, discovery: str, tmp_path: Path
) -> None:
    bucket = filled(system, f"parquet-{discovery}")
    key = put_parquet_inventory(system, reports, bucket, tmp_path)
    source = {"kind": "inventory", "bucketName": reports, "key": key}

    job = system.api.ended(system.api.sync(bucket, discovery=discovery, source=source))

    assert job["status"] == "COMPLETED", job
    outcomes = {line["key"]: line["outcome"] for line in system.outcomes(job["jobId"])}
    assert outcomes == dict.fromkeys(KEYS, "PUT") | {"deleted since.jpg": "GONE"}
    assert job["statistics"]["bytesListed"] == job["statistics"]["objectsListed"] == len(KEYS) + 1
    # Each key has an older version, and one is a delete marker.
    assert job["source"]["rowsNotCurrent"] == len(KEYS) + 3
    assert system.tags(bucket, "not in the source.jpg") == {}


@BOTH
def test_a_manifest_names_the_objects(system: Any, reports: str, discovery: str) -> None:
    bucket = filled(system, f"named-{discovery}")
    rows = "".join(f"{bucket},{quote_plus(key)}\r\n" for key in [*KEYS, KEYS[0]])
    answer = system.s3.put_object(Bucket=reports, Key=f"{discovery} +.csv", Body=rows.encode())
    source = {
        "kind": "manifest",
        "bucketName": reports,
        "key": f"{discovery} +.csv",
        "eTag": answer["ETag"],
    }

    job = system.api.ended(system.api.sync(bucket, discovery=discovery, source=source))

    assert job["status"] == "COMPLETED", job
    outcomes = {line["key"]: line["outcome"] for line in system.outcomes(job["jobId"])}
    assert outcomes == dict.fromkeys(KEYS, "PUT")
    assert job["source"]["rowsRepeated"] == 1

    system.put(reports, f"{discovery} +.csv", Body=b"another")
    failed = system.api.ended(system.api.sync(bucket, discovery=discovery, source=source))
    assert failed["status"] == "FAILED"
    assert "does not have the ETag" in failed["statusReason"]
    assert "PreconditionFailed, request " in failed["statusReason"]


def test_a_source_that_is_missing_is_named(system: Any, reports: str) -> None:
    bucket = filled(system, "unnamed")
    source = {"kind": "inventory", "bucketName": reports, "key": "no/manifest.json"}
    job = system.api.ended(system.api.sync(bucket, source=source))
    assert job["status"] == "FAILED"
    for part in ("s3://reports/no/manifest.json", "NoSuchKey, request ", "s3:GetObject"):
        assert part in job["statusReason"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"source": {"kind": "orc", "bucketName": "reports", "key": "k"}}, "kind"),
        ({"source": {"kind": "manifest", "bucketName": "reports"}}, "key"),
        ({"source": {"kind": "manifest", "bucketName": "reports", "key": "k", "eTag": ""}}, "eTag"),
        (
            {
                "source": {"kind": "manifest", "bucketName": "reports", "key": "k"},
                "modifiedSince": "2026-01-31T12:00:00Z",
            },
            "modifiedSince",
        ),
        (
            {
                "source": {"kind": "inventory", "bucketName": "reports", "key": "k"},
                "maxCost": "1.50",
            },
            "maxCost",
        ),
    ],
)
def test_what_a_source_cannot_be_is_refused(system: Any, body: Any, field: str) -> None:
    system.s3.create_bucket(Bucket=f"refused-{field.lower()}")
    connector = system.api.connect(f"refused-{field.lower()}")
    status, problem = system.api("POST", f"/connectors/{connector}/sync", body)
    assert status == 400
    assert field in json.dumps(problem)
