"""The console over the API's handler and the memory adapters, as a browser uses it."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from api_calls import Api as Gateway

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from domain.packing import ChunkSizing
from entrypoints.cli.remote.api_client import API_URL_VARIABLE, ApiClient
from entrypoints.cli.remote.console_api import ConsoleApi
from entrypoints.console.api import Api
from entrypoints.console.app import console_application
from entrypoints.wiring.container import UseCases
from entrypoints.wiring.memory import use_cases

# Objects that have no room for our tags fail, each on its own.
FULL = {f"tag-{number}": "v" for number in range(9)}
ODD_KEYS = (
    "2026/<script>alert(1)</script>.mov",
    '2026/"quoted" & it\'s.mov',
    "2026/line\nbreak.mov",
    "2026/\u202egnp.exe.mov",
    "2026/\u05e9\u05dc\u05d5\u05dd/\u0645\u0631\u062d\u0628\u0627.jpg",
    "2026/a+b%20\\.mov",
)


@dataclass(frozen=True, slots=True)
class Page:
    """A response, and what is on it."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def words(self) -> str:
        """The text between the tags, on one line."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.text)).split())

    def field(self, name: str) -> str:
        """Return the value of a form's field."""
        found = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', self.text)
        assert found is not None, name
        return unescape(found[1])


@dataclass(slots=True)
class Browser:
    """Sends what a browser sends: its cookies, and where a request comes from."""

    url: str
    session: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Page:
        return await self.send("GET", path, headers=headers)

    async def post(self, path: str, fields: Mapping[str, Any], **headers: str) -> Page:
        """Send a form without what a page puts into it; see `submit`."""
        return await self.send("POST", path, fields=fields, headers=headers)

    async def submit(self, path: str, page: Page | None = None, **fields: Any) -> Page:
        """Send the form of a page, with its token, from that page."""
        token = (page or await self.get(path)).field("form_token")
        origin = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        return await self.send("POST", path, fields={"form_token": token, **fields}, headers=origin)

    async def send(
        self,
        method: str,
        path: str,
        *,
        fields: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.session.request(
            method, self.url + path, data=fields, headers=sent, allow_redirects=False
        ) as response:
            cookies: SimpleCookie = response.cookies
            self.cookies |= {name: morsel.value for name, morsel in cookies.items()}
            return Page(response.status, dict(response.headers), await response.text())


@dataclass(slots=True)
class Site:
    """A console, its browser, and the service behind it."""

    browser: Browser
    gateway: Gateway
    service: UseCases
    client: ConsoleApi
    """Another client of the API than the console's."""

    async def connect(
        self, bucket: str, *keys: str, full: tuple[str, ...] = (), **body: Any
    ) -> None:
        """Create a bucket with objects, and its connector."""
        buckets, clock = self.gateway.world.buckets, self.gateway.world.ports.clock
        buckets.create(bucket)
        for key in (*keys, *full):
            buckets.put(bucket, key, key.encode(), tags=FULL if key in full else None)
        # An object that is read in the second of its last change is ambiguous, and read again.
        clock.advance(1)
        wanted = {"connectorId": bucket, "bucketName": bucket, **body}
        await self.client.post("/connectors", wanted)

    async def start(self, connector_id: str, **body: Any) -> str:
        job = await self.client.post(f"/connectors/{connector_id}/sync", body)
        return str(job["jobId"])

    async def job(self, job_id: str) -> dict[str, Any]:
        return await self.client.get(f"/jobs/{job_id}")

    def deadline(self) -> Deadline:
        clock = self.gateway.world.ports.clock
        return Deadline(clock, clock.now() + timedelta(seconds=900))

    async def advance(self, *, chunks: int = 1_000) -> None:
        """Run the engine, and the workers for so many chunks."""
        ports = self.gateway.world.ports
        deadline = self.deadline()
        for _ in range(10):
            for job_id in ports.invoker.take():
                await self.service.engine().advance(job_id, deadline)
            for message in ports.queue.receive():
                if chunks <= 0:
                    continue
                chunks -= 1
                ports.clock.advance(2)
                process = self.service.process_chunk().process
                await process(message.job_id, message.chunk_index, deadline)

    async def finish(self, connector_id: str, **body: Any) -> str:
        """Run a sync to its end."""
        job_id = await self.start(connector_id, **body)
        await self.advance()
        return job_id


def console_client(label: str = "prod") -> ConsoleApi:
    """Return the console's client of the API that listens."""
    return ConsoleApi(ApiClient(os.environ[API_URL_VARIABLE]), label)


@asynccontextmanager
async def opened(
    gateway: Gateway, api: Api, *, access_key: str | None = None
) -> AsyncIterator[Site]:
    """Serve the console of an API."""
    gateway.answer_checks()
    gateway.world.ports.surveyor.answer = gateway.container.survey_bucket().run
    server = TestServer(console_application(api, access_key=access_key))
    async with server, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        browser = Browser(f"http://{server.host}:{server.port}", session)
        small = Tuning(sizing=ChunkSizing(object_count_max=2))
        client = console_client("tests")
        yield Site(browser, gateway, use_cases(gateway.world.ports, small), client)
        client.close()
