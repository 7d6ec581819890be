"""Pages about assets without an object, and about objects that the system does not take."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from console_site import ODD_KEYS, Page, Site

from domain.catalog import storage_path
from domain.identity import SYNC_JOB_ID_TAG
from domain.orphan_work import OrphanStatus
from domain.trigger_mark import mark_value
from entrypoints.chosen_objects import KEY_COUNT_MAX
from entrypoints.cli.remote.console_api import ConsoleApi
from entrypoints.console import downloads, orphan_facts
from entrypoints.console.api import ApiError
from entrypoints.console.guard import SECURITY_HEADERS

LOST = ('a, "b"\n.mov', "ü%2F.mov", "z.mov")


async def synced(site: Site) -> str:
    """Return a completed job of a bucket with one object, and four records in the catalog."""
    await site.connect("media", "a.mov")
    job_id = await site.finish("media")
    # Its index is made after its end.
    await site.service.engine().advance(job_id, site.deadline())
    for key in ("a.mov", *LOST):
        site.gateway.world.ports.catalog.ingest(
            inventory_id=f"i:{key}", asset_id="a", storage_path=storage_path("media", key)
        )
    return job_id


async def search(site: Site) -> None:
    for job_id in site.gateway.world.ports.invoker.take_searched():
        await site.service.search_orphans().run(job_id, site.deadline())


async def searched(site: Site) -> str:
    job_id = await synced(site)
    await site.browser.submit(f"/jobs/{job_id}/orphans/search")
    await search(site)
    return job_id


# --- orphans


async def test_a_search_is_asked_for_with_confirmation_and_followed_to_its_report(
    site: Site,
) -> None:
    job_id = await synced(site)
    link = f'href="/jobs/{job_id}/orphans/search"'
    for path in (f"/jobs/{job_id}", "/connectors/media", f"/jobs/{job_id}/orphans"):
        assert link in (await site.browser.get(path)).text, path
    confirm = await site.browser.get(f"/jobs/{job_id}/orphans/search")
    assert "The whole catalog is scanned" in confirm.words
    assert (await site.job(job_id))["orphans"] is None
    done = await site.browser.submit(f"/jobs/{job_id}/orphans/search", confirm)
    assert (done.status, done.headers["Location"]) == (303, f"/jobs/{job_id}/orphans")
    page = await site.browser.get(f"/jobs/{job_id}/orphans")
    assert "The search waits for the index" in page.words
    assert "data-running" in page.text
    assert "Download" not in page.words
    await search(site)
    page = await site.browser.get(f"/jobs/{job_id}/orphans/live")
    assert "3 of 4 records have no object." in page.words
    assert "data-running" not in page.text
    assert "i:z.mov" in page.words
    assert 'a, "b"\\n.mov' in unescape(page.text)
    for path in (f"/jobs/{job_id}", "/connectors/media"):
        assert "3 of 4 records have no object." in (await site.browser.get(path)).words


async def test_the_report_is_downloaded_whole(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = await searched(site)
    monkeypatch.setattr(downloads, "_PAGE_ITEM_COUNT", 2)
    file = await site.browser.get(f"/jobs/{job_id}/orphans/file.csv")
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert file.headers["Content-Disposition"] == (f'attachment; filename="orphans-{job_id}-1.csv"')
    assert SECURITY_HEADERS.items() <= dict(file.headers).items()
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [row["objectKey"] for row in rows] == sorted(LOST)
    listed = (await site.client.get(f"/jobs/{job_id}/orphans"))["items"]
    assert rows[0] == {name: value or "" for name, value in listed[0].items()}
    file = await site.browser.get(f"/jobs/{job_id}/orphans/file.json")
    assert json.loads(file.text) == listed


async def test_a_download_that_cannot_be_completed_is_broken_off(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await searched(site)
    monkeypatch.setattr(downloads, "_PAGE_ITEM_COUNT", 2)
    get = ConsoleApi.get

    async def fails_later(self: ConsoleApi, path: str, query: Any = None) -> Any:
        if query and query.get("cursor"):
            raise ApiError("gone", {"type": "/problems/unavailable", "status": 503})
        return await get(self, path, query)

    monkeypatch.setattr(ConsoleApi, "get", fails_later)
    with pytest.raises(aiohttp.ClientError):
        await site.browser.get(f"/jobs/{job_id}/orphans/file.csv")


async def test_a_job_without_a_search_has_no_file(site: Site) -> None:
    job_id = await synced(site)
    answer = await site.browser.get(f"/jobs/{job_id}/orphans/file.csv")
    assert (answer.status, answer.headers["Location"]) == (303, f"/jobs/{job_id}/orphans")
    page = await site.browser.get(f"/jobs/{job_id}/orphans")
    assert "No search was asked for after this job yet." in page.words
    assert (await site.browser.get(f"/jobs/{job_id}/orphans/file.exe")).status == 404


async def test_a_search_that_is_refused_says_what_to_do(site: Site) -> None:
    await site.connect("media", "a.mov")
    job_id = await site.start("media")
    assert "orphans/search" not in (await site.browser.get(f"/jobs/{job_id}")).text
    answer = await site.browser.submit(f"/jobs/{job_id}/orphans/search")
    assert answer.status == 409
    assert "A search follows a sync that has completed" in answer.words


def test_a_search_says_how_far_it_is() -> None:
    counts = dict.fromkeys(
        ("recordsScanned", "recordsWithoutPath", "recordsInScope", "unlisted"), 5
    )
    work = {**counts, "existing": 1, "orphans": 2, "status": "CHECKING"}
    states = [(each.state, each.detail) for each in orphan_facts.steps(work)]
    assert states == [
        ("done", ""),
        ("done", "5 records"),
        ("done", "5 in scope"),
        ("current", "3 of 5"),
        ("next", ""),
    ]
    assert "looked for once more" in orphan_facts.lead(work)
    done = {**work, "status": "DONE", "orphans": 0}
    assert orphan_facts.lead(done) == "There is no orphan: each of 5 records has its object."
    # A catalog without paths is no proof that there is no orphan.
    nothing = orphan_facts.lead({**done, "recordsInScope": 0})
    assert "Nothing can be said" in nothing
    assert "5 records without a path" in nothing


# --- objects that are not taken


async def not_taken(site: Site, *keys: str, attempts: int = 3, days: int = 2) -> str:
    """Return a job whose objects were triggered so often, so many days ago."""
    await site.connect("media", "new.mov")
    ports, buckets = site.gateway.world.ports, site.gateway.world.buckets
    for key in keys:
        content = key.encode()
        buckets.put("media", key, content)
        e_tag = buckets.get("media", key).head.e_tag
        mark = mark_value(
            job_id="job-0",
            action="PUT",
            attempts=attempts,
            triggered_at=ports.clock.now() - timedelta(days=days),
            e_tag=e_tag,
            bucket_name="media",
            key=key,
        )
        ids = {"AssetID": f"asset:{len(key)}", "InventoryID": f"inventory:{len(key)}"}
        buckets.put("media", key, content, tags={**ids, SYNC_JOB_ID_TAG: mark})
    ports.clock.advance(1)
    return await site.finish("media")


def boxes(page: Page) -> list[str]:
    return [
        unescape(each)
        for each in re.findall(r'type="checkbox" name="key" value="([^"]*)"', page.text)
    ]


async def test_objects_that_are_not_taken_are_chosen_and_triggered_again(site: Site) -> None:
    keys = [*ODD_KEYS, "plain.mov"]
    job_id = await not_taken(site, *keys)
    page = await site.browser.get(f"/jobs/{job_id}")
    assert "7 objects were triggered as often as allowed and never taken." in page.words
    assert '<time datetime="2025-12-30T' in page.text  # of the last trigger
    assert "choose which are triggered again" in page.words
    assert sorted(boxes(page)) == sorted(quote(key, safe="") for key in keys)
    path = f"/jobs/{job_id}/retrigger"
    # A browser that changed line breaks would not change these.
    chosen = [quote(key, safe="") for key in keys[1:3]]
    confirm = await site.browser.submit(path, page, which="chosen", key=chosen)
    assert "Trigger 2 objects again?" in confirm.words
    assert len((await site.client.get("/jobs"))["items"]) == 1
    sent = {"once": confirm.field("once"), "key": chosen}
    started = await site.browser.submit(f"{path}/start", confirm, **sent)
    assert started.status == 303
    again = await site.browser.submit(f"{path}/start", confirm, **sent)
    assert again.headers["Location"] == started.headers["Location"]
    await site.advance()
    job = await site.job(started.headers["Location"].rpartition("/")[2])
    assert (job["statistics"]["put"], job["statistics"]["objectsListed"]) == (2, 2)


async def test_all_that_are_shown_are_triggered_again(site: Site) -> None:
    job_id = await not_taken(site, "a.mov", "b.mov", attempts=1, days=0)
    page = await site.browser.get(f"/jobs/{job_id}/outcomes?outcome=INGESTING")
    listed = re.findall(r'name="listed" value="([^"]*)"', page.text)
    assert listed == ["a.mov", "b.mov"]
    confirm = await site.browser.submit(
        f"/jobs/{job_id}/retrigger", page, which="listed", listed=listed, key=["a.mov"]
    )
    assert "Trigger 2 objects again?" in confirm.words


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([], "No object is chosen"),
        ([f"{number}.mov" for number in range(KEY_COUNT_MAX + 1)], "51 objects are too many"),
        (["a/"], "A folder cannot be chosen alone"),
    ],
)
async def test_what_cannot_be_chosen_says_how_it_is_done(
    site: Site, keys: list[str], words: str
) -> None:
    job_id = await synced(site)
    answer = await site.browser.submit(
        f"/jobs/{job_id}/retrigger",
        await site.browser.get(f"/jobs/{job_id}/orphans/search"),
        which="chosen",
        key=keys,
    )
    assert words in answer.words
    assert "again</button>" not in answer.text


async def test_a_trigger_that_is_refused_keeps_what_was_chosen(site: Site) -> None:
    job_id = await not_taken(site, "a.mov")
    page = await site.browser.get(f"/jobs/{job_id}")
    await site.client.patch("/connectors/media", {"status": "DISABLED"}, if_match=None)
    answer = await site.browser.submit(
        f"/jobs/{job_id}/retrigger/start", page, once="once", key=["a.mov"]
    )
    assert answer.status == 409
    assert "Enable the connector" in answer.words
    assert answer.field("key") == "a.mov"


async def test_a_job_whose_objects_are_taken_asks_for_none(site: Site) -> None:
    job_id = await synced(site)
    page = await site.browser.get(f"/jobs/{job_id}")
    assert "not taken yet" not in page.words


async def test_the_overview_names_what_waits_for_a_decision(site: Site) -> None:
    job_id = await searched(site)
    jobs = site.gateway.world.ports.jobs
    job = await jobs.get(job_id)
    assert job.orphans is not None
    assert "orphans failed" not in (await site.browser.get("/")).words
    work = replace(job.orphans, status=OrphanStatus.GIVEN_UP, reason="scans are not allowed")
    await jobs.save(replace(job, orphans=work))
    assert (
        "The search for orphans failed: media scans are not allowed"
        in (await site.browser.get("/")).words
    )
