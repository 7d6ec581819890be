"""How keys and messages are shown, in terminals with large and small character sets."""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from domain.shown import shown
from entrypoints.cli.main import main
from entrypoints.cli.remote import follow_job

Json = dict[str, Any]

KEYS = (
    "é/写真 🎬.jpg",
    "line\nbreak",
    "line\\nbreak",
    "\x1b[2J\x07bell",
    "[bold]a[/x] :smile:",
    "=1+1",
    "\u2028\x85\uffff",
)
ENCODINGS = ("ascii", "cp1252", "utf-8")
JOB_ID = "job-1"
MESSAGE = "S3 said \x1b[31mno\nerror: forged [/x] é"

STATISTICS = dict.fromkeys(
    (
        "objectsListed",
        "bytesListed",
        "objectsFiltered",
        "objectsNotMedia",
        "skipped",
        "copied",
        "put",
        "archived",
        "gone",
        "failed",
        "ingesting",
        "notTaken",
        "notMedia",
        "tagsRestored",
        "knownAsListed",
    ),
    1,
)
JOB: Json = {
    "jobId": JOB_ID,
    "connectorId": "media",
    "bucketName": "media",
    "status": "COMPLETED_WITH_ERRORS",
    "statusReason": MESSAGE,
    "warnings": [MESSAGE],
    "prefixes": list(KEYS),
    "dryRun": False,
    "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T00:00:00.000Z",
    "statistics": STATISTICS,
    "chunks": {"total": 1, "completed": 1, "failed": 0, "cancelled": 0},
    "progress": {"percent": 100, "objectsPerSecond": None, "etaSeconds": None},
}
OUTCOME = {"outcome": "FAILED", "reason": "AccessDenied", "message": MESSAGE}
CONNECTOR = {
    "connectorId": "media",
    "bucketName": "media",
    "prefixes": list(KEYS),
    "status": "ENABLED",
    "trigger": "copy",
    "ids": "minted",
    "roleArn": None,
}


def _page(items: list[Json]) -> Json:
    unreadable = [{"id": "x", "cause": MESSAGE}]
    return {"items": items, "nextCursor": None, "unreadable": unreadable}


class Handler(BaseHTTPRequestHandler):
    """Returns one resource of each kind; a job that a command waits for fails step by step."""

    waits = 0

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        status, answer = 200, ANSWERS.get(path)
        if path == "/jobs/job-wait":
            answer = self._waited_for()
        elif answer is None:
            status = 400
            faults = [{"path": "prefixes.0", "message": f"overlaps '{shown(KEYS[1])}'\n{MESSAGE}"}]
            answer = {"title": "Wrong", "detail": MESSAGE, "errors": faults}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _waited_for(self) -> Json:
        Handler.waits += 1
        reasons = [None, "attempt 1 failed: KMS\n", "attempt 1 failed: KMS\n", "attempt 2 failed"]
        if Handler.waits <= len(reasons):
            running = {"status": "INITIALIZING", "statusReason": reasons[Handler.waits - 1]}
            return {**JOB, **running, "jobId": "job-wait", "updatedAt": str(Handler.waits)}
        return {**JOB, "jobId": "job-wait", "status": "FAILED", "statusReason": "at the end"}

    def log_message(self, *_: object) -> None:
        pass


ANSWERS: dict[str, Json] = {
    "/jobs": _page([JOB]),
    f"/jobs/{JOB_ID}": JOB,
    f"/jobs/{JOB_ID}/errors": _page(
        [
            {"chunkIndex": 0, "errorClass": "X", "objectKey": key, "message": MESSAGE}
            for key in (*KEYS, None)
        ]
    ),
    f"/jobs/{JOB_ID}/outcomes": _page(
        [{**OUTCOME, "objectKey": key, "triggeredAt": None, "triggerCount": None} for key in KEYS]
    ),
    f"/jobs/{JOB_ID}/objects": {"objectKey": KEYS[0], "outcome": OUTCOME, "chunks": []},
    "/connectors": _page([CONNECTOR]),
}


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass
class Done:
    """An ended command and its output."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(api_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, on streams of the given encoding."""
    monkeypatch.setenv("ASSET_SYNC_API_URL", api_url)

    def run_command(*arguments: str, encoding: str = "utf-8") -> Done:
        written = io.BytesIO(), io.BytesIO()
        out, err = (io.TextIOWrapper(stream, encoding=encoding) for stream in written)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["asset-sync", *arguments])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                main()
        out.flush()
        err.flush()
        assert isinstance(ended.value.code, int)
        texts = (stream.getvalue().decode(encoding) for stream in written)
        return Done(ended.value.code, *texts)

    return run_command


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("arguments", "status", "shows_keys"),
    [
        (["errors", JOB_ID], 0, True),
        (["outcomes", JOB_ID, "--outcome", "FAILED"], 0, True),
        (["explain", JOB_ID, KEYS[0]], 0, False),
        (["job", JOB_ID], 0, True),
        (["jobs"], 0, False),
        (["connectors", "list"], 0, True),
        (["job", "none"], 1, False),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_every_command_prints_every_key_on_one_line_in_every_encoding(
    run: Run, encoding: str, arguments: list[str], status: int, shows_keys: bool
) -> None:
    done = run(*arguments, encoding=encoding)
    assert done.status == status, done.err
    for text in (done.out, done.err):
        assert all(line.isprintable() for line in text.split("\n"))
        # A message cannot start a new line.
        assert not any(line.startswith("error: forged") for line in text.split("\n"))
    if shows_keys:
        for key in KEYS:
            assert shown(key).encode(encoding, "backslashreplace").decode(encoding) in done.out


def test_an_error_is_one_line_and_one_line_for_each_field(run: Run) -> None:
    assert run("job", "none").err.splitlines() == [
        r"error: S3 said \x1b[31mno\nerror: forged [/x] é",
        r"  prefixes.0: overlaps 'line\nbreak'\nS3 said \x1b[31mno\nerror: forged [/x] é",
    ]


def test_waiting_reports_once_why_the_job_makes_no_progress(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_job.time, "sleep", lambda _: None)
    Handler.waits = 0
    done = run("job", "job-wait", "--wait")
    assert done.status == 1
    lines = done.err.splitlines()
    assert lines.count(r"INITIALIZING: attempt 1 failed: KMS\n") == 1
    assert lines.count("INITIALIZING: attempt 2 failed") == 1
    assert "at the end" in done.out


@pytest.mark.parametrize("name", ["[/x]", "[bold]", "a\nb", "é", ":smile:"])
def test_a_path_is_shown_unchanged(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    done = run("up", "--port", "0", "--env-file", str(tmp_path / name / "none" / "file"))
    assert done.status == 1
    assert str(tmp_path / name).replace("\n", "\\n") + "/none" in done.err
