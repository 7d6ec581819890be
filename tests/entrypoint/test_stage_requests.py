"""The requests of commands to the API of a deployed stage: signed, or with a bearer token.

The local server stands for CloudFormation, which has the URL of the stage's API, and for API
Gateway, which checks a signature against the request as received.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from typer.testing import CliRunner, Result

from entrypoints.cli.main import app
from entrypoints.cli.remote.api_client import path_segment
from entrypoints.cli.remote.stage_api_client import StageApiClient

SRC = Path(__file__).resolve().parents[2] / "src"
REGION = "eu-west-1"
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "session-token")
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2ln-_"
ISSUER = "https://login.example.com/"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-west-1/execute-api/aws4_request,"
    r" SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        """Return the parameters, as a server reads them."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)


@dataclass
class Stage:
    """A stage whose API returns what a test sets, and the requests that it received."""

    outputs: dict[str, str] = field(default_factory=dict)
    answer: Callable[[Request], tuple[int, dict[str, str], Any]] = lambda _: (200, {}, {})
    stack_error: tuple[str, str] | None = None
    asked: list[Request] = field(default_factory=list)

    def respond(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/" and b"DescribeStacks" in request.body:
            if self.stack_error is not None:
                return 400, {"Content-Type": "text/xml"}, _error(*self.stack_error).encode()
            return 200, {"Content-Type": "text/xml"}, _stacks(self.outputs).encode()
        self.asked.append(request)
        status, headers, answer = self.answer(request)
        return status, {"Content-Type": "application/json", **headers}, json.dumps(answer).encode()


def _error(code: str, message: str) -> str:
    return (
        '<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>request-1</RequestId></ErrorResponse>"
    )


def _stacks(outputs: dict[str, str]) -> str:
    members = "".join(
        f"<member><OutputKey>{name}</OutputKey><OutputValue>{escape(value)}</OutputValue></member>"
        for name, value in outputs.items()
    )
    return (
        '<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">'
        "<DescribeStacksResult><Stacks><member><StackName>asset-sync-dev</StackName>"
        "<StackStatus>CREATE_COMPLETE</StackStatus>"
        f"<Outputs>{members}</Outputs></member></Stacks></DescribeStacksResult>"
        "</DescribeStacksResponse>"
    )


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = Stage()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path, dict(self.headers.items()), body)
            status, headers, content = stage.respond(request)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    stage.outputs = {"ApiUrl": url, "ApiAuthorisation": "iam"}
    for name in [name for name in os.environ if name.startswith(("AWS_", "ASSET_SYNC_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
        "AWS_SESSION_TOKEN": CREDENTIALS.token,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_CLOUDFORMATION": url,
    }.items():
        monkeypatch.setenv(name, value)
    yield stage
    server.shutdown()
    thread.join()
    server.server_close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def _checked(request: Request) -> tuple[int, dict[str, str], Any]:
    """Respond as API Gateway does: by the signature of the request as it was parsed."""
    given = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if given is None or given[2] != _signature(request, given[1].split(";")):
        return 403, {}, {"message": "The request signature we calculated does not match"}
    return 200, {}, {"items": [], "outcome": None, "chunks": [], "nextCursor": None}


def _signature(request: Request, signed: list[str]) -> str:
    """Sign what arrived with botocore's own signer, from the parameters as they were read."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    understood = AWSRequest(
        method=request.method,
        url=f"https://{headers['host']}{request.path}",
        params=request.query,
        data=request.body,
        headers={name: headers[name] for name in signed},
    )
    understood.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(CREDENTIALS, "execute-api", REGION)
    canonical = signer.canonical_request(understood)
    signature: str = signer.signature(signer.string_to_sign(understood, canonical), understood)
    return signature


AWKWARD = [
    "2026/shot 1.jpg",
    "a+b&c=d;e.jpg",
    "100%.mov",
    "a%20b%2Fc.mov",
    "~tilde-._*'()!@$,:.tif",
    "übermaß/é.tif",
    "日本/映画.mov",
    "🎬.mov",
    "#1?x=y.jpg",
    " leading and trailing ",
    "line\nbreak\ttab",
    '"quotes"\\backslash',
    "a//b/../c/./d",
]


def test_a_command_is_signed_as_it_arrives(stage: Stage) -> None:
    stage.answer = _checked
    result = run("explain", "job-1", "2026/shot 1.jpg", "--stage", "dev", "-o", "json")
    assert result.exit_code == 0, result.output
    (request,) = stage.asked
    assert request.query == [("key", "2026/shot 1.jpg")]


def test_queries_and_paths_are_signed_as_they_arrive(stage: Stage) -> None:
    stage.answer = lambda _: (200, {}, {})
    client = StageApiClient.of_stage("dev")
    for key in AWKWARD:
        client.get("/jobs/job-1/objects", {"key": key})
        client.get(f"/jobs/{path_segment(key)}")
    by_query, by_path = stage.asked[::2], stage.asked[1::2]
    assert [dict(request.query)["key"] for request in by_query] == AWKWARD
    assert [unquote(request.path) for request in by_path] == [f"/jobs/{key}" for key in AWKWARD]
    assert [request.target for request in stage.asked if _checked(request)[0] != 200] == []


def test_a_body_and_its_headers_are_signed(stage: Stage) -> None:
    stage.answer = _checked
    run("sync", "media", "--prefix", "übermaß/", "--idempotency-key", "a b", "--stage", "dev")
    (request,) = stage.asked
    assert json.loads(request.body)["prefixes"] == ["übermaß/"]
    assert _checked(request)[0] == 200


def test_every_page_of_a_list_is_signed(stage: Stage) -> None:
    cursors = iter(["a+b/c==", None])

    def answer(request: Request) -> tuple[int, dict[str, str], Any]:
        status, headers, body = _checked(request)
        return status, headers, {**body, "nextCursor": next(cursors)}

    stage.answer = answer
    result = run("jobs", "--stage", "dev")
    assert result.exit_code == 0, result.output
    assert [dict(request.query).get("cursor") for request in stage.asked] == [None, "a+b/c=="]


def test_a_refused_signature_names_the_required_permission(stage: Stage) -> None:
    stage.answer = lambda _: (403, {}, {"message": "Forbidden"})
    result = run("jobs", "--stage", "dev")
    assert result.exit_code == 1
    assert "HTTP 403 (Forbidden)" in result.output
    assert "execute-api:Invoke" in result.output


def test_without_credentials_the_error_says_how_to_sign_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "typo")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    result = run("jobs", "--stage", "dev")
    assert (result.exit_code, stage.asked) == (1, [])
    assert "typo" in result.output
    assert "AWS_PROFILE" in result.output


@pytest.fixture
def jwt_stage(stage: Stage) -> Stage:
    """A stage with auth=jwt."""
    stage.outputs |= {
        "ApiAuthorisation": "jwt",
        "ApiTokenIssuer": ISSUER,
        "ApiTokenAudience": "asset-sync",
    }

    def answer(request: Request) -> tuple[int, dict[str, str], Any]:
        given = request.headers.get("Authorization")
        if given == f"Bearer {TOKEN}":
            return 200, {}, {"items": []}
        challenge = (
            'Bearer scope="" error="invalid_token" error_description="the token has expired"'
        )
        headers = {"WWW-Authenticate": challenge if given else "Bearer"}
        return 401, headers, {"message": "Unauthorized"}

    stage.answer = answer
    return stage


@pytest.mark.parametrize("command", [["jobs"], ["connectors", "list"]])
@pytest.mark.parametrize("by", ["option", "variable"])
@pytest.mark.parametrize("api", ["stage", "url"])
def test_a_token_is_sent(
    jwt_stage: Stage, monkeypatch: pytest.MonkeyPatch, command: list[str], by: str, api: str
) -> None:
    arguments = ["--stage", "dev"] if api == "stage" else ["--api-url", jwt_stage.outputs["ApiUrl"]]
    if by == "option":
        arguments += ["--token", TOKEN]
    else:
        monkeypatch.setenv("ASSET_SYNC_TOKEN", f"{TOKEN}\n")
    result = run(*command, *arguments)
    assert result.exit_code == 0, result.output
    assert TOKEN not in result.output
    (request,) = jwt_stage.asked
    assert "X-Amz-Date" not in request.headers


@pytest.mark.parametrize("output", ["human", "json"])
@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, f"requires a token (a JWT of {ISSUER} for asset-sync): set ASSET_SYNC_TOKEN"),
        ("an-old-one", "rejected the token (the token has expired)"),
    ],
)
def test_a_401_says_what_to_do(
    jwt_stage: Stage, monkeypatch: pytest.MonkeyPatch, output: str, token: str | None, message: str
) -> None:
    if token:
        monkeypatch.setenv("ASSET_SYNC_TOKEN", token)
    result = run("jobs", "--stage", "dev", "-o", output)
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert "an-old-one" not in result.output


@pytest.mark.parametrize("token", [None, "an-old-one"])
def test_a_401_of_a_url_says_what_to_do(
    jwt_stage: Stage, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token:
        monkeypatch.setenv("ASSET_SYNC_TOKEN", token)
    result = run("jobs", "--api-url", jwt_stage.outputs["ApiUrl"])
    assert result.exit_code == 1
    assert "ASSET_SYNC_TOKEN" in result.output
    assert "HTTP 401" in result.output


@pytest.mark.parametrize("token", ["Bearer abc", "abc\ndef", '"abc"', "abc def", "ключ"])
def test_an_invalid_token_is_neither_sent_nor_shown(
    jwt_stage: Stage, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("ASSET_SYNC_TOKEN", token)
    result = run("jobs", "--stage", "dev")
    assert (result.exit_code, jwt_stage.asked) == (1, [])
    assert "is not a bearer token" in " ".join(result.output.split())
    assert token not in result.output


def test_a_token_is_not_sent_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSET_SYNC_TOKEN", TOKEN)
    result = run("jobs", "--api-url", "http://api.example.com")
    assert result.exit_code == 1
    assert "https://" in result.output
    assert TOKEN not in result.output


def test_a_stage_with_signatures_gets_no_token(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSET_SYNC_TOKEN", TOKEN)
    stage.answer = _checked
    result = run("jobs", "--stage", "dev")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        ("ValidationError", "Stack with id asset-sync-dev does not exist", "make deploy STAGE=dev"),
        ("ExpiredToken", "The security token included in the request is expired", "aws sso login"),
        ("InvalidClientTokenId", "The security token is invalid", "AWS_PROFILE"),
        ("AccessDenied", "not authorized", "cloudformation:DescribeStacks on asset-sync-dev"),
    ],
)
def test_a_stage_that_cannot_be_read_has_a_cause_and_a_next_step(
    stage: Stage, code: str, message: str, remedy: str
) -> None:
    stage.stack_error = (code, message)
    done = run("jobs", "--stage", "dev")
    assert done.exit_code == 1
    assert "the stack asset-sync-dev cannot be read: " in done.stderr
    assert message in done.stderr
    assert remedy in done.stderr.partition(message)[2]
    assert stage.asked == []


@pytest.mark.usefixtures("stage")
def test_without_a_region_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    done = run("jobs", "--stage", "dev")
    assert (done.exit_code, "set AWS_REGION" in done.stderr) == (1, True)


@pytest.mark.usefixtures("stage")
def test_without_credentials_the_next_step_is_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    done = run("jobs", "--stage", "dev")
    assert (done.exit_code, "aws sso login" in done.stderr) == (1, True)


@pytest.mark.usefixtures("stage")
def test_an_unreachable_cloudformation_is_not_a_missing_stage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    done = run("jobs", "--stage", "dev")
    assert done.exit_code == 1
    assert "check the network" in done.stderr
    assert "make deploy" not in done.stderr


def test_the_console_of_a_stage_sends_signed_requests(stage: Stage) -> None:
    def answer(request: Request) -> tuple[int, dict[str, str], Any]:
        status, headers, found = _checked(request)
        return status, headers, {**found, "paths": {}} if status == HTTPStatus.OK else found

    stage.answer = answer
    main = "from entrypoints.cli.main import main; main()"
    options = ("--stage", "dev", "--port", "0", "--no-browser", "-o", "json")
    with subprocess.Popen(
        [sys.executable, "-c", main, "console", *options],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["url"]
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            for path in ("", "jobs?connectorId=a+b%2Fc&status=FAILED", "connectors"):
                host, _, key = url.partition("?")
                with opener.open(f"{host}{path}" if path else f"{host}?{key}", timeout=20) as page:
                    text = page.read().decode()
                assert "Stage: </span>dev<" in text
        finally:
            process.terminate()
            process.wait(20)
    assert {request.path for request in stage.asked} == {"/connectors", "/jobs", "/openapi.json"}
    assert all("Authorization" in request.headers for request in stage.asked)
