"""Which requests the console serves, and whom."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from api_calls import Api as Gateway
from console_site import Site, console_client, opened

from entrypoints.console.guard import SECURITY_HEADERS, Sender, Sessions, rejection_of

KEY = "the-key-that-was-printed"


@pytest.mark.parametrize(
    "sender",
    [
        Sender(method="GET", host="127.0.0.1:8090"),
        Sender(method="GET", host="localhost:8090", fetch_site="none", fetch_dest="document"),
        Sender(method="GET", host="[::1]:8090"),
        Sender(method="GET", host="127.0.0.1:8090", fetch_site="same-origin", fetch_dest="empty"),
        # A link on another page: it cannot read what is served.
        Sender(method="GET", host="127.0.0.1:1", fetch_site="cross-site", fetch_dest="document"),
        Sender(
            method="POST",
            host="127.0.0.1:8090",
            origin="http://127.0.0.1:8090",
            fetch_site="same-origin",
        ),
        Sender(method="POST", host="127.0.0.1:8090"),
    ],
)
def test_what_the_consoles_own_pages_send_is_served(sender: Sender) -> None:
    assert rejection_of(sender) is None


@pytest.mark.parametrize(
    "sender",
    [
        # A name that resolves to 127.0.0.1.
        Sender(method="GET", host="evil.example:8090"),
        Sender(method="GET", host="127.0.0.1.evil.example"),
        Sender(method="GET", host="localhost.evil.example:8090", fetch_dest="document"),
        Sender(method="GET", host=""),
        Sender(method="GET", host="127.0.0.1:8090,evil.example"),
        Sender(method="GET", host="evil.example@127.0.0.1:8090"),
        Sender(method="GET", host="127.0.0.1:port"),
        Sender(method="GET", host="192.168.0.5:8090"),
        # Other origins, also other ports of this machine, which are the same site.
        Sender(method="POST", host="127.0.0.1:8090", origin="https://evil.example"),
        Sender(method="POST", host="127.0.0.1:8090", origin="http://127.0.0.1:8091"),
        Sender(method="POST", host="127.0.0.1:8090", origin="https://127.0.0.1:8090"),
        Sender(method="POST", host="127.0.0.1:8090", origin="null"),
        Sender(method="POST", host="127.0.0.1:8090", fetch_site="cross-site"),
        Sender(method="POST", host="127.0.0.1:8090", fetch_site="same-site"),
        Sender(
            method="POST", host="127.0.0.1:8090", fetch_site="cross-site", fetch_dest="document"
        ),
        # What a page of another origin may include or fetch.
        Sender(method="GET", host="127.0.0.1:8090", fetch_site="cross-site", fetch_dest="image"),
        Sender(method="GET", host="127.0.0.1:8090", fetch_site="same-site", fetch_dest="iframe"),
        Sender(method="GET", host="127.0.0.1:8090", fetch_site="cross-site", fetch_dest="script"),
    ],
)
def test_what_others_can_send_is_rejected(sender: Sender) -> None:
    assert rejection_of(sender)


def test_a_token_is_of_one_session_of_one_process() -> None:
    sessions = Sessions(access_key=None)
    mine, other = sessions.new(), sessions.new()
    assert sessions.is_valid(mine)
    assert sessions.accepts(mine, sessions.form_token(mine))
    assert not sessions.accepts(mine, sessions.form_token(other))
    assert not sessions.accepts(mine, "")
    assert not sessions.accepts("", sessions.form_token(""))
    assert not sessions.is_valid(mine + "0")
    assert not sessions.is_valid(f"x{mine}")
    restarted = Sessions(access_key=None)
    assert not restarted.is_valid(mine)
    assert not restarted.accepts(mine, sessions.form_token(mine))


@pytest_asyncio.fixture
async def site(gateway: Gateway) -> AsyncIterator[Site]:
    async with opened(gateway, console_client()) as site:
        yield site


@pytest_asyncio.fixture
async def locked(gateway: Gateway) -> AsyncIterator[Site]:
    async with opened(gateway, console_client(), access_key=KEY) as site:
        yield site


async def test_every_response_has_the_headers_also_a_rejection(site: Site) -> None:
    for page in (
        await site.browser.get("/", Host="evil.example"),
        await site.browser.get("/nothing"),
        await site.browser.get("/static/console.css"),
        await site.browser.post("/add-connector", {"bucketName": "media"}),
        await site.browser.send("PUT", "/"),
    ):
        assert {name: page.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "Access-Control-Allow-Origin" not in page.headers


async def test_a_name_that_is_rebound_reaches_nothing(site: Site) -> None:
    page = await site.browser.get("/", Host="evil.example:8090")
    assert page.status == 403
    assert "127.0.0.1 or localhost" in page.text
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_origin_does_nothing_even_with_the_token(
    site: Site, headers: dict[str, str]
) -> None:
    site.gateway.world.buckets.create("media")
    token = (await site.browser.get("/add-connector")).field("form_token")
    fields = {"form_token": token, "bucketName": "media", "connectorId": "media"}
    page = await site.browser.post("/add-connector", fields, **headers)
    assert page.status == 403
    assert (await site.client.get("/connectors"))["items"] == []


@pytest.mark.parametrize("token", [None, "", "0" * 64])
async def test_a_form_without_its_token_does_nothing(site: Site, token: str | None) -> None:
    site.gateway.world.buckets.create("media")
    await site.browser.get("/")
    fields = {"bucketName": "media", "connectorId": "media"}
    sent = fields if token is None else {**fields, "form_token": token}
    page = await site.browser.post("/add-connector", sent)
    assert page.status == 403
    assert "Nothing was done" in page.words
    assert (await site.client.get("/connectors"))["items"] == []


async def test_a_form_without_its_session_does_nothing(site: Site) -> None:
    token = (await site.browser.get("/add-connector")).field("form_token")
    site.browser.cookies.clear()
    page = await site.browser.post("/add-connector", {"form_token": token, "bucketName": "m"})
    assert page.status == 403


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(site: Site) -> None:
    page = await site.browser.get("/")
    cookie = page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Domain" not in cookie
    port = site.browser.url.rpartition(":")[2]
    assert cookie.startswith(f"asset-sync-console-{port}=")
    # It stays as it is.
    assert "Set-Cookie" not in (await site.browser.get("/")).headers


async def test_without_the_key_there_is_nothing_to_see(locked: Site) -> None:
    for path in ("/", "/jobs", "/live", "/static/console.js", "/?access=wrong", "/?access="):
        page = await locked.browser.get(path)
        assert page.status == 401
        assert "Set-Cookie" not in page.headers
        assert "asset-sync console" in page.text


async def test_the_key_opens_a_session_and_leaves_the_address(locked: Site) -> None:
    opened_page = await locked.browser.get(f"/?access={KEY}")
    assert (opened_page.status, opened_page.headers["Location"]) == (303, "/")
    assert KEY not in opened_page.headers["Set-Cookie"]
    assert (await locked.browser.get("/")).status == 200
    again = await locked.browser.get(f"/?access={KEY}")
    assert (again.status, again.headers["Location"]) == (303, "/")


async def test_a_session_of_another_console_is_none(locked: Site) -> None:
    port = locked.browser.url.rpartition(":")[2]
    locked.browser.cookies[f"asset-sync-console-{port}"] = Sessions(access_key=KEY).new()
    assert (await locked.browser.get("/")).status == 401
