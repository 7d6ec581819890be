"""`asset-sync connectors`: import from a Media Lake's table, add, list; over an API in a thread."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from lambda_context import Context
from moto import mock_aws
from typer.testing import CliRunner, Result

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from entrypoints import api as api_function
from entrypoints.cli.main import app
from entrypoints.cli.remote.medialake_import import command as import_command
from entrypoints.cli.remote.medialake_import import tables as medialake_tables
from entrypoints.cli.remote.stage_api_client import StageApiClient
from entrypoints.runtime import Runtime
from entrypoints.wiring.api_app import ApiApp, api_app
from entrypoints.wiring.memory import RESULTS_BUCKET_NAME, MemoryWorld, memory_world, use_cases

EVENTS = Path(__file__).parent / "events"
Json = dict[str, Any]
Item = dict[str, Any]

REGION = "us-east-1"
TABLE = "medialake_connectors_table_dev"
ASSETS = "medialake-asset-table-dev"
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/medialake-connector-films.fifo"
DERIVED = "medialakebaseinfrastructu-mediaassetss3bucket06290-yjdpyqbwuak9"


@dataclass
class Api:
    """The real API over the memory adapters, and the bodies posted to it."""

    posted: list[Json] = field(default_factory=list)
    world: MemoryWorld = field(default_factory=memory_world)

    def answer(self, method: str, target: str, body: str) -> tuple[int, str]:
        path, _, query = target.partition("?")
        event: Json = json.loads((EVENTS / "api_http_default_stage.json").read_text())
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["requestContext"]["http"]["method"] = method
        event.update(rawQueryString=query, body=body, isBase64Encoded=False)
        event["headers"] = {"host": "api", "content-type": "application/json"}
        if method == "POST":
            self.posted.append(json.loads(body))
        response = api_function.handler(event, Context(remaining_s=29))
        return response["statusCode"], response["body"]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    made = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET", b"")

        def do_POST(self) -> None:
            self._answer("POST", self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, method: str, body: bytes) -> None:
            status, text = made.answer(method, self.path, body.decode())
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    app = api_app(use_cases(made.world.ports, Tuning()), default_discovery=Discovery.DIRECT)

    @asynccontextmanager
    async def opened() -> AsyncIterator[ApiApp]:
        yield app

    runtime: Runtime[ApiApp] = Runtime(opened)
    monkeypatch.setattr(api_function, "RUNTIME", runtime)

    def serve() -> None:
        server.serve_forever(0.01)
        runtime.close()

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setenv("ASSET_SYNC_API_URL", f"http://127.0.0.1:{server.server_port}")
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """DynamoDB with the connector table of a Media Lake."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("RESULTS_BUCKET_NAME", raising=False)
    for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x"), ("REGION", REGION)):
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION)
        _create(client, TABLE, "id")
        yield client
        client.close()


def _create(client: Any, table_name: str, key: str) -> None:
    client.create_table(
        TableName=table_name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _put(tables: Any, source_id: str, bucket_name: str, **more: Item) -> None:
    """Write an item of the form in which Media Lake v1.18.3 writes it."""
    item: Item = {
        "id": {"S": source_id},
        "name": {"S": f"the {bucket_name}"},
        "type": {"S": "s3"},
        "status": {"S": "active"},
        "createdAt": {"S": "2026-01-01T00:00:00"},
        "storageIdentifier": {"S": bucket_name},
        "integrationMethod": {"S": "eventbridge"},
        "region": {"S": REGION},
        "queueUrl": {"S": QUEUE},
        "objectPrefix": {"NULL": True},
        "allowedFileExtensions": {"L": []},
        "fileFilter": {"NULL": True},
        "allowUploads": {"BOOL": False},
        **more,
    }
    tables.put_item(TableName=TABLE, Item=item)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["connectors", *arguments])


def import_json(*arguments: str, exit_code: int = 0) -> Json:
    done = run("import", "--from-table", TABLE, *arguments, "--output", "json")
    assert done.exit_code == exit_code, done.output
    document: Json = json.loads(done.stdout)
    return document


def results(document: Json) -> dict[str, str]:
    return {each["bucketName"]: each["result"] for each in document["connectors"]}


# import


def test_an_import_registers_once_and_a_second_one_nothing(api: Api, tables: Any) -> None:
    allow = {"M": {"mode": {"S": "allow"}, "extensions": {"L": [{"S": "mov"}]}}}
    _put(tables, "1", "films", objectPrefix={"L": [{"S": "raw"}]}, fileFilter=allow)
    _put(tables, "2", "photos", status={"S": "inactive"}, queueUrl={"NULL": True})
    first = import_json("--yes", "--ids", "assigned")
    assert results(first) == {"films": "created", "photos": "created"}
    assert api.posted == [each["body"] for each in first["connectors"]]
    films, photos = api.posted
    assert films == {
        "connectorId": "medialake-1",
        "bucketName": "films",
        "prefixes": ["raw/"],
        "status": "ENABLED",
        "trigger": "copy",
        "ids": "assigned",
        "ingestQueueUrl": QUEUE,
        "fileFilter": {"mode": "allow", "extensions": ["mov"], "mimeTypes": []},
    }
    assert (photos["status"], "ingestQueueUrl" in photos) == ("DISABLED", False)
    again = import_json("--yes", "--ids", "assigned")
    assert results(again) == {"films": "unchanged", "photos": "unchanged"}
    assert len(api.posted) == 2
    _put(tables, "3", "sounds")
    more = import_json("--yes", "--ids", "assigned")
    assert results(more) == {"films": "unchanged", "photos": "unchanged", "sounds": "created"}
    assert [body["connectorId"] for body in api.posted[2:]] == ["medialake-3"]


def test_a_dry_run_registers_nothing(api: Api, tables: Any) -> None:
    _put(tables, "1", "films")
    assert results(import_json("--dry-run", "--yes")) == {"films": "new"}
    shown = run("import", "--from-table", TABLE, "--dry-run")
    assert (shown.exit_code, api.posted) == (0, [])
    assert "medialake-1" in shown.stdout
    assert "1 connector would be registered" in shown.stdout


def test_without_yes_and_without_a_terminal_nothing_is_registered(api: Api, tables: Any) -> None:
    _put(tables, "1", "films")
    done = run("import", "--from-table", TABLE)
    assert (done.exit_code, "--yes" in done.stdout, api.posted) == (1, True, [])
    assert results(import_json(exit_code=1)) == {"films": "new"}
    assert api.posted == []


@pytest.mark.parametrize(("answer", "exit_code", "count"), [("y\n", 0, 1), ("n\n", 1, 0)])
def test_at_a_terminal_it_asks_for_confirmation(
    api: Api,
    tables: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    exit_code: int,
    count: int,
) -> None:
    _put(tables, "1", "films")
    monkeypatch.setattr(import_command, "_at_a_terminal", lambda: True)
    done = CliRunner().invoke(app, ["connectors", "import", "--from-table", TABLE], input=answer)
    assert (done.exit_code, len(api.posted)) == (exit_code, count)
    assert "Register 1 connector?" in done.stderr


def test_a_refused_or_invalid_connector_does_not_stop_the_others(api: Api, tables: Any) -> None:
    _put(tables, "1", RESULTS_BUCKET_NAME)
    _put(tables, "2", "photos")
    _put(tables, "4", "not a bucket")
    tables.put_item(TableName=TABLE, Item={"id": {"S": "3"}, "name": {"S": "Odd"}})
    document = import_json("--yes", exit_code=1)
    assert results(document) == {
        "": "invalid",
        "not a bucket": "refused",
        RESULTS_BUCKET_NAME: "refused",
        "photos": "created",
    }
    reasons = {each["name"]: each["reason"] for each in document["connectors"]}
    assert reasons["Odd"] == "not a connector: it names no bucket (storageIdentifier)"
    assert "results bucket" in reasons[f"the {RESULTS_BUCKET_NAME}"]
    shown = run("import", "--from-table", TABLE, "--yes")
    assert shown.exit_code == 1
    assert "3: invalid: not a connector: it names no bucket" in shown.stdout
    assert "medialake-4: refused: bucketName: is not a bucket" in shown.stderr


def test_a_differing_connector_is_shown_and_unchanged(api: Api, tables: Any) -> None:
    _put(tables, "1", "films")
    import_json("--yes")
    shown = run("import", "--from-table", TABLE, "--yes", "--trigger", "queue")
    assert (shown.exit_code, len(api.posted)) == (0, 1)
    assert 'trigger: "copy" is registered, "queue" results' in shown.stdout
    assert "there is nothing to register" in shown.stdout
    (each,) = import_json("--trigger", "queue")["connectors"]
    assert each["differences"] == [{"field": "trigger", "registered": "copy", "table": "queue"}]


def test_buckets_of_derived_files_are_found_by_name_option_and_records(
    api: Api, tables: Any
) -> None:
    for number, bucket in enumerate((DERIVED, "named", "recorded", "films")):
        _put(tables, str(number), bucket)
    _create(tables, ASSETS, "InventoryID")
    location = {"M": {"PrimaryLocation": {"M": {"Bucket": {"S": "recorded"}}}}}
    representations = {"L": [{"M": {"Purpose": {"S": "proxy"}, "StorageInfo": location}}]}
    key = {"S": "asset:uuid:1"}
    tables.put_item(
        TableName=ASSETS, Item={"InventoryID": key, "DerivedRepresentations": representations}
    )
    options = ("--derived-bucket", "named", "--assets-table", ASSETS)
    assert results(import_json("--yes", *options)) == {
        DERIVED: "left out",
        "films": "created",
        "named": "left out",
        "recorded": "left out",
    }
    asked = import_json("--dry-run", "--include-derived", *options)
    assert results(asked)[DERIVED] == "new"
    assert [bool(each["warnings"]) for each in asked["connectors"]] == [False, True, True, True]


def test_a_known_results_bucket_is_left_out(
    api: Api, tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(tables, "1", "films")
    monkeypatch.setenv("RESULTS_BUCKET_NAME", "films")
    assert results(import_json("--yes")) == {"films": "left out"}


def test_the_outputs_of_a_stage_name_its_results_bucket() -> None:
    outputs = {"ApiUrl": "https://x.example.com", "ResultsBucket": "results"}
    client = StageApiClient(outputs, boto3.Session(region_name=REGION))
    assert import_command._results_bucket(client) == "results"


def test_warnings_and_deleted_connectors_are_shown(api: Api, tables: Any) -> None:
    _put(tables, "1", "films")
    import_json("--yes")
    tables.delete_item(TableName=TABLE, Key={"id": {"S": "1"}})
    _put(tables, "2", "films", region={"S": "eu-west-1"})
    shown = run("import", "--from-table", TABLE, "--dry-run").stdout
    assert "medialake-1: registered, but not in this table" in shown
    assert "medialake-2: warning: the bucket is in eu-west-1, the table in us-east-1" in shown
    assert "medialake-2: warning: connector medialake-1 is already registered for" in shown


def test_every_page_of_a_table_is_read(api: Api, tables: Any) -> None:
    name = {"S": "n" * 300_000}  # four of them exceed one page of a Scan, 1 MB
    for number in range(8):
        _put(tables, str(number), f"bucket-{number}", name=name)
    assert len(import_json("--dry-run")["connectors"]) == 8


def test_a_sample_of_records_is_bounded(
    api: Api, tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(medialake_tables, "SAMPLED_RECORD_COUNT", 3)
    _create(tables, ASSETS, "InventoryID")
    for number in range(7):
        location = {"M": {"PrimaryLocation": {"M": {"Bucket": {"S": f"b{number}"}}}}}
        representations = {"L": [{"M": {"StorageInfo": location}}]}
        item = {
            "InventoryID": {"S": str(number)},
            "DerivedRepresentations": representations,
        }
        tables.put_item(TableName=ASSETS, Item=item)
    assert len(medialake_tables.MediaLakeTables().derived_buckets(ASSETS)) == 3


def test_an_empty_table_has_nothing_to_import(api: Api, tables: Any) -> None:
    shown = run("import", "--from-table", TABLE, "--yes")
    assert (shown.exit_code, f"the table {TABLE} has no connectors" in shown.stdout) == (0, True)
    assert import_json("--yes")["connectors"] == []


def test_a_missing_table_is_named(api: Api, tables: Any) -> None:
    done = run("import", "--from-table", "other", "--yes", "--output", "json")
    assert done.exit_code == 1
    assert "there is no such table in us-east-1" in json.loads(done.stdout)["detail"]
    _put(tables, "1", "films")
    without_assets = run("import", "--from-table", TABLE, "--assets-table", "other", "--yes")
    assert (without_assets.exit_code, api.posted) == (1, [])
    assert "the table other cannot be read" in without_assets.stderr


def test_a_forbidden_table_is_named(api: Api, tables: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
        raise ClientError(answer, "Scan")

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", deny)
    done = run("import", "--from-table", TABLE, "--yes")
    assert (done.exit_code, "grant yourself dynamodb:Scan" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("missing", "word"),
    [("AWS_REGION", "no Region is set"), ("AWS_ACCESS_KEY_ID", "there are no credentials")],
)
def test_what_the_sdk_lacks_is_named(
    api: Api, tables: Any, monkeypatch: pytest.MonkeyPatch, missing: str, word: str
) -> None:
    monkeypatch.delenv(missing)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY" if "KEY" in missing else "AWS_DEFAULT_REGION", False)
    done = run("import", "--from-table", TABLE, "--yes")
    assert (done.exit_code, word in done.stderr) == (1, True), done.stderr


# add, list


def test_add_sends_its_options(api: Api) -> None:
    assert run("add", "films").exit_code == 0
    options = ("--trigger", "queue", "--queue-url", QUEUE, "--ids", "assigned")
    more = (
        "--verify",
        "catalog",
        "--no-restore-tags",
        "--allow",
        ".MOV",
        "--allow",
        "mp4",
        "--allow",
        "mov",
    )
    assert run("add", "films", "--id", "f", *options, *more).exit_code == 0
    assert run("add", "films", "--deny", "psd").exit_code == 0
    plain, whole, denied = api.posted
    assert plain == {"bucketName": "films", "trigger": "copy", "ids": "minted"}
    assert whole == {
        "bucketName": "films",
        "connectorId": "f",
        "trigger": "queue",
        "ids": "assigned",
        "verify": "catalog",
        "ingestQueueUrl": QUEUE,
        "restoreTags": False,
        "fileFilter": {"mode": "allow", "extensions": ["mov", "mp4"], "mimeTypes": []},
    }
    assert denied["fileFilter"] == {"mode": "deny", "extensions": ["psd"], "mimeTypes": []}


@pytest.mark.parametrize(
    "arguments",
    [("--trigger", "queue"), ("--allow", "mov", "--deny", "psd")],
)
def test_add_refuses_conflicting_options(api: Api, arguments: tuple[str, ...]) -> None:
    assert (run("add", "films", *arguments).exit_code, api.posted) == (2, [])


def test_options_are_checked_before_the_api_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSET_SYNC_API_URL", raising=False)
    assert run("add", "films", "--trigger", "queue").exit_code == 2
    assert run("list").exit_code == 1


@pytest.mark.parametrize(
    ("trigger", "listener"),
    [
        ("copy", "S3's own ObjectCreated:Copy event"),
        ("event", "a Media Lake is not one"),
        ("queue", "ingest queue"),
    ],
)
def test_add_reports_the_subscriber(api: Api, trigger: str, listener: str) -> None:
    shown = run("add", "films", "--trigger", trigger, "--queue-url", QUEUE).stdout
    (line,) = [line for line in shown.splitlines() if line.startswith(f"trigger {trigger}:")]
    assert listener in line


def test_list_shows_trigger_and_source_of_ids(api: Api) -> None:
    run("add", "films", "--id", "made", "--ids", "assigned", "--trigger", "event")
    heading, row = run("list").stdout.splitlines()
    assert heading.split() == [
        "CONNECTOR",
        "BUCKET",
        "PREFIXES",
        "STATUS",
        "TRIGGER",
        "IDS",
        "VERIFY",
        "NEXT",
        "RUN",
        "ROLE",
    ]
    assert row.split() == ["made", "films", "ENABLED", "event", "assigned", "tags"]


def test_lists_report_unreadable_records(api: Api) -> None:
    run("add", "films", "--id", "films")
    run("add", "photos", "--id", "photos")
    api.world.database.unreadable["films"] = "KeyError('status')"
    shown = run("list")
    assert (shown.exit_code, len(shown.stdout.splitlines())) == (0, 2)
    assert "unreadable: films: films cannot be read: KeyError('status')" in shown.stderr

    CliRunner().invoke(app, ["sync", "photos"])
    [job] = api.world.database.jobs
    api.world.database.unreadable[job.job_id] = "a later version's"
    shown = CliRunner().invoke(app, ["jobs", "--output", "json"])
    assert (shown.exit_code, json.loads(shown.stdout)) == (0, {"jobs": []})
    assert f"unreadable: {job.job_id}" in shown.stderr
