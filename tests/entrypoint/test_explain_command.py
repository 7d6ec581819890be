"""`asset-sync explain` follows the cursors of a search that takes several requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from entrypoints.cli.main import app

KEY = "2026/shot 1+.mov"
OPEN = {"jobId": "job-1", "objectKey": KEY, "outcome": None, "nextCursor": None}
OUTCOME = {"outcome": "PUT", "reason": "NO_IDS"}


def chunk(index: int) -> dict[str, Any]:
    return {"chunkIndex": index, "status": "QUEUED"}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[Any], list[Any]]]:
    """A service with prepared responses; the second list has the received queries."""
    answers: list[Any] = []
    queries: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            queries.append(parse_qs(urlsplit(self.path).query))
            body = json.dumps(answers.pop(0)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("ASSET_SYNC_API_URL", f"http://127.0.0.1:{server.server_port}")
        yield answers, queries
        server.shutdown()
        thread.join()


def explained(*options: str) -> str:
    result = CliRunner().invoke(app, ["explain", "job-1", KEY, *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_found_object_ends_the_search(service: Any) -> None:
    answers, queries = service
    answers += [
        {**OPEN, "chunkCount": 1, "chunks": [chunk(0)], "nextCursor": "c1"},
        {**OPEN, "outcome": OUTCOME, "chunkCount": 1, "chunks": [chunk(7)]},
    ]
    found = json.loads(explained("--output", "json"))
    assert (found["outcome"], found["chunks"]) == (OUTCOME, [chunk(7)])
    assert queries == [{"key": [KEY]}, {"key": [KEY], "cursor": ["c1"]}]


def test_what_may_hold_the_object_is_collected(service: Any) -> None:
    answers, queries = service
    answers += [
        {**OPEN, "chunkCount": 1, "chunks": [chunk(0)], "nextCursor": "c1"},
        {**OPEN, "chunkCount": 1, "chunks": [], "nextCursor": "c2"},
        {**OPEN, "chunkCount": 2, "chunks": [chunk(9)]},
    ]
    shown = explained()
    assert "chunk 0 is QUEUED, chunk 9 is QUEUED" in shown
    assert [query.get("cursor") for query in queries] == [None, ["c1"], ["c2"]]
