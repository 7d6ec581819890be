"""`asset-sync watch` and `tail`: what they show, and when they end."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console
from typer.testing import CliRunner

from entrypoints.cli.main import app
from entrypoints.cli.remote import job_feed, patient_reads
from entrypoints.cli.remote.api_client import ApiClient
from entrypoints.cli.remote.job_feed import FailureFeed, JobFeed
from entrypoints.cli.remote.patient_reads import PatientReads
from entrypoints.cli.terminal import live_view
from entrypoints.cli.terminal.api_problem import ApiProblem

Json = dict[str, Any]
COUNTS = (
    *("objectsListed", "objectsFiltered", "objectsNotMedia", "bytesListed", "skipped", "copied"),
    *("put", "ingesting", "notTaken", "notMedia", "archived", "gone", "failed", "tagsRestored"),
    "knownAsListed",
)


def job(
    status: str = "PROCESSING", job_id: str = "job-1", percent: float = 10, **counts: int
) -> Json:
    return {
        "jobId": job_id,
        "connectorId": "films",
        "bucketName": "films-prod",
        "prefixes": [],
        "status": status,
        "statusReason": None,
        "warnings": [],
        "dryRun": False,
        "createdAt": "2026-11-27T06:00:00.000Z",
        "updatedAt": "2026-11-27T06:00:01.000Z",
        "statistics": dict.fromkeys(COUNTS, 0) | {"objectsListed": 10} | counts,
        "chunks": {"total": 1, "completed": 0, "failed": 0, "cancelled": 0},
        "progress": {"percent": percent, "objectsPerSecond": 5.0, "etaSeconds": 2.0},
    }


def failure(number: int, at: str = "2026-11-27T06:00:00.500Z") -> Json:
    return {
        "errorId": f"00000000#{number}",
        "jobId": "job-1",
        "objectKey": f"{number}.mov",
        "errorClass": "AccessDenied",
        "message": "no",
        "occurredAt": at,
    }


CAUSE = {
    "causeId": "c1",
    "errorClass": "AccessDenied",
    "vendorCode": None,
    "text": "no",
    "example": "no",
    "nextStep": "grant it",
    "failureCount": 2,
    "objectCount": 2,
    "sampleKeys": ["0.mov"],
    "firstAt": "",
    "lastAt": "",
}
CAUSES = {"items": [CAUSE], "failuresRead": 2, "objectsFailed": 2, "nextCursor": None}
ENDED = job("COMPLETED", percent=100, put=10)


class Script:
    """Answers of a service by path; the last answer of a path is repeated. Also what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {}
        self.asked: list[str] = []

    def answer(self, path: str, query: Json) -> tuple[int, Any]:
        self.asked.append(path)
        left = self.answers.get(path)
        if left is None:
            return 404, {"title": f"nothing at {path}"}
        found = left[0] if len(left) == 1 else left.pop(0)
        found = found(query) if callable(found) else found
        return found if isinstance(found, tuple) else (200, found)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = script.answer(parts.path, parse_qs(parts.query))
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    monkeypatch.setattr(patient_reads.time, "sleep", lambda _: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("ASSET_SYNC_API_URL", f"http://127.0.0.1:{server.server_port}")
        yield script
        server.shutdown()
        thread.join()


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_watch_shows_changes_as_lines_and_ends_with_the_job(service: Script) -> None:
    service.answers["/jobs/job-1"] = [
        job("INITIALIZING", percent=0),
        job(put=1),
        job(put=1),
        ENDED,
    ]
    result = run("watch", "job-1")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["INITIALIZING", "PROCESSING", "COMPLETED"]
    assert "10 %, 5.0 objects/s" in lines[1]
    assert "PUT 1" in lines[1]
    assert "COMPLETED" in result.stdout


@pytest.mark.parametrize(
    ("status", "code"),
    [("COMPLETED", 0), ("COMPLETED_WITH_ERRORS", 1), ("FAILED", 1), ("CANCELLED", 1)],
)
@pytest.mark.parametrize("command", ["watch", "tail"])
def test_the_exit_status_is_that_of_the_job(
    service: Script, command: str, status: str, code: int
) -> None:
    service.answers["/jobs/job-1"] = [job(), job(status, percent=100)]
    service.answers["/jobs/job-1/errors"] = [{"items": [], "nextCursor": None}]
    assert run(command, "job-1").exit_code == code


def test_watch_shows_the_causes_of_failures(service: Script) -> None:
    service.answers["/jobs/job-1"] = [job(failed=2), job(failed=2), job("COMPLETED_WITH_ERRORS")]
    service.answers["/jobs/job-1"][2]["statistics"]["failed"] = 2
    service.answers["/jobs/job-1/causes"] = [CAUSES]
    result = run("watch", "job-1")
    failing = [line for line in result.stderr.splitlines() if line.startswith("failing:")]
    assert failing == ["failing: 2x AccessDenied of 0.mov: no; next: grant it"]
    assert service.asked.count("/jobs/job-1/causes") == 1
    assert "errors job-1 --group cause" in result.stdout


def test_watch_reads_below_the_connector(service: Script) -> None:
    service.answers["/connectors/films/jobs/job-1"] = [ENDED]
    assert run("watch", "job-1", "--connector", "films").exit_code == 0


def test_watch_prints_one_document(service: Script) -> None:
    service.answers["/jobs/job-1"] = [job(), ENDED]
    assert json.loads(run("watch", "job-1", "--output", "json").stdout) == ENDED
    result = run("watch", "--output", "json")
    assert (result.exit_code, service.asked) == (2, ["/jobs/job-1"] * 2)


HICCUPS = [
    (503, {"detail": "not now", "retryable": True}),
    (500, {"message": "Internal Server Error"}),
    (429, {"message": "Too Many Requests"}),
    (502, "<html>"),
]


@pytest.mark.parametrize("command", [("watch", "job-1"), ("tail", "job-1"), ("job", "job-1", "-w")])
def test_bad_answers_are_outlived_and_reported_once(service: Script, command: Any) -> None:
    arguments = ["--wait" if each == "-w" else each for each in command]
    service.answers["/jobs/job-1"] = [job(), *HICCUPS, job(put=1), ENDED]
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("waiting: not now; the request is repeated") == 1
    assert result.stderr.count("the API answers again") == 1


def test_the_api_is_not_waited_for_indefinitely(
    service: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 100_000, 100))
    monkeypatch.setattr(patient_reads, "monotonic", lambda: next(now))
    service.answers["/jobs/job-1"] = [(503, {"detail": "not now"})]
    result = run("watch", "job-1")
    assert result.exit_code == 1
    assert "error: not now" in result.stderr
    assert len(service.asked) < 10


@pytest.mark.parametrize("status", [403, 404])
def test_what_does_not_pass_ends_the_command_at_once(service: Script, status: int) -> None:
    service.answers["/jobs/job-1"] = [job(), (status, {"detail": "never"}), ENDED]
    result = run("watch", "job-1")
    assert (result.exit_code, len(service.asked)) == (1, 2)
    assert "error: never" in result.stderr


def test_a_connection_that_is_refused_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_reads.time, "sleep", lambda _: None)
    troubles: list[str | None] = []
    reads = PatientReads(ApiClient("http://127.0.0.1:9"), troubles.append, patience_s=5)
    now = iter(range(100))
    monkeypatch.setattr(patient_reads, "monotonic", lambda: next(now))
    with pytest.raises(ApiProblem, match="cannot be reached"):
        reads.get("/jobs")
    assert len(troubles) == 1


def interrupted_after(count: int) -> Callable[[float], None]:
    """Ctrl-C in the pause after so many polls."""
    left = iter(range(count - 1))

    def sleep(_: float) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    return sleep


def page(*jobs: Json, cursor: str | None = None) -> Json:
    return {"items": list(jobs), "nextCursor": cursor}


def test_watch_without_a_job_shows_the_active_ones(
    service: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.answers["/jobs"] = [
        page(job(), job("COMPLETED", "job-0")),
        page(job("COMPLETED", percent=100)),
        page(job("COMPLETED", percent=100)),
    ]
    monkeypatch.setattr(patient_reads.time, "sleep", interrupted_after(3))
    result = run("watch")
    assert result.exit_code == 130
    assert [line.split()[:3] for line in result.stderr.splitlines()[:2]] == [
        ["job-1", "films", "PROCESSING"],
        ["job-1", "films", "COMPLETED"],
    ]
    assert result.stderr.splitlines()[2] == "no active jobs"


def test_tail_prints_one_document_per_line(
    service: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.answers["/connectors/films/jobs"] = [
        page(job()),
        page(job(failed=1)),
        page(job(failed=1)),
    ]
    service.answers["/connectors/films/jobs/job-1/errors"] = [page(failure(0))]
    monkeypatch.setattr(patient_reads.time, "sleep", interrupted_after(4))
    result = run("tail", "--connector", "films", "--output", "json")
    assert result.exit_code == 130
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["event"] for each in events] == ["job", "failure", "job"]
    assert events[1]["failure"] == failure(0)
    assert (events[0]["previousStatus"], events[2]["previousStatus"]) == (None, "PROCESSING")


def test_tail_of_a_job_prints_lines_until_it_ends(service: Script) -> None:
    service.answers["/jobs/job-1"] = [
        job(),
        job(),
        job("COMPLETED_WITH_ERRORS", percent=100, failed=1, put=9),
    ]
    service.answers["/jobs/job-1/errors"] = [page(failure(0))]
    lines = run("tail", "job-1").stdout.splitlines()
    assert [line.split()[1:4] for line in lines] == [
        ["job-1", "films", "PROCESSING"],
        ["job-1", "AccessDenied", "0.mov:"],
        ["job-1", "films", "COMPLETED_WITH_ERRORS"],
    ]


def reads(answers: dict[str, list[Any]]) -> tuple[PatientReads, Script]:
    script = Script()
    script.answers = answers

    class Client:
        def get(self, path: str, query: Json | None = None) -> Any:
            status, body = script.answer(path, query or {})
            assert status == 200
            return deepcopy(body)

    return PatientReads(Client(), lambda _: None), script  # type: ignore[arg-type]


def test_a_feed_looks_far_back_once_and_then_reads_old_active_jobs_by_id() -> None:
    old = job(job_id="job-0")
    source, script = reads(
        {
            "/jobs": [page(job(), cursor="c"), page(old), page(job(), cursor="c")],
            "/jobs/job-0": [old, job("FAILED", "job-0")],
        }
    )
    feed = JobFeed(source, None)
    seen = [[(each["jobId"], each["status"]) for each in feed.poll()] for _ in range(4)]
    active = ("job-1", "PROCESSING")
    assert seen[0] == seen[1] == [active, ("job-0", "PROCESSING")]
    assert seen[2] == [active, ("job-0", "FAILED")]
    assert seen[3] == [active]
    assert script.asked.count("/jobs") == 5
    assert script.asked.count("/jobs/job-0") == 2


def test_a_feed_returns_a_job_that_began_and_ended_between_polls() -> None:
    short = job("COMPLETED", "job-2")
    source, _ = reads({"/jobs": [page(job("FAILED")), page(short, job("FAILED")), page(short)]})
    feed = JobFeed(source, None)
    assert [[each["jobId"] for each in feed.poll()] for _ in range(3)] == [[], ["job-2"], []]


def test_failures_are_read_when_the_counts_change_and_returned_once() -> None:
    source, script = reads(
        {"/e": [page(failure(0)), page(failure(0), cursor="c"), page(failure(1, "later"))]}
    )
    feed = FailureFeed(source, "/e")
    polls = [job(), job(failed=1), job(failed=1), job(failed=2)]
    assert [[each["errorId"][-1] for each in feed.poll(state)] for state in polls] == [
        [],
        ["0"],
        [],
        ["1"],
    ]
    assert len(script.asked) == 3


def test_failures_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_feed, "_FAILURES_PER_JOB_MAX", 2)
    source, script = reads({"/e": [page(*map(failure, range(5)), cursor="c")]})
    feed = FailureFeed(source, "/e")
    assert len(list(feed.poll(job(failed=5)))) == 2
    assert not feed.complete
    assert list(feed.poll(job(failed=6))) == []
    assert len(script.asked) == 1


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Console:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(live_view, "ERR", console)
    return console


def test_a_terminal_shows_phase_progress_decisions_and_causes(terminal: Console) -> None:
    failing = {**job(put=3, failed=2), "statusReason": "odd\x1b[31m"}
    with live_view.JobView() as view:
        view.show(failing, CAUSES)
        view.trouble("no answer")
        view.trouble(None)
    shown = terminal.file.getvalue()  # type: ignore[attr-defined]
    for text in (
        "job-1  PROCESSING: processing objects",
        "PUT 3  failed 2",
        "5.0 objects/s, about 2 s left",
        "0 of 1 done",
        "2x AccessDenied of 0.mov: no; next: grant it",
        "waiting: no answer; the request is repeated",
        "odd\\x1b[31m",
    ):
        assert text in shown, text


def test_a_terminal_shows_several_jobs(terminal: Console) -> None:
    with live_view.JobsView() as view:
        view.show([])
        view.show([job(), job("INITIALIZING", "job-2")])
    shown = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "no active jobs" in shown
    assert "job-2" in shown


def test_a_job_that_is_waited_for_is_read_below_its_connector(service: Script) -> None:
    path = "/connectors/films/jobs/job-1"
    service.answers[path] = [job(), job(put=1), ENDED]
    assert run("job", "job-1", "--connector", "films", "--wait").exit_code == 0
    assert service.asked == [path] * 3
