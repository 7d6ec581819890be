"""A Media Lake's connectors: how an item of its table is read and imported."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.connector import ConnectorStatus, IdSource, Trigger
from domain.file_types import FileFilter, FilterMode
from domain.medialake_connector import (
    NotAConnector,
    derived_buckets,
    is_derived_bucket_name,
    read_connector,
)
from entrypoints.cli.remote.medialake_import.plan import (
    ImportOptions,
    ImportState,
    PlannedConnector,
    plan_import,
)

Json = dict[str, Any]

UUID = "0b0c2c1e-6f1e-4d0e-9d25-6b6a1f0e8a11"
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/medialake-connector-films.fifo"
ALLOW, DENY = FilterMode.ALLOW, FilterMode.DENY


def item(**changed: object) -> Json:
    """An item as Media Lake v1.18.3 writes it; None removes an attribute."""
    whole: Json = {
        "id": UUID,
        "name": "Films",
        "type": "s3",
        "status": "active",
        "storageIdentifier": "films",
        "objectPrefix": [],
        "region": "us-east-1",
        "integrationMethod": "eventbridge",
        "queueUrl": QUEUE,
        "fileFilter": None,
        "allowedFileExtensions": [],
    }
    return {name: value for name, value in {**whole, **changed}.items() if value is not None}


def registered(body: Json, **changed: object) -> Json:
    """A connector as the API shows it after it was registered with this body."""
    defaults: Json = {
        "prefixes": [],
        "ingestQueueUrl": None,
        "fileFilter": None,
        "restoreTags": True,
        "expectedBucketOwner": None,
        "roleArn": None,
    }
    return {**defaults, **body, **changed}


def one(
    choices: ImportOptions | None = None, *existing: Json, **changed: object
) -> PlannedConnector:
    (planned,) = plan_import([item(**changed)], existing, choices or ImportOptions()).items
    return planned


# The item.


def test_an_item_becomes_the_body_of_a_connector() -> None:
    planned = one(
        objectPrefix=["raw", "cuts/"],
        fileFilter={"mode": "deny", "extensions": ["psd"], "mimeTypes": ["image/*"]},
    )
    assert (planned.state, planned.warnings) == (ImportState.NEW, ())
    assert planned.body == {
        "connectorId": f"medialake-{UUID}",
        "bucketName": "films",
        "prefixes": ["cuts/", "raw/"],
        "status": "ENABLED",
        "trigger": "copy",
        "ids": "minted",
        "ingestQueueUrl": QUEUE,
        "fileFilter": {"mode": "deny", "extensions": ["psd"], "mimeTypes": ["image/*"]},
    }


def test_the_choices_hold_for_what_is_imported() -> None:
    body = one(ImportOptions(trigger=Trigger.QUEUE, ids=IdSource.ASSIGNED)).body
    assert body is not None
    assert (body["trigger"], body["ids"]) == ("queue", "assigned")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        ("personal", ("personal/",)),
        ("raw/", ("raw/",)),
        (["raw", "rawcuts"], ("raw/", "rawcuts/")),
        (["raw/2026", "raw", "raw/"], ("raw/",)),
        ({"b", "a/"}, ("a/", "b/")),
        (["", " ", "raw"], ("raw/",)),
        ([""], ()),
        ([" raw"], (" raw/",)),
    ],
)
def test_prefixes_end_in_a_slash_and_do_not_overlap(
    listed: object, expected: tuple[str, ...]
) -> None:
    assert read_connector(item(objectPrefix=listed)).prefixes == expected


def test_a_blank_prefix_is_named() -> None:
    (warning,) = one(objectPrefix=["raw", ""]).warnings
    assert "blank" in warning


@pytest.mark.parametrize(
    ("structured", "legacy", "expected"),
    [
        (None, None, None),
        (None, [], None),
        ({}, [], None),
        ({"mode": "deny", "extensions": [], "mimeTypes": []}, [], None),
        (None, [" .MP4", "mov", "mp4", ""], FileFilter(extensions=("mp4", "mov"))),
        ({"extensions": ["Jpg"]}, ["mp4"], FileFilter(extensions=("jpg",))),
        # The ingest uses the older list only if the structured filter names nothing.
        ({"mimeTypes": ["image/*"]}, ["mp4"], FileFilter(mime_types=("image/*",))),
        ({"mode": "deny"}, ["mp4"], FileFilter(mode=ALLOW, extensions=("mp4",))),
        ({"mode": " DENY ", "extensions": ["psd"]}, [], FileFilter(mode=DENY, extensions=("psd",))),
        ({"mode": "only", "extensions": ["psd"]}, [], FileFilter(mode=ALLOW, extensions=("psd",))),
        (
            {"mimeTypes": ["Video/MP4; codecs=x", "video/mp4", " */* "]},
            [],
            FileFilter(mime_types=("video/mp4", "*/*")),
        ),
    ],
)
def test_the_file_filter_is_the_one_that_the_ingest_applies(
    structured: object, legacy: object, expected: FileFilter | None
) -> None:
    found = read_connector(item(fileFilter=structured, allowedFileExtensions=legacy)).file_filter
    assert found == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [("active", "ENABLED"), ("inactive", "DISABLED"), ("deleting", "DISABLED"), (None, "DISABLED")],
)
def test_only_an_active_connector_is_enabled(status: str | None, expected: str) -> None:
    assert read_connector(item(status=status)).status is ConnectorStatus(expected)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True))
def test_every_id_is_one_that_the_api_takes_and_no_two_are_equal(ids: list[str]) -> None:
    made = [read_connector(item(id=source_id)).connector_id for source_id in ids]
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}", each) for each in made)
    assert len(set(made)) == len(ids)


def test_ids_that_differ_beyond_what_fits_stay_apart() -> None:
    made = {read_connector(item(id="x" * 80 + end)).connector_id for end in ("a", "b")}
    assert len(made) == 2
    assert {len(each) for each in made} == {64}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"id": ""}, "no id"),
        ({"storageIdentifier": None}, "names no bucket"),
        ({"storageIdentifier": 7}, "storageIdentifier is not a string"),
        ({"objectPrefix": 7}, "objectPrefix is not a list"),
        ({"objectPrefix": ["a", 7]}, "objectPrefix has an item"),
        ({"fileFilter": "mp4"}, "fileFilter is not a map"),
        ({"fileFilter": {"extensions": 7}}, "fileFilter.extensions is not a list"),
        ({"fileFilter": {"mimeTypes": [7]}}, "fileFilter.mimeTypes has an item"),
        ({"fileFilter": {"mode": 7, "extensions": ["a"]}}, "mode is not a string"),
        ({"allowedFileExtensions": [7]}, "allowedFileExtensions has an item"),
        ({"queueUrl": ["x"]}, "queueUrl is not a string"),
    ],
)
def test_an_item_that_is_not_a_connector_is_named_and_the_others_are_imported(
    changed: Json, reason: str
) -> None:
    with pytest.raises(NotAConnector, match=re.escape(reason)):
        read_connector(item(**changed))
    items = [item(**changed), item(id="other", storageIdentifier="zz")]
    bad, good = plan_import(items, [], ImportOptions()).items
    assert (bad.state, good.state) == (ImportState.INVALID, ImportState.NEW)
    assert (bad.name, bad.body, reason in bad.reason) == ("Films", None, True)


# Buckets of derived files.


@pytest.mark.parametrize(
    ("name", "derived"),
    [
        ("medialakebaseinfrastructu-mediaassetss3bucket06290-yjdpyqbwuak9", True),
        ("ml-prod-medialakebaseinfra-mediaassetss3bucket06290-yjdpyqbwuak9", True),
        ("films", False),
        ("mediaassets", False),
        ("our-mediaassetss3bucket", False),
    ],
)
def test_the_generated_name_of_the_bucket_of_derived_files_is_known(
    name: str, derived: bool
) -> None:
    assert is_derived_bucket_name(name) is derived
    assert one(storageIdentifier=name).state is (
        ImportState.LEFT_OUT if derived else ImportState.NEW
    )


def test_the_records_name_the_buckets_of_derived_files() -> None:
    def representation(bucket: object) -> Json:
        return {"Purpose": "proxy", "StorageInfo": {"PrimaryLocation": {"Bucket": bucket}}}

    listed = [representation("derived"), representation("more"), representation(None), {}, "x"]
    assert derived_buckets({"DerivedRepresentations": listed}) == {"derived", "more"}
    assert derived_buckets({"InventoryID": "LOCK#films#a.mov"}) == set()


def test_a_bucket_of_derived_files_is_imported_only_if_asked_for() -> None:
    choices = ImportOptions(derived_buckets=frozenset({"films"}))
    left = one(choices)
    assert (left.state, left.body) == (ImportState.LEFT_OUT, None)
    assert "--include-derived" in left.reason
    asked = one(ImportOptions(derived_buckets=frozenset({"films"}), include_derived=True))
    assert asked.state is ImportState.NEW
    assert "derived" in asked.warnings[0]


# Connectors that are left out, and warnings.


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "my-assets", "objectPrefix": "personal/u/", "isInternal": False},
        {"isInternal": True, "objectPrefix": "personal/"},
        {"isInternal": "true"},
    ],
)
def test_connectors_of_personal_uploads_are_left_out(changed: Json) -> None:
    planned = one(None, queueUrl=None, integrationMethod=None, **changed)
    assert (planned.state, "personal" in planned.reason) == (ImportState.LEFT_OUT, True)


def test_the_results_bucket_is_left_out() -> None:
    planned = one(ImportOptions(results_bucket="films"))
    assert (planned.state, planned.body) == (ImportState.LEFT_OUT, None)


def test_without_a_queue_the_trigger_queue_cannot_be_imported() -> None:
    planned = one(ImportOptions(trigger=Trigger.QUEUE), queueUrl=None)
    assert (planned.state, planned.body) == (ImportState.INVALID, None)
    assert "queueUrl" in planned.reason
    copied = one(queueUrl=None)
    assert copied.body is not None
    assert "ingestQueueUrl" not in copied.body
    assert "queueUrl" in copied.warnings[0]


@pytest.mark.parametrize(
    ("integration", "word"),
    [("s3Notifications", "standard queue"), ("other", "is other"), (None, "is missing")],
)
def test_another_integration_than_eventbridge_is_warned_of(
    integration: str | None, word: str
) -> None:
    (warning,) = one(integrationMethod=integration).warnings
    assert word in warning


@pytest.mark.parametrize(("region", "count"), [("eu-west-1", 1), ("us-east-1", 0), (None, 0)])
def test_a_bucket_in_another_region_is_warned_of(region: str | None, count: int) -> None:
    warnings = one(ImportOptions(region="us-east-1"), region=region).warnings
    assert len(warnings) == count
    assert all("discovery direct" in warning for warning in warnings)


def test_two_connectors_on_one_bucket_are_warned_of_but_not_those_of_personal_uploads() -> None:
    personal = [item(id=f"my-{n}", type="my-assets", storageIdentifier="mine") for n in range(2)]
    items = [item(id="a"), item(id="b"), item(id="c", storageIdentifier="mine"), *personal]
    planned = {each.source_id: each for each in plan_import(items, [], ImportOptions()).items}
    assert all("2 connectors" in planned[name].warnings[0] for name in ("a", "b"))
    assert planned["c"].warnings == ()


@pytest.mark.parametrize(("prefixes", "count"), [([], 1), (["raw/2026/"], 1), (["cuts/"], 0)])
def test_a_connector_by_another_id_on_the_same_objects_is_warned_of(
    prefixes: list[str], count: int
) -> None:
    other = registered({"connectorId": "mine", "bucketName": "films", "prefixes": prefixes})
    planned = one(None, other, objectPrefix=["raw"])
    assert planned.state is ImportState.NEW
    assert [("connector mine" in warning) for warning in planned.warnings] == [True] * count


# Registered connectors.


def test_an_imported_connector_is_unchanged_in_the_next_import() -> None:
    changed: Json = {
        "objectPrefix": ["b", "a"],
        "fileFilter": {"mode": "allow", "extensions": ["mov", "mp4"], "mimeTypes": []},
    }
    body = one(**changed).body
    assert body is not None
    again = one(None, registered(body), **changed)
    assert (again.state, again.differences, again.warnings) == (ImportState.UNCHANGED, (), ())
    shuffled = {**body["fileFilter"], "extensions": ["mp4", "mov"]}
    sorted_otherwise = registered(body, prefixes=["b/", "a/"], fileFilter=shuffled)
    assert one(None, sorted_otherwise, **changed).state is ImportState.UNCHANGED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bucketName", "other"),
        ("prefixes", ["raw/"]),
        ("status", "DISABLED"),
        ("trigger", "queue"),
        ("ids", "assigned"),
        ("ingestQueueUrl", None),
        ("fileFilter", {"mode": "deny", "extensions": ["mov"], "mimeTypes": []}),
    ],
)
def test_each_field_that_differs_is_named(field: str, value: object) -> None:
    body = one().body
    assert body is not None
    planned = one(None, registered(body, **{field: value}))
    assert planned.state is ImportState.DIFFERS
    (difference,) = planned.differences
    assert (difference.field, difference.registered) == (field, value)
    assert difference.table == registered(body)[field]


def test_connectors_that_the_table_no_longer_has_are_named() -> None:
    gone = registered({"connectorId": "medialake-gone", "bucketName": "x"})
    mine = registered({"connectorId": "mine", "bucketName": "x"})
    assert plan_import([item()], [gone, mine], ImportOptions()).not_in_table == ("medialake-gone",)
