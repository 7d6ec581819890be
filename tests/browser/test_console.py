"""What an operator does in the console, in a browser, over a whole local service."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from console_browser import Service, Tabs, command
from playwright.sync_api import Page, expect

SCREENSHOTS = os.environ.get("ASSET_SYNC_SCREENSHOTS")
WIDE: Final[Any] = {"width": 1280, "height": 900}
NARROW: Final[Any] = {"width": 400, "height": 800}
LONG = 2_500
ODD = [
    "2026/<script>alert(1)</script>.mov",
    "2026/line\nbreak.mov",
    "2026/\u202egnp.exe.mov",
    "2026/\u05e9\u05dc\u05d5\u05dd/\u0645\u0631\u062d\u0628\u0627.jpg",
]
# Objects that an earlier job triggered three times, two days ago.
_TRIGGERED = """
import boto3
from datetime import UTC, datetime, timedelta
from domain.identity import SYNC_JOB_ID_TAG
from domain.trigger_mark import mark_value
s3 = boto3.client("s3")
for each in s3.list_objects_v2(Bucket="late")["Contents"]:
    mark = mark_value(
        job_id="job-0", action="PUT", attempts=3, bucket_name="late", key=each["Key"],
        triggered_at=datetime.now(UTC) - timedelta(days=2), e_tag=each["ETag"].strip('"'),
    )
    tags = {"AssetID": "asset:1", "InventoryID": "inventory:1", SYNC_JOB_ID_TAG: mark}
    tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
    s3.put_object_tagging(Bucket="late", Key=each["Key"], Tagging={"TagSet": tag_set})
s3.close()
"""
_UNTAG = """
import boto3
s3 = boto3.client("s3")
for each in s3.list_objects_v2(Bucket="tapes")["Contents"]:
    s3.delete_object_tagging(Bucket="tapes", Key=each["Key"])
s3.close()
"""


@pytest.fixture(scope="module")
def jobs(service: Service) -> dict[str, str]:
    """A job that is done, and one that ended with errors."""
    plain = [(f"2026/clip {number:03}.mov", False) for number in range(60)]
    service.fill(
        photos=plain,
        archive=plain + [(key, True) for key in ODD],
        tapes=[(f"tape {number}.mov", True) for number in range(5)],
        raw_footage=[(f"day {n // 100:02}/take {n:04}.mov", False) for n in range(LONG)],
        fresh=plain[:25],
        late=[(key, False) for key in ("a late.mov", *ODD[:2])],
        empty=[],
    )
    service.run(_TRIGGERED)
    for name in ("photos", "archive", "tapes", "raw-footage", "late"):
        service.connect(name)
    service.connect("empty", status="DISABLED", prefixes=["a/", "b/"])
    started = {"done": "photos", "failing": "archive", "late": "late"}
    found = {name: service.sync(connector) for name, connector in started.items()}
    for job_id in found.values():
        service.ended(job_id)
    return found


@pytest.fixture(scope="module")
def running(service: Service, jobs: dict[str, str]) -> str:
    """A job that runs until the last test cancels it."""
    job_id = service.sync("raw-footage")
    service.until(job_id, lambda job: job["progress"]["percent"] > 0)
    return job_id


def status_of(page: Page) -> Any:
    return page.locator("h1 .status")


def test_from_a_bucket_to_an_explained_file(
    tabs: Tabs, service: Service, jobs: dict[str, str]
) -> None:
    """Add a connector, plan, sync, watch it finish, and ask for a file."""
    page = tabs.open(service.console_url)
    page.get_by_role("link", name="Add a connector").click()
    page.get_by_label("Bucket (required)").fill("fresh")
    page.get_by_label("Connector id").fill("fresh")
    page.get_by_role("button", name="Check and add").click()
    expect(page.get_by_text("The connector is added")).to_be_visible()
    page.goto(f"{service.console_url}/connectors/fresh")
    page.get_by_role("link", name="Plan or sync", exact=True).click()
    page.get_by_role("button", name="Plan: what it would do and cost").click()
    expect(page.get_by_role("heading", name="The plan")).to_be_visible()
    expect(page.locator(".plan")).to_contain_text("25 objects")
    page.get_by_label("Discovery").select_option("direct")
    page.get_by_role("button", name="Start the sync").click()
    # The page follows the job alone, and says so to a screen reader.
    expect(status_of(page)).to_have_text("Completed")
    expect(page.locator("#announcer")).to_contain_text("25 objects of 25 were written")
    expect(page.locator(".cells .c-completed")).to_have_count(2)
    page.get_by_label("Key of the object").fill("2026/clip 007.mov")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("because it has no ids")).to_be_visible()


def test_a_job_with_errors_is_repaired_and_redriven(
    tabs: Tabs, service: Service, jobs: dict[str, str]
) -> None:
    job_id = service.sync("tapes")
    service.ended(job_id)
    page = tabs.open(f"{service.console_url}/jobs/{job_id}")
    expect(status_of(page)).to_have_text("Completed with errors")
    expect(page.get_by_role("heading", name="TagLimitExceeded 5 failures")).to_be_visible()
    service.run(_UNTAG)
    page.get_by_role("link", name="Redrive failures").click()
    expect(page.get_by_text("5 failed objects will be tried again")).to_be_visible()
    page.get_by_role("button", name="Redrive the failures").click()
    expect(status_of(page)).to_have_text("Completed")


def test_a_connector_is_edited_disabled_and_deleted_by_keyboard(
    tabs: Tabs, service: Service, jobs: dict[str, str]
) -> None:
    service.connect("short-lived", bucketName="empty")
    page = tabs.open(f"{service.console_url}/connectors/short-lived")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    for name in ("Plan or sync", "Edit"):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if name != "Plan or sync" or "Connectors" not in focused.inner_text():
            continue
        page.keyboard.press("Tab")
    page.get_by_role("link", name="Edit").press("Enter")
    page.get_by_label("Prefixes").fill("2026/")
    page.get_by_role("button", name="Save").press("Enter")
    page.goto(f"{service.console_url}/connectors/short-lived")
    expect(page.get_by_text("2026/", exact=True)).to_be_visible()
    page.get_by_role("button", name="Disable").press("Enter")
    expect(status_of(page)).to_have_text("Disabled")
    page.get_by_role("link", name="Delete").press("Enter")
    page.get_by_role("button", name="Delete the connector").press("Enter")
    expect(page.get_by_role("heading", name="Connectors", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="short-lived")).to_have_count(0)


def test_a_sync_is_started_without_scripts(
    tabs: Tabs, service: Service, jobs: dict[str, str]
) -> None:
    page = tabs.open(f"{service.console_url}/connectors/photos/sync", java_script_enabled=False)
    page.get_by_label("Dry run").check()
    page.get_by_label("Discovery").select_option("direct")
    page.get_by_role("button", name="Start the sync").click()
    page.wait_for_url("**/jobs/job-*")
    service.ended(page.url.rpartition("/")[2])
    page.reload()
    expect(status_of(page)).to_have_text("Completed")
    expect(page.locator(".lead")).to_contain_text("Dry run: of 60 objects, 0 would be written.")


def test_objects_that_are_not_taken_are_triggered_again(
    tabs: Tabs, service: Service, jobs: dict[str, str]
) -> None:
    page = tabs.open(f"{service.console_url}/jobs/{jobs['late']}")
    expect(page.get_by_text("3 objects were never taken")).to_be_visible()
    examine(page, "job-not-taken")
    # A key with a line break arrives as it is.
    page.get_by_role("row", name="2026/line\\nbreak.mov").get_by_role("checkbox").check()
    page.get_by_role("button", name="Trigger the chosen again").click()
    expect(page.get_by_role("heading", name="Trigger 1 object again?")).to_be_visible()
    examine(page, "retrigger")
    page.get_by_role("button", name="Trigger it again").click()
    expect(status_of(page)).to_have_text("Completed")
    job = service.call("GET", f"/jobs/{page.url.rpartition('/')[2]}")
    assert (job["statistics"]["put"], job["statistics"]["objectsListed"]) == (1, 1)


def test_orphans_are_searched_by_request(
    tabs: Tabs, service: Service, jobs: dict[str, str]
) -> None:
    page = tabs.open(f"{service.console_url}/connectors/photos")
    page.get_by_role("link", name="Search after the sync").click()
    expect(page.get_by_text("The whole catalog is scanned")).to_be_visible()
    examine(page, "orphans-search")
    page.get_by_role("button", name="Scan the catalog").click()
    # The page follows the search alone. This system's catalog has no paths, which it says.
    expect(page.get_by_role("link", name="Search again")).to_be_visible()
    expect(page.locator(".lead")).to_contain_text("Nothing can be said")
    expect(page.locator("#announcer")).to_contain_text("Nothing can be said")
    examine(page, "orphans")
    page.goto(f"{service.console_url}/connectors/photos")
    expect(page.get_by_role("link", name="Show the search")).to_be_visible()


def test_two_users_who_edit_a_connector_lose_nothing(
    tabs: Tabs, service: Service, jobs: dict[str, str]
) -> None:
    service.connect("shared", bucketName="empty")
    page = tabs.open(f"{service.console_url}/connectors/shared/edit")
    page.get_by_label("Chunks at once").fill("3")
    window = page.get_by_role("group", name="Window 1")
    window.get_by_label("Sat").check()
    window.get_by_label("from").fill("20:00")
    window.get_by_label("to", exact=True).fill("06:00")
    page.get_by_label("Time zone of the windows").fill("Europe/Berlin")
    service.call("PATCH", "/connectors/shared", {"prefixes": ["theirs/"], "verify": "catalog"})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Someone else changed this connector")).to_be_visible()
    expect(page.get_by_role("row", name="Prefixes nothing theirs/")).to_be_visible()
    expect(page.get_by_label("Chunks at once")).to_have_value("3")
    examine(page, "connector-changed-since")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{service.console_url}/connectors/shared")
    expect(page.get_by_text("3 chunks at once; Sat 20:00 to 06:00 (Europe/Berlin)")).to_be_visible()
    found = service.call("GET", "/connectors/shared")
    assert (found["prefixes"], found["verify"]) == (["theirs/"], "catalog")


def test_what_the_api_says_about_a_limit_is_at_its_field(
    tabs: Tabs, service: Service, jobs: dict[str, str]
) -> None:
    page = tabs.open(f"{service.console_url}/connectors/photos/edit#limits")
    expect(page.get_by_role("heading", name="Limits: how much, how fast, when")).to_be_in_viewport()
    page.get_by_label("Objects in a second").fill("0.01")
    page.get_by_role("group", name="Window 2").get_by_label("from").fill("20:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Objects in a second")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#windowTo0-error")).to_contain_text("is missing")
    page.get_by_role("link", name="Objects in a second").click()
    expect(page.get_by_label("Objects in a second")).to_be_focused()
    examine(page, "connector-limits-invalid")


# --- every page

PAGES = {
    "overview": "/",
    "connectors": "/connectors",
    "connector": "/connectors/archive",
    "connector-disabled": "/connectors/empty",
    "connector-add": "/add-connector",
    "connector-edit": "/connectors/archive/edit",
    "connector-delete": "/connectors/archive/delete",
    "schedule": "/connectors/photos/schedule",
    "sync": "/connectors/photos/sync",
    "jobs": "/jobs",
    "jobs-none": "/jobs?status=FAILED",
    "job-done": "/jobs/{done}",
    "job-failing": "/jobs/{failing}",
    "failures": "/jobs/{failing}/errors",
    "chunks-failing": "/jobs/{failing}/chunks",
    "outcomes-failed": "/jobs/{failing}/outcomes?outcome=FAILED",
    "outcomes-put": "/jobs/{done}/outcomes?outcome=PUT",
    "job-redrive": "/jobs/{failing}/redrive",
    "outcomes-not-taken": "/jobs/{late}/outcomes?outcome=NOT_TAKEN",
    "orphans-none": "/jobs/{failing}/orphans",
    "explain": "/explain",
    "explain-put": "/explain?job={done}&key=2026/clip+001.mov",
    "explain-failed": "/explain?job={failing}&key=2026/line%0Abreak.mov",
    "not-found": "/jobs/job-1",
}
RUNNING_PAGES = {
    "job-running": "/jobs/{}",
    "overview-running": "/",
    "job-cancel": "/jobs/{}/cancel",
    "chunks-running": "/jobs/{}/chunks",
}


def examine(page: Page, name: str) -> None:
    """Look at a page in both colour schemes and both widths; takes pictures if asked."""
    for scheme, viewport in (("light", WIDE), ("dark", WIDE), ("light", NARROW)):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        if SCREENSHOTS:
            file = f"{name}-{scheme}-{viewport['width']}.png"
            page.screenshot(path=Path(SCREENSHOTS, file), full_page=True)
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["impact"], each["nodes"]) for each in found] == []
        wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wider), f"{name} is wider than {viewport['width']} pixels"


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_any_page(
    tabs: Tabs, service: Service, jobs: dict[str, str], name: str
) -> None:
    examine(tabs.open(service.console_url + PAGES[name].format(**jobs)), name)


def test_axe_finds_nothing_after_a_form_was_sent(
    tabs: Tabs, service: Service, jobs: dict[str, str]
) -> None:
    page = tabs.open(f"{service.console_url}/connectors/photos")
    page.get_by_role("button", name="Check the bucket").click()
    expect(page.get_by_role("heading", name="The bucket now")).to_be_visible()
    examine(page, "check")
    page.goto(f"{service.console_url}/connectors/photos/sync")
    page.get_by_role("button", name="Plan: what it would do and cost").click()
    expect(page.get_by_role("heading", name="The plan")).to_be_visible()
    for summary in page.locator("summary").all():
        summary.click()
    examine(page, "plan")
    page.get_by_label("Smallest size, bytes").fill("ten")
    page.get_by_role("button", name="Start the sync").click()
    expect(page.get_by_role("alert")).to_be_visible()
    examine(page, "invalid")


# --- other sites


@pytest.fixture
def another_origin() -> Iterator[tuple[str, list[str]]]:
    """Another site on this machine, whose page sends the form that a test sets."""
    html: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "".join(html).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", html
        server.shutdown()
        thread.join()


def test_a_form_on_another_site_does_nothing(
    tabs: Tabs, service: Service, jobs: dict[str, str], another_origin: tuple[str, list[str]]
) -> None:
    own = tabs.open(f"{service.console_url}/connectors/photos")
    token = own.locator("input[name=form_token]").first.get_attribute("value")
    url, html = another_origin
    html.append(
        f'<form method="post" action="{service.console_url}/connectors/photos/status">'
        f'<input name="form_token" value="{token}"><input name="status" value="DISABLED">'
        "<button>Win a prize</button></form>"
    )
    page = own.context.new_page()
    page.goto(url)
    page.get_by_role("button").click()
    expect(page.get_by_text("The request comes from a page of another origin")).to_be_visible()
    assert service.call("GET", "/connectors/photos")["status"] == "ENABLED"


def test_a_page_cannot_be_framed(
    tabs: Tabs, service: Service, another_origin: tuple[str, list[str]]
) -> None:
    url, html = another_origin
    html.append(f'<iframe src="{service.console_url}/"></iframe>')
    page = tabs.open("about:blank")
    page.goto(url)
    page.wait_for_timeout(1_000)
    assert all("Overview" not in frame.content() for frame in page.frames[1:])
    # The browser reports what it refused, which is what this test is about.
    tabs.complaints.clear()


# --- the console of a stage


def test_the_console_command_lets_in_who_has_its_url(tabs: Tabs, service: Service) -> None:
    options = ("console", "--port", "0", "--no-browser")
    with command(*options, **service.environment) as started:
        url = started["url"]
        page = tabs.open(url.partition("?")[0])
        expect(page.get_by_text("This browser has no access")).to_be_visible()
        page.goto(url)
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        assert "access" not in page.url
        tabs.complaints.clear()  # of the 401


# --- a job that runs


def test_a_running_job_is_followed_without_losing_the_place(
    tabs: Tabs, service: Service, running: str
) -> None:
    page = tabs.open(f"{service.console_url}/jobs/{running}")
    lead = page.locator(".lead")
    before = lead.inner_text()
    page.get_by_role("link", name="All chunks as a table").focus()
    expect(lead).not_to_have_text(before)
    expect(page.get_by_role("link", name="All chunks as a table")).to_be_focused()
    expect(lead).to_contain_text(re.compile(r"[\d,]+ of 2,500 objects done .* left\."))


def test_a_hidden_tab_asks_for_nothing(tabs: Tabs, service: Service, running: str) -> None:
    page = tabs.open("about:blank")
    page.add_init_script(
        "window.covered = true;"
        "Object.defineProperty(document, 'hidden', { get: () => window.covered })"
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{service.console_url}/jobs/{running}")
    page.wait_for_timeout(4_000)
    assert not [url for url in asked if url.endswith("/live")]
    with page.expect_request("**/live"):
        page.evaluate(
            "window.covered = false; document.dispatchEvent(new Event('visibilitychange'))"
        )


def test_a_running_job_is_shown_without_scripts(tabs: Tabs, service: Service, running: str) -> None:
    page = tabs.open(f"{service.console_url}/jobs/{running}", java_script_enabled=False)
    expect(page.locator(".lead")).to_contain_text("of 2,500 objects done")
    page.get_by_role("link", name="Load it again").click()
    expect(page.locator(".lead")).to_contain_text("of 2,500 objects done")


def test_motion_is_reduced_if_asked(tabs: Tabs, service: Service, running: str) -> None:
    page = tabs.open(f"{service.console_url}/jobs/{running}")
    for asked, name in (("reduce", "none"), ("no-preference", "alive")):
        page.emulate_media(reduced_motion=asked)
        dot = page.locator("h1 .tone-active .dot")
        assert dot.evaluate("dot => getComputedStyle(dot).animationName") == name


@pytest.mark.parametrize("name", RUNNING_PAGES)
def test_axe_finds_nothing_while_a_job_runs(
    tabs: Tabs, service: Service, running: str, name: str
) -> None:
    page = tabs.open(service.console_url + RUNNING_PAGES[name].format(running))
    examine(page, name)
    assert service.call("GET", f"/jobs/{running}")["status"] == "PROCESSING"


def test_limits_are_changed_while_a_job_runs(tabs: Tabs, service: Service, running: str) -> None:
    page = tabs.open(f"{service.console_url}/jobs/{running}")
    page.get_by_role("link", name="Change them while it runs").click()
    page.get_by_label("Objects in a second").fill("5")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{service.console_url}/jobs/{running}")
    expect(page.get_by_text("Limits: 5 objects/s")).to_be_visible()
    page.get_by_role("link", name="Change them while it runs").click()
    page.get_by_label("Objects in a second").fill("")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{service.console_url}/jobs/{running}")
    expect(page.get_by_text("Limits: none")).to_be_visible()


def test_a_job_is_paused_and_resumed(tabs: Tabs, service: Service, running: str) -> None:
    page = tabs.open(f"{service.console_url}/jobs/{running}")
    page.get_by_role("link", name="Pause").click()
    page.get_by_label("Why, for those who look at it later").fill("a quiet day")
    examine(page, "job-pause")
    page.get_by_role("button", name="Pause the job").click()
    expect(page.get_by_text("Nothing new is started, and nothing is lost")).to_be_visible()
    expect(page.locator(".note")).to_contain_text("a quiet day")
    examine(page, "job-paused")
    page.get_by_role("link", name="Resume").click()
    page.get_by_role("button", name="Resume the job").click()
    expect(page.get_by_role("link", name="Pause")).to_be_visible()


def test_a_job_is_cancelled(tabs: Tabs, service: Service, running: str) -> None:
    """The last test: the others need the running job."""
    page = tabs.open(f"{service.console_url}/jobs/{running}")
    expect(status_of(page)).to_have_text("Processing")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name="Cancel this job?")).to_be_visible()
    page.get_by_role("button", name="Cancel the job").click()
    expect(status_of(page)).to_have_text("Cancelled")
    expect(page.locator(".lead")).to_contain_text("a new sync skips those")
    expect(page.locator(".cells .c-cancelled").first).to_be_visible()
