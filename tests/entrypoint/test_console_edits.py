"""The form of a connector: its limits, and what happens when two users edit it at once."""

from __future__ import annotations

import re
from typing import Any

import pytest
import pytest_asyncio
from console_site import Page, Site

from entrypoints.cli.remote.console_api import ConsoleApi
from entrypoints.console.edits import BASE, base_text, merged
from entrypoints.console.form_values import Values
from entrypoints.console.forms import connector_changes, connector_values
from entrypoints.console.labels import label
from entrypoints.console.limit_forms import limit_fields, limits_body, window_rows, without_gaps
from entrypoints.console.text import limits_line

PATH = "/connectors/media/edit"
NIGHTS = {"days": ["MON", "FRI"], "from": "20:00", "to": "06:00"}
LIMITS = {
    "concurrency": 4,
    "objectsPerSecond": 50.0,
    "windows": [NIGHTS, {"days": ["SAT", "SUN"], "from": "00:00", "to": "00:00"}],
    "timeZone": "Europe/Berlin",
}
AS_SHOWN = {"trigger": "copy", "ids": "minted", "verify": "tags", "restoreTags": "on"}


@pytest_asyncio.fixture
async def site(site: Site) -> Site:
    await site.connect("media", "a.mov", "b.mov", "c.mov")
    return site


async def save(site: Site, page: Page, **fields: str | list[str]) -> Page:
    """Send a form with what it carries, these fields, and what every one has."""
    carried = {name: page.field(name) for name in ("etag", BASE)}
    return await site.browser.submit(PATH, page, **{**AS_SHOWN, **carried, **fields})


async def limits_of(site: Site) -> Any:
    return (await site.client.get("/connectors/media"))["limits"]


# --- limits


def test_limits_survive_their_form() -> None:
    values = Values(limit_fields(LIMITS))
    assert limits_body(values) == {**LIMITS, "objectsPerSecond": 50}
    assert values.text("objectsPerSecond") == "50"
    assert limits_body(Values({})) is None
    assert limit_fields(None) == {}


def test_rows_without_a_value_are_no_windows_and_two_more_are_offered() -> None:
    fields = {"windowFrom0": ("",), "windowTo0": ("",), "windowFrom3": ("20:00",)}
    values = without_gaps(Values({**fields, "windowTo3": ("06:00",), "prefixes": ("a/",)}))
    assert limits_body(values) == {"windows": [{"from": "20:00", "to": "06:00"}]}
    assert values.text("windowFrom0") == "20:00"
    assert values.area("prefixes") == "a/"
    assert list(window_rows(values)) == [0, 1, 2]
    many = Values({f"windowFrom{row}": ("20:00",) for row in range(19)})
    assert len(window_rows(many)) == 20


async def test_limits_are_set_shown_and_removed(site: Site) -> None:
    page = await site.browser.get(PATH)
    saved = await save(
        site,
        page,
        concurrency="4",
        objectsPerSecond="50",
        windowDays0=["MON", "FRI"],
        windowFrom0="20:00",
        windowTo0="06:00",
        windowFrom2="12:00",
        windowTo2="13:00",
        timeZone="Europe/Berlin",
    )
    assert saved.status == 303, saved.words
    found = await limits_of(site)
    assert found["windows"][0] == NIGHTS
    assert [len(each["days"]) for each in found["windows"]] == [2, 7]
    assert (found["concurrency"], found["objectsPerSecond"]) == (4, 50)
    page = await site.browser.get("/connectors/media")
    line = "4 chunks at once; 50 objects/s; Mon, Fri 20:00 to 06:00, every day 12:00 to 13:00"
    assert f"Limits {line} (Europe/Berlin)" in page.words
    page = await site.browser.get(PATH)
    assert page.text.count('name="windowFrom') == 4
    await save(site, page)
    assert await limits_of(site) is None


async def test_limits_that_the_api_refuses_are_reported_at_their_fields(site: Site) -> None:
    page = await site.browser.get(PATH)
    answer = await save(
        site,
        page,
        concurrency="many",
        objectsPerSecond="0.01",
        windowFrom1="20:00",
        windowFrom4="12:00",
        windowTo4="25:00",
    )
    assert answer.status == 400
    for name in ("concurrency", "objectsPerSecond", "windowTo0", "windowTo1"):
        assert f'id="{name}-error"' in answer.text, name
        assert f'href="#{name}"' in answer.text
    assert "Window 1: to: is missing" in answer.words
    assert (answer.field("concurrency"), answer.field("windowTo1")) == ("many", "25:00")
    zone = await save(site, page, windowFrom0="1:00", windowTo0="02:00", timeZone="Mars/Base")
    assert 'id="windowFrom0-error"' in zone.text
    zone = await save(site, page, windowFrom0="01:00", windowTo0="02:00", timeZone="Mars/Base")
    assert "'Mars/Base' is not a time zone" in zone.words
    assert 'id="timeZone-error"' in zone.text
    assert await limits_of(site) is None


async def test_limits_reach_a_job_that_runs_and_its_page_leads_to_them(site: Site) -> None:
    job_id = await site.start("media")
    await site.advance(chunks=1)
    page = await site.browser.get(f"/jobs/{job_id}")
    assert "Limits: none" in page.words
    assert 'href="/connectors/media/edit#limits"' in page.text
    await save(site, await site.browser.get(PATH), concurrency="3")
    assert "Limits: 3 chunks at once" in (await site.browser.get(f"/jobs/{job_id}")).words
    assert 'id="limits"' in (await site.browser.get(PATH)).text


# --- two users


async def test_a_change_of_someone_else_is_shown_and_nothing_typed_is_lost(site: Site) -> None:
    page = await site.browser.get(PATH)
    theirs = {"prefixes": ["theirs/"], "verify": "catalog", "limits": {"concurrency": 2}}
    await site.client.patch("/connectors/media?check=false", theirs, if_match=None)
    typed: dict[str, Any] = {"prefixes": "ours/", "include": "*.mov\r\n*.mxf", "concurrency": ""}
    answer = await save(site, page, **typed)
    assert answer.status == 412
    assert "Prefixes nothing theirs/ ours/" in answer.words
    assert "Known objects are recognised by tags catalog the same as now" in answer.words
    assert "Chunks at once nothing 2 the same as now" in answer.words
    assert "*.mov\n*.mxf" in answer.text
    now = await site.client.get("/connectors/media")
    assert (now["prefixes"], now["filters"]) == (["theirs/"], None)
    # The form has both; saved as it is, it writes what this user changed.
    assert re.search(r'<option value="catalog" selected', answer.text)
    assert answer.field("concurrency") == "2"
    typed |= {"verify": "catalog", "concurrency": answer.field("concurrency")}
    saved = await save(site, answer, **typed)
    assert saved.status in (200, 303), saved.words
    now = await site.client.get("/connectors/media")
    assert (now["prefixes"], now["verify"]) == (["ours/"], "catalog")
    assert now["filters"]["include"] == ["*.mov", "*.mxf"]
    assert now["limits"]["concurrency"] == 2


async def test_a_change_between_the_look_and_the_write_is_shown_as_well(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await site.browser.get(PATH)
    patch = ConsoleApi.patch

    async def beaten(self: ConsoleApi, path: str, body: Any, *, if_match: str | None) -> Any:
        if if_match is not None:
            await patch(self, path, {"limits": {"concurrency": 9}}, if_match=None)
        return await patch(self, path, body, if_match=if_match)

    monkeypatch.setattr(ConsoleApi, "patch", beaten)
    answer = await save(site, page, prefixes="ours/")
    assert answer.status == 412
    assert "Chunks at once nothing 9 the same as now" in answer.words
    assert "ours/" in answer.text


async def test_a_change_that_the_form_does_not_have_is_named_as_such(site: Site) -> None:
    page = await site.browser.get(PATH)
    await site.client.patch("/connectors/media", {"status": "DISABLED"}, if_match=None)
    answer = await save(site, page, concurrency="5")
    assert "What was changed is not on this form" in answer.words
    assert answer.field("concurrency") == "5"


def test_windows_are_changed_together() -> None:
    base = Values(limit_fields(LIMITS))
    mine = Values({**base.fields, "windowTo0": ("05:00",), BASE: (base_text(base),)})
    now = Values(limit_fields({**LIMITS, "windows": LIMITS["windows"][:1], "concurrency": 9}))
    both = merged(mine, now)
    body = limits_body(both.values)
    assert body is not None
    assert body["windows"] == [{**NIGHTS, "to": "05:00"}, LIMITS["windows"][1]]
    assert body["concurrency"] == 9
    assert {each.name for each in both.differences} >= {"concurrency", "windowFrom1"}


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '{"prefixes": 5}', "null"])
def test_a_form_without_earlier_values_keeps_what_was_typed(text: str) -> None:
    mine = Values({"prefixes": ("ours/",), BASE: (text,)})
    both = merged(mine, Values({"prefixes": ("theirs/",)}))
    assert both.values.area("prefixes") == "ours/"
    assert both.differences == ()


def test_every_field_of_a_connector_has_a_name_for_people() -> None:
    values = connector_values(
        {
            "connectorId": "media",
            "bucketName": "media",
            "prefixes": ["a/"],
            "restoreTags": True,
            **dict.fromkeys(("trigger", "ids", "verify", "ingestQueueUrl", "roleArn"), "x"),
            "expectedBucketOwner": "1",
            "ingestQueueMaxDepth": 5,
            "fileFilter": {"mode": "allow", "extensions": ["a"], "mimeTypes": ["b"]},
            "removals": {"maxShare": 1, "maxCount": 2, "minCount": 3, "announce": True},
            "limits": LIMITS,
            "filters": {"include": ["a"], "mediaTypes": ["image"], "minSizeBytes": 5},
        }
    )
    assert [name for name in values.fields if label(name) == name] == []


def test_a_stage_without_limits_gets_none() -> None:
    connector = {"prefixes": [], "restoreTags": True, "fileFilter": None, "filters": None}
    assert connector_changes(connector_values(connector), connector) == {}


@pytest.mark.parametrize(
    ("days", "text"),
    [
        ("MON TUE WED THU FRI", "Mon to Fri"),
        ("SUN MON SAT", "Mon, Sat, Sun"),
        ("MON WED THU FRI SUN", "Mon, Wed to Fri, Sun"),
        ("MON TUE WED THU FRI SAT SUN", "every day"),
    ],
)
def test_days_are_shown_as_ranges(days: str, text: str) -> None:
    window = {"days": days.split(), "from": "20:00", "to": "06:00"}
    limits = {**LIMITS, "concurrency": None, "objectsPerSecond": None, "windows": [window]}
    assert limits_line(limits) == f"{text} 20:00 to 06:00 (Europe/Berlin)"


async def test_a_section_with_an_error_is_open(site: Site) -> None:
    page = await site.browser.get(PATH)
    answer = await save(site, page, minSizeBytes="ten")
    assert re.search(r'<details id="filters" open>', answer.text)
    assert re.search(r'<details id="gone">', answer.text)
    answer = await save(site, page, removals="on", maxShare="2")
    assert re.search(r'<details id="filters">', answer.text)
    assert re.search(r'<details id="gone" open>', answer.text)
