"""The console's pages over the memory adapters: what each shows of jobs in every state."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from api_calls import Api as Gateway
from console_site import ODD_KEYS, Page, Site, opened

from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.remote.console_api import ConsoleApi
from entrypoints.console.guard import SECURITY_HEADERS

PLAIN = tuple(f"2026/clip {number}.mov" for number in range(5))


async def shown(site: Site, path: str, status: int = 200) -> Page:
    page = await site.browser.get(path)
    assert page.status == status, page.words
    return page


async def three_jobs(site: Site) -> dict[str, str]:
    """Return a job that is done, one whose objects failed, and one that runs."""
    await site.connect("done", *PLAIN)
    await site.connect("failing", *PLAIN, full=ODD_KEYS)
    await site.connect("running", *PLAIN)
    jobs = {"done": await site.finish("done"), "failing": await site.finish("failing")}
    jobs["running"] = await site.start("running")
    await site.advance(chunks=1)
    return jobs


# --- the operator's questions


async def test_the_first_page_of_a_new_service_says_what_to_do(site: Site) -> None:
    page = await shown(site, "/")
    assert "Register your first bucket" in page.words
    assert 'href="/add-connector"' in page.text
    assert "prod" in page.words


async def test_the_overview_answers_whether_it_is_alive_and_what_needs_attention(
    site: Site,
) -> None:
    jobs = await three_jobs(site)
    page = await shown(site, "/")
    assert "Service Answers in" in page.words
    assert "Running jobs 1 " in page.words
    assert "Objects failed: failing 6 objects failed in the last sync" in page.words
    for job_id in jobs.values():
        assert f'href="/jobs/{job_id}"' in page.text


async def test_a_running_job_says_how_far_and_how_fast_and_when_done(site: Site) -> None:
    jobs = await three_jobs(site)
    page = await shown(site, f"/jobs/{jobs['running']}")
    assert "2 of 5 objects done (40 %) at" in page.words
    assert "left." in page.words
    assert "List (done) 5 objects" in page.words
    assert re.search(r'<li class="phase-current" aria-current="step">.*?1 of 3 chunks', page.text)
    assert "3 chunks: 2 queued, 1 completed." in unescape(page.text)
    assert page.text.count('<i class="cell c-queued" title=') == 2
    assert "2 objects in" in page.words  # of the plot
    assert f'href="/jobs/{jobs["running"]}/cancel"' in page.text
    assert "/redrive" not in page.text


async def test_a_job_that_ended_with_errors_says_what_failed_and_what_now(site: Site) -> None:
    jobs = await three_jobs(site)
    page = await shown(site, f"/jobs/{jobs['failing']}")
    assert "6 objects of 11 failed" in page.words
    assert "TagLimitExceeded 6 failures" in page.words
    assert "Next: Remove tags from these objects, then redrive the job." in page.words
    assert "and 3 more" in page.words
    assert f'href="/jobs/{jobs["failing"]}/redrive"' in page.text
    assert "/cancel" not in page.text
    assert f"{jobs['failing']}/outcomes?outcome=FAILED" in page.text


async def test_a_finished_job_says_what_it_did_and_what_it_cost(site: Site) -> None:
    jobs = await three_jobs(site)
    page = await shown(site, f"/jobs/{jobs['done']}")
    assert "Completed: 5 objects of 5 were written." in page.words
    actual = (await site.job(jobs["done"]))["actual"]
    assert re.search(rf"Actual \$0\.00\d+, {actual['requests']:,} requests", page.words)
    assert "CopyObject" in page.words
    assert "What failed, and why" not in page.words
    # Nothing changes it, so it is asked for less often.
    assert "data-running" not in page.text


async def test_a_failed_job_says_why(site: Site) -> None:
    await site.connect("lost", *PLAIN)
    job_id = await site.start("lost")
    site.gateway.world.buckets._buckets.pop("lost")
    for _ in range(30):
        await site.advance()
        site.gateway.world.ports.clock.advance(400)
        await site.service.sweep().run(site.deadline())
    assert (await site.job(job_id))["status"] == "FAILED"
    page = await shown(site, f"/jobs/{job_id}")
    assert "Failed: " in page.words
    assert (await site.job(job_id))["statusReason"] in page.words
    assert "What failed, and why" in page.words
    assert "Sync again" in page.words
    overview = await shown(site, "/")
    assert "The last sync failed: lost" in overview.words


async def test_a_job_without_failures_is_not_asked_for_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await three_jobs(site)
    asked: list[str] = []
    get = ApiClient.get

    def noted(self: ApiClient, path: str, query: Any = None) -> Any:
        asked.append(path.removeprefix(f"/jobs/{jobs['done']}"))
        return get(self, path, query)

    monkeypatch.setattr(ApiClient, "get", noted)
    await shown(site, f"/jobs/{jobs['done']}")
    assert sorted(asked) == ["", "/chunks"]


async def test_what_happened_to_one_file(site: Site) -> None:
    jobs = await three_jobs(site)
    page = await shown(site, f"/explain?job={jobs['done']}&key={quote(PLAIN[0])}")
    assert "Put because it has no ids, and the system does not have it." in page.words
    assert "asset:vid:" in page.words
    waiting = await shown(site, f"/explain?job={jobs['running']}&key={quote(PLAIN[4])}")
    assert "No outcome yet." in waiting.words
    missing = await shown(site, f"/explain?job={jobs['done']}&key=nothing", 404)
    assert "Next: It may have been removed" in missing.words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/jobs", "Completed with errors"),
        ("/jobs/{running}", "What was asked for"),
        ("/jobs/{failing}", "What failed, and why"),
        ("/jobs/{done}", "What it cost"),
        ("/explain?job={done}&key=2026/clip%200.mov", "Put because"),
        ("/jobs?status=CANCELLED", "No job matches"),
        ("/jobs?connectorId=done", "done"),
        ("/connectors", "whole bucket"),
        ("/connectors/done", "Settings"),
        ("/connectors/done/edit", "keeps the settings that it began with"),
        ("/connectors/done/sync", "Plan or sync done"),
        ("/connectors/done/delete", "The objects of the bucket are not touched"),
        ("/jobs/{failing}/errors", "Each failure"),
        ("/jobs/{failing}/chunks", "completed with errors"),
        ("/jobs/{failing}/outcomes?outcome=FAILED", "TagLimitExceeded"),
        ("/jobs/{done}/outcomes?outcome=PUT", "NO_IDS"),
        ("/jobs/{running}/cancel", "cannot be resumed or redriven"),
        ("/jobs/{failing}/redrive", "6 failed objects will be tried again"),
        ("/jobs/{running}/live", "objects done"),
        ("/live", "Running jobs"),
        ("/explain", "What happened to a file?"),
        ("/add-connector", "Check and add"),
    ],
)
async def test_every_page_is_shown_with_strict_headers(site: Site, path: str, words: str) -> None:
    jobs = await three_jobs(site)
    page = await shown(site, path.format(**jobs))
    assert words.lower() in page.words.lower()
    assert {name: page.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    # Nothing inline that the policy would block, and nothing from elsewhere.
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=\"/static/)", page.text)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page.text)


# --- what others wrote


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/{id}",
        "/jobs/{id}/errors",
        "/jobs/{id}/outcomes?outcome=FAILED",
        "/jobs/{id}/live",
    ],
)
async def test_odd_keys_are_shown_safely(site: Site, path: str) -> None:
    await site.connect("odd", full=ODD_KEYS)
    job_id = await site.finish("odd")
    page = await shown(site, path.format(id=job_id))
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    assert not re.search("[\x00-\x09\x0b-\x1f]", page.text)
    if "outcomes" in path:
        assert "2026/<script>alert(1)</script>.mov" in unescape(page.text)
        assert '2026/"quoted" & it\'s.mov' in unescape(page.text)
        assert "2026/line\\nbreak.mov" in page.text
        assert "2026/\\u202egnp.exe.mov" in page.words.replace(" ", "") or (
            "\\u202egnp.exe.mov" in page.text
        )
        # Each segment is from left to right, so that none moves another.
        assert '<bdi dir="ltr">\u05e9\u05dc\u05d5\u05dd</bdi>/<bdi dir="ltr">' in page.text


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_every_key_can_be_found_by_its_link(site: Site, key: str) -> None:
    await site.connect("odd", full=ODD_KEYS)
    job_id = await site.finish("odd")
    page = await shown(site, f"/jobs/{job_id}/outcomes?outcome=FAILED")
    links = re.findall(r'href="(/explain\?[^"]*)"', page.text)
    assert len(links) == len(ODD_KEYS)
    answers = [await shown(site, unescape(link)) for link in links]
    found = [site.browser for answer in answers if "Failed the object has" in answer.words]
    assert len(found) == len(ODD_KEYS)
    wanted = await shown(site, f"/explain?job={job_id}&key={quote(key, safe='')}")
    assert "TagLimitExceeded" in wanted.words


async def test_a_query_cannot_write_into_a_page(site: Site) -> None:
    attack = quote('"><script>alert(1)</script>', safe="")
    for path in (
        f"/explain?job={attack}&key={attack}",
        f"/jobs?connectorId={attack}&status={attack}",
        f"/jobs/{attack}",
        f"/connectors/{attack}",
        f"/{attack}",
    ):
        page = await site.browser.get(path)
        assert "<script>alert" not in page.text
        assert page.status in (200, 400, 404)


# --- problems


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/jobs/job-1", 404, "The lists show what there is"),
        ("/connectors/none", 404, "The lists show what there is"),
        ("/nothing", 404, "There is no such page"),
        ("/jobs?cursor=x", 400, "cursor"),
    ],
)
async def test_a_problem_is_a_page_with_cause_and_next_step(
    site: Site, path: str, status: int, words: str
) -> None:
    page = await shown(site, path, status)
    assert words in page.words
    assert 'role="alert"' in page.text
    assert page.headers["Cache-Control"] == "no-store"


async def test_an_api_that_does_not_answer_is_a_problem_and_not_an_empty_page(
    gateway: Gateway,
) -> None:
    api = ConsoleApi(ApiClient("http://127.0.0.1:9"), "local")
    async with opened(gateway, api) as site:
        page = await shown(site, "/", 502)
        assert "The API cannot be used" in page.words
        assert "check that `asset-sync up` is still running" in page.words
        part = await shown(site, "/live", 502)
        assert "<html" not in part.text
        assert "The API cannot be used" in part.words


async def test_an_unforeseen_error_is_a_page_and_in_the_log(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(ApiClient, "get", broken)
    page = await shown(site, "/jobs", 500)
    assert "The console failed" in page.words
    assert "secret" not in page.text
    assert "KeyError" in caplog.text


async def test_static_files_are_ours(site: Site) -> None:
    for name, kind in (
        ("console.css", "text/css"),
        ("console.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ):
        found = await shown(site, f"/static/{name}")
        assert found.headers["Content-Type"].startswith(kind)
        assert "://" not in found.text.replace("http://www.w3.org/2000/svg", "")
    assert (await site.browser.get("/static/../app.py")).status == 404
