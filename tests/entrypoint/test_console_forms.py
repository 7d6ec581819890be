"""What the console does: its forms, and the requests of the API that they stand for."""

from __future__ import annotations

from console_site import FULL, Site
from multidict import MultiDict

from entrypoints.console.api import ApiError
from entrypoints.console.form_values import Values
from entrypoints.console.forms import (
    NEW_CONNECTOR,
    connector_body,
    connector_changes,
    connector_values,
    field_errors,
    new_connector_body,
    sync_body,
)

PLAIN = tuple(f"2026/clip {number}.mov" for number in range(5))
CONNECTOR = {
    "connectorId": "media",
    "bucketName": "media",
    "prefixes": ["a/", "b/"],
    "status": "ENABLED",
    "trigger": "queue",
    "ids": "assigned",
    "verify": "catalog",
    "restoreTags": False,
    "ingestQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/ingest",
    "ingestQueueEmptyAt": None,
    "fileFilter": {"mode": "allow", "extensions": ["mov"], "mimeTypes": ["image/*"]},
    "filters": {
        "include": ["*.mov"],
        "exclude": [],
        "minSizeBytes": 5,
        "maxSizeBytes": None,
        "modifiedSince": "2026-01-01T00:00:00Z",
        "modifiedBefore": None,
        "minAgeSeconds": None,
        "storageClasses": ["STANDARD"],
        "mediaTypes": [],
    },
    "expectedBucketOwner": "123456789012",
    "roleArn": "arn:aws:iam::123456789012:role/media",
    "createdAt": "2026-01-01T00:00:00Z",
}


# --- values


def test_a_connector_survives_its_form_unchanged() -> None:
    assert connector_changes(connector_values(CONNECTOR), CONNECTOR) == {}
    body = connector_body(connector_values(CONNECTOR))
    same = {n: v for n, v in CONNECTOR.items() if n in body and n not in ("filters",)}
    assert {name: body[name] for name in same} == same
    assert body["filters"] == {
        "include": ["*.mov"],
        "minSizeBytes": 5,
        "modifiedSince": "2026-01-01T00:00:00Z",
        "storageClasses": ["STANDARD"],
    }


def test_only_what_was_edited_is_sent() -> None:
    fields = dict(connector_values(CONNECTOR).fields)
    edited = Values({**fields, "prefixes": ("a/\r\n",), "roleArn": ("",), "restoreTags": ("on",)})
    assert connector_changes(edited, CONNECTOR) == {
        "prefixes": ["a/"],
        "roleArn": None,
        "restoreTags": True,
    }


def test_a_prefix_that_a_form_cannot_show_is_not_touched() -> None:
    odd = {**CONNECTOR, "prefixes": ["line\nbreak/", " spaces /"]}
    assert connector_changes(connector_values(odd), odd) == {}


def test_what_a_form_leaves_empty_is_left_out() -> None:
    fields = {**NEW_CONNECTOR.fields, "bucketName": ("media",)}
    assert new_connector_body(Values(fields)) == {
        "bucketName": "media",
        "trigger": "copy",
        "ids": "minted",
        "verify": "tags",
        "restoreTags": True,
    }
    assert sync_body(Values({})) == {}


def test_a_number_that_is_none_is_sent_as_it_is_so_that_the_api_reports_it() -> None:
    values = Values({"minSizeBytes": ("ten",), "maxSizeBytes": ("10",)})
    assert sync_body(values) == {"filters": {"minSizeBytes": "ten", "maxSizeBytes": 10}}


def test_files_in_a_form_are_ignored() -> None:
    posted: MultiDict[object] = MultiDict([("a", "1"), ("a", "2"), ("b", b"bytes")])
    values = Values.of_form(posted)  # type: ignore[arg-type] # what a parser may return
    assert (values.all("a"), values.text("b", "none")) == (("1", "2"), "none")
    assert not Values.of_form(MultiDict()).fields


def test_messages_find_their_fields() -> None:
    errors = [
        {"path": "prefix", "message": "one"},
        {"path": "prefixes.1", "message": "two"},
        {"path": "filters.include.0", "message": "three"},
        {"path": "fileFilter.mimeTypes.3", "message": "four"},
        {"path": "filters", "message": "five"},
    ]
    assert field_errors(ApiError("no", {"errors": errors})) == {
        "prefixes": "one; two",
        "include": "three",
        "fileFilterMimeTypes": "four",
        "filters": "five",
    }


# --- connectors


async def test_adding_a_connector_looks_at_its_bucket(site: Site) -> None:
    site.gateway.world.buckets.create("media")
    form = await site.browser.get("/add-connector")
    answer = await site.browser.submit(
        "/add-connector",
        form,
        bucketName="media",
        connectorId="films",
        prefixes="2026/\r\nraw/\r\n",
        trigger="event",
        ids="minted",
        verify="catalog",
        restoreTags="on",
        include="*.mov",
        mediaTypes="video",
    )
    # The look found something to read first, or nothing: then the connector's page is next.
    assert answer.status in (200, 303), answer.words
    found = await site.client.get("/connectors/films")
    assert (found["prefixes"], found["trigger"]) == (["2026/", "raw/"], "event")
    assert (found["filters"]["include"], found["filters"]["mediaTypes"]) == (["*.mov"], ["video"])
    page = await site.browser.get("/connectors/films?done=added")
    assert "The connector is added" in page.words


async def test_a_bucket_that_does_not_exist_is_reported_at_its_field(site: Site) -> None:
    answer = await site.browser.submit(
        "/add-connector", bucketName="nowhere", trigger="copy", ids="minted", verify="tags"
    )
    assert answer.status == 400
    assert 'aria-invalid="true"' in answer.text
    assert 'href="#bucketName"' in answer.text
    assert answer.field("bucketName") == "nowhere"  # as it was filled in
    assert (await site.client.get("/connectors"))["items"] == []


async def test_what_is_missing_is_shown_with_the_statement_to_add(site: Site) -> None:
    site.gateway.world.buckets.create("media").role_arn = "arn:aws:iam::210987654321:role/other"
    answer = await site.browser.submit(
        "/add-connector",
        bucketName="media",
        connectorId="media",
        trigger="copy",
        ids="minted",
        verify="tags",
    )
    assert answer.status == 200
    assert "A sync is not possible yet" in answer.words
    assert '"Effect": "Allow"' in answer.words
    checked = await site.browser.submit(
        "/connectors/media/check", await site.browser.get("/connectors/media")
    )
    assert "Ready to sync No" in checked.words
    assert "denied" in checked.words


async def test_editing_changes_what_was_edited_and_nothing_else(site: Site) -> None:
    await site.connect("media", *PLAIN, prefixes=["2026/"], verify="catalog")
    form = await site.browser.get("/connectors/media/edit")
    assert "2026/" in form.text
    answer = await site.browser.submit(
        "/connectors/media/edit",
        form,
        etag=form.field("etag"),
        bucketName="media",
        connectorId="media",
        prefixes="2027/",
        trigger="copy",
        ids="minted",
        verify="catalog",
        restoreTags="on",
    )
    assert answer.status in (200, 303), answer.words
    found = await site.client.get("/connectors/media")
    assert (found["prefixes"], found["verify"]) == (["2027/"], "catalog")


async def test_what_another_changed_in_the_meantime_is_not_overwritten(site: Site) -> None:
    await site.connect("media", *PLAIN)
    form = await site.browser.get("/connectors/media/edit")
    await site.client.patch("/connectors/media", {"prefixes": ["theirs/"]}, if_match=None)
    answer = await site.browser.submit(
        "/connectors/media/edit",
        form,
        etag=form.field("etag"),
        prefixes="ours/",
        trigger="copy",
        ids="minted",
        verify="tags",
        restoreTags="on",
    )
    assert answer.status == 412
    assert "Someone else changed this connector" in answer.words
    assert (await site.client.get("/connectors/media"))["prefixes"] == ["theirs/"]


async def test_a_connector_is_disabled_enabled_and_deleted(site: Site) -> None:
    await site.connect("media", *PLAIN)
    page = await site.browser.get("/connectors/media")
    await site.browser.submit("/connectors/media/status", page, status="DISABLED")
    page = await site.browser.get("/connectors/media")
    assert "No sync of this connector starts while it is disabled" in page.words
    assert "/connectors/media/sync" not in page.text
    await site.browser.submit("/connectors/media/status", page, status="ENABLED")
    confirm = await site.browser.get("/connectors/media/delete")
    answer = await site.browser.submit(
        "/connectors/media/delete", confirm, etag=confirm.field("etag")
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/connectors")
    assert (await site.client.get("/connectors"))["items"] == []


async def test_a_connector_with_an_active_job_is_kept(site: Site) -> None:
    await site.connect("media", *PLAIN)
    job_id = await site.start("media")
    confirm = await site.browser.get("/connectors/media/delete")
    assert f"A job is active: {job_id}" in confirm.words
    answer = await site.browser.submit(
        "/connectors/media/delete", confirm, etag=confirm.field("etag")
    )
    assert answer.status == 409
    assert f'href="/jobs/{job_id}"' in answer.text
    assert "Cancel the job, or wait" in answer.words


# --- syncs


async def test_a_plan_shows_cost_and_decisions_and_starts_nothing(site: Site) -> None:
    await site.connect("media", *PLAIN)
    plan = await site.browser.submit("/connectors/media/sync", action="plan", sampleSize="10")
    assert plan.status == 200, plan.words
    assert "Put 5" in plan.words
    assert "Other ways to sync" in plan.words
    assert "CopyObject" in plan.words
    assert (await site.client.get("/jobs"))["items"] == []


async def test_a_form_that_is_sent_twice_starts_one_sync(site: Site) -> None:
    await site.connect("media", *PLAIN)
    form = await site.browser.get("/connectors/media/sync")
    sent = {"action": "sync", "once": form.field("once"), "dryRun": "on", "prefixes": "2026/"}
    first = await site.browser.submit("/connectors/media/sync", form, **sent)
    again = await site.browser.submit("/connectors/media/sync", form, **sent)
    assert first.status == again.status == 303
    assert first.headers["Location"] == again.headers["Location"]
    (job,) = (await site.client.get("/jobs"))["items"]
    assert (job["dryRun"], job["prefixes"]) == (True, ["2026/"])
    # Another page is another sync, which has to wait.
    other = await site.browser.get("/connectors/media/sync")
    blocked = await site.browser.submit(
        "/connectors/media/sync", other, action="sync", once=other.field("once")
    )
    assert blocked.status == 409
    assert f"Show job {job['jobId']}" in blocked.words


async def test_a_rejected_sync_keeps_what_was_filled_in(site: Site) -> None:
    await site.connect("media", *PLAIN)
    answer = await site.browser.submit(
        "/connectors/media/sync", action="sync", include="[abc", minSizeBytes="ten", maxCost="5"
    )
    assert answer.status == 400
    assert 'id="include-error"' in answer.text
    assert 'id="minSizeBytes-error"' in answer.text
    assert answer.field("minSizeBytes") == "ten"
    assert answer.field("maxCost") == "5"


async def test_cancelling_asks_first(site: Site) -> None:
    await site.connect("media", *PLAIN)
    job_id = await site.start("media")
    await site.advance(chunks=1)
    confirm = await site.browser.get(f"/jobs/{job_id}/cancel")
    assert confirm.status == 200
    assert (await site.job(job_id))["status"] == "PROCESSING"
    answer = await site.browser.submit(f"/jobs/{job_id}/cancel", confirm)
    assert (answer.status, answer.headers["Location"]) == (303, f"/jobs/{job_id}")
    await site.advance()
    page = await site.browser.get(f"/jobs/{job_id}")
    assert "Cancelled. 2 of 5 objects had been done" in page.words


async def test_redriving_retries_the_failures(site: Site) -> None:
    await site.connect("media", *PLAIN, full=("2026/full.mov",))
    job_id = await site.finish("media")
    assert (await site.job(job_id))["statistics"]["failed"] == 1
    site.gateway.world.buckets.put("media", "2026/full.mov", b"2026/full.mov", tags={})
    site.gateway.world.ports.clock.advance(1)
    answer = await site.browser.submit(f"/jobs/{job_id}/redrive")
    assert answer.status == 303
    await site.advance()
    assert (await site.job(job_id))["status"] == "COMPLETED"
    again = await site.browser.submit(f"/jobs/{job_id}/redrive")
    assert again.status == 409
    assert "There is nothing to redrive" in again.words


def test_nine_tags_leave_no_room() -> None:
    assert len(FULL) == 9
