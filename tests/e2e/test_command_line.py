"""The commands, as users and scripts run them, and other clients against `asset-sync up`."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from entrypoints.cli.main import app

Json = dict[str, Any]

pytestmark = pytest.mark.slow

_COMMAND = [sys.executable, "-c", "from entrypoints.cli.main import main; main()"]
_WAIT_S = 90


def _environment(**more: str) -> dict[str, str]:
    """Return this process's environment, with the source and without AWS's and our variables."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "ASSET_SYNC_"))}
    path = os.pathsep.join(filter(None, sys.path))
    return {**kept, "PYTHONPATH": path, "PYTHONWARNINGS": "error", **more}


def _run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *arguments],
        env=_environment(**more),
        capture_output=True,
        text=True,
        timeout=_WAIT_S,
        check=False,
    )


# --- demo


@pytest.mark.parametrize("discovery", ["batch", "direct"])
def test_demo_prints_one_document_with_both_jobs(discovery: str) -> None:
    # The user's own AWS configuration must not redirect it.
    theirs = {
        "AWS_PROFILE": "unknown",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "CATALOG_PROFILE": "generic",
    }
    options = ("--objects", "23", "--discovery", discovery, "--output", "json")
    done = _run("demo", *options, **theirs)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["ok"], document["system"]) == (True, "medialake")
    first, second = (job["statistics"] for job in document["jobs"])
    assert {job["discovery"] for job in document["jobs"]} == {discovery}
    rest = {"ingesting": 1, "notTaken": 1, "notMedia": 1, "failed": 0}
    assert (
        first.items() >= {"put": 15, "copied": 1, "skipped": 2, "tagsRestored": 1, **rest}.items()
    )
    assert second.items() >= {"put": 0, "copied": 0, "skipped": 18, **rest}.items()
    assert first["objectsNotMedia"] == second["objectsNotMedia"] == 2
    assert len(document["kinds"]) == 11
    (left,) = document["notTaken"]
    assert (left["outcome"], left["triggerCount"]) == ("NOT_TAKEN", 3)
    assert all(check["kept"] for check in document["checks"])
    assert not any(word in done.stderr for word in ("Traceback", "Warning", "ignored"))


def test_demo_with_a_system_that_takes_everything() -> None:
    options = ("--system", "everything", "--objects", "13", "--discovery", "direct")
    done = _run("demo", *options, "--output", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["ok"], document["system"]) == (True, "everything")
    first, second = (job["statistics"] for job in document["jobs"])
    assert first.items() >= {"put": 11, "copied": 1, "skipped": 1, "objectsNotMedia": 0}.items()
    assert second.items() >= {"put": 0, "copied": 0, "skipped": 13}.items()


def test_demo_skips_and_reports_files_that_cannot_be_objects(tmp_path: Path) -> None:
    names = [b"fine.mov", b"caf\xe9 [/x].mov", b"/".join([b"n" * 240] * 5) + b"/long.mov"]
    for name in names:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "dangling.mov").symlink_to("nowhere")
    done = _run("demo", "--from", str(tmp_path), "--discovery", "direct", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert f"skipped: {tmp_path}/caf\\udce9 [/x].mov: its name is not UTF-8" in done.stderr
    assert "/long.mov: the key would be longer than 1024 bytes" in done.stderr
    assert "First sync of 1 objects" in done.stderr


def test_demo_syncs_a_folder_of_the_users(tmp_path: Path) -> None:
    media = ("a b+c.jpg", "unter/100% é.wav", "unter/ordner/写真.png")
    for name in (*media, "notes.pdf", "unter/no extension", "empty.dat"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"" if name == "empty.dat" else name.encode())
    done = _run("demo", "--from", str(tmp_path), "--discovery", "direct")
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    assert "3 new PUT (NO_IDS) SKIPPED (ASSET_KNOWN)" in shown
    assert "2 unknown extension, not media by its content type NOT_MEDIA NOT_MEDIA" in shown
    assert "1 sidecar, document or archive left out when listed left out when listed" in shown
    assert "listed 5 objects" in shown
    assert "FAILED  " not in shown


# --- up


@dataclass
class Up:
    """A running `asset-sync up`."""

    process: subprocess.Popen[str]
    file: Path

    def environment(self) -> dict[str, str]:
        """Read the file, as a shell would."""
        deadline = time.monotonic() + _WAIT_S
        while "ASSET_SYNC_API_URL" not in (text := self._text()):
            assert self.process.poll() is None, "it ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        words = shlex.split(text)
        return dict(word.split("=", 1) for word in words if "=" in word)

    def _text(self) -> str:
        return self.file.read_text() if self.file.exists() else ""

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_WAIT_S)


@pytest.fixture(scope="module")
def ups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Up, Up]]:
    """Two stacks at the same time, one with each asset system."""
    folder = tmp_path_factory.mktemp("up")
    with ExitStack() as stack:
        found = []
        for name, system in (("one", ()), ("two", ("--system", "everything"))):
            file, log = folder / f"{name}.env", folder / f"{name}.txt"
            output = stack.enter_context(log.open("w"))
            process = subprocess.Popen(
                [*_COMMAND, "up", "--port", "0", "--env-file", str(file), *system],
                env=_environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(_end, process)
            found.append(Up(process, file))
        yield found[0], found[1]


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()


# A customer's own script, with an unmodified boto3.
_FOREIGN_CLIENT = r"""
import json, os, time, urllib.request, warnings
warnings.simplefilter("error")
import boto3

account = os.environ["PROCESSOR_FUNCTION_ARN"].split(":")[4]
s3, sqs, dynamodb, control = map(boto3.client, ("s3", "sqs", "dynamodb", "s3control"))
s3.create_bucket(Bucket="foreign")
s3.put_object(Bucket="foreign", Key="a b+c é.jpg", Body=b"x")
rows = b"foreign,a%20b%2Bc%20%C3%A9.jpg\n"
manifest = s3.put_object(Bucket="foreign", Key="m/manifest.csv", Body=rows)
created = control.create_job(
    AccountId=account, ConfirmationRequired=False, Priority=1, ClientRequestToken="once",
    RoleArn=os.environ["BATCH_OPERATIONS_ROLE_ARN"],
    Operation={"LambdaInvoke": {"FunctionArn": os.environ["PROCESSOR_FUNCTION_ARN"],
        "InvocationSchemaVersion": "2.0"}},
    Manifest={"Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
        "Location": {"ObjectArn": "arn:aws:s3:::foreign/m/manifest.csv", "ETag": manifest["ETag"]}},
    Report={"Bucket": "arn:aws:s3:::foreign", "Prefix": "r", "Enabled": True,
        "Format": "Report_CSV_20180820", "ReportScope": "AllTasks"})
for _ in range(300):
    job = control.describe_job(AccountId=account, JobId=created["JobId"])["Job"]
    if job["Status"] in ("Complete", "Failed"):
        break
    time.sleep(0.1)
keys = [o["Key"] for o in s3.list_objects_v2(Bucket="foreign", Prefix="r/")["Contents"]]
rows = [s3.get_object(Bucket="foreign", Key=k)["Body"].read().decode() for k in keys if ".csv" in k]
with urllib.request.urlopen(os.environ["ASSET_SYNC_API_URL"] + "/connectors") as answer:
    connectors = json.load(answer)
print(json.dumps({
    "status": job["Status"], "succeeded": job["ProgressSummary"]["NumberOfTasksSucceeded"],
    "rows": rows, "connectors": connectors["items"],
    "jobs": [j["JobId"] for j in control.list_jobs(AccountId=account)["Jobs"]],
    "mine": created["JobId"],
    "queues": sqs.list_queues()["QueueUrls"],
    "assets": dynamodb.scan(TableName=os.environ["ASSETS_TABLE_NAME"])["Count"],
}))
for client in (s3, sqs, dynamodb, control):
    client.close()
"""


def test_an_unmodified_boto3_and_urllib_work_with_the_environment_file(
    ups: tuple[Up, Up],
) -> None:
    environment = ups[0].environment()
    done = subprocess.run(
        [sys.executable, "-c", _FOREIGN_CLIENT],
        env=_environment(**environment),
        capture_output=True,
        text=True,
        timeout=_WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["status"], found["succeeded"]) == ("Complete", 1)
    assert found["jobs"] == [found["mine"]]
    (row,) = found["rows"]
    assert row.startswith("foreign,a%20b%2Bc%20%C3%A9.jpg,,succeeded,200,,")
    assert '""o"":""PUT""' in row
    assert environment["PROCESSOR_QUEUE_URL"] in found["queues"]
    assert (found["connectors"], found["assets"]) == ([], 0)


class Commands:
    """The commands in this process, against one API."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env=dict(self.environment))

    def json(self, *arguments: str, exit_code: int = 0) -> Json:
        done = self.run(*arguments, "--output", "json")
        assert done.exit_code == exit_code, done.output
        document: Json = json.loads(done.stdout)
        return document


@pytest.fixture
def commands(ups: tuple[Up, Up]) -> Commands:
    return Commands({"ASSET_SYNC_API_URL": ups[0].environment()["ASSET_SYNC_API_URL"]})


_FILL = r"""
import boto3
s3 = boto3.client("s3")
s3.create_bucket(Bucket="films")
s3.put_object(Bucket="films", Key="a :100: [b]+.mov", Body=b"x")
tags = "&".join(f"t{n}=v" for n in range(9))
s3.put_object(Bucket="films", Key="full.mov", Body=b"x", Tagging=tags)
s3.close()
"""


def test_all_commands_print_one_document(ups: tuple[Up, Up], commands: Commands) -> None:
    environment = _environment(**ups[0].environment())
    subprocess.run([sys.executable, "-c", _FILL], env=environment, check=True, timeout=_WAIT_S)
    added = commands.json("connectors", "add", "films", "--id", "films", "--trigger", "copy")
    assert (added["connectorId"], added["trigger"]) == ("films", "copy")
    # The local system subscribes to the bucket before it is checked.
    assert added["check"]["warnings"] == []
    role_arn = "arn:aws:iam::210987654321:role/media"
    unseen = ("--role", role_arn, "--no-check")
    theirs = commands.json("connectors", "add", "theirs", "--id", "theirs", *unseen)
    assert theirs["roleArn"] == role_arn
    listed = commands.json("connectors", "list")["connectors"]
    assert sorted(each["connectorId"] for each in listed) == ["films", "theirs"]

    job = commands.json("sync", "films", "--discovery", "direct", "--wait", exit_code=1)
    job_id = job["jobId"]
    assert job["status"] == "COMPLETED_WITH_ERRORS"
    assert commands.json("job", job_id)["statistics"] == job["statistics"]
    assert [each["jobId"] for each in commands.json("jobs", "--connector", "films")["jobs"]] == [
        job_id
    ]
    (error,) = commands.json("errors", job_id)["errors"]
    assert (error["objectKey"], error["errorClass"]) == ("full.mov", "TagLimitExceeded")
    explained = commands.json("explain", job_id, "a :100: [b]+.mov")
    assert explained["objectKey"] == "a :100: [b]+.mov"
    redriven = commands.json("redrive", job_id, "--wait", exit_code=1)
    assert redriven["status"] == "COMPLETED_WITH_ERRORS"
    assert commands.json("cancel", job_id)["status"] == "COMPLETED_WITH_ERRORS"
    again = commands.json("sync", "films", "--include", "a*", "--wait")
    assert again["statistics"]["skipped"] == 1
    once = ("sync", "films", "--dry-run", "--include", "a*", "--idempotency-key", "k", "--wait")
    first, repeated = (commands.run(*once, "--output", "json") for _ in range(2))
    assert json.loads(first.stdout)["dryRun"] is True
    assert json.loads(repeated.stdout)["jobId"] == json.loads(first.stdout)["jobId"]
    assert "used before" not in first.stderr
    assert "the key k was used before" in repeated.stderr

    problem = commands.json("job", "job-unknown", exit_code=1)
    assert problem["status"] == 404
    problem = commands.json("explain", job_id, "not there", exit_code=1)
    assert problem["status"] == 404


def test_a_users_bucket_is_synced_and_the_second_sync_writes_nothing(
    ups: tuple[Up, Up], commands: Commands
) -> None:
    environment = ups[0].environment()
    assert environment["CATALOG_PROFILE"] == "medialake"
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    s3 = session.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"])
    s3.create_bucket(Bucket="own")
    for key in ("before a+b.jpg", "before.pdf", "before.dat"):
        s3.put_object(Bucket="own", Key=key, Body=key.encode(), Tagging="mine=1")
    commands.json("connectors", "add", "own", "--id", "own")
    # From now on, the asset system ingests uploads automatically.
    s3.put_object(Bucket="own", Key="after.wav", Body=b"after")
    _until(lambda: len(_tags(s3, "own", "after.wav")) == 3)

    first = commands.json("sync", "own", "--wait")["statistics"]
    _until(
        lambda: commands.json("sync", "own", "--dry-run", "--wait")["statistics"]["skipped"] == 2
    )
    second = commands.json("sync", "own", "--wait")["statistics"]

    assert first.items() >= {"put": 1, "skipped": 1, "notMedia": 1, "objectsNotMedia": 1}.items()
    assert second.items() >= {"put": 0, "skipped": 2, "notMedia": 1, "objectsNotMedia": 1}.items()
    assert _tags(s3, "own", "before a+b.jpg").items() >= {"mine": "1"}.items()
    assert _tags(s3, "own", "before.pdf") == {"mine": "1"}
    s3.close()
    page = environment["ASSET_SYNC_API_URL"] + "/metrics"
    with urllib.request.urlopen(page) as answer:  # noqa: S310 - our own URL
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        metrics = answer.read().decode().splitlines()
    # At least: other tests use the same service.
    counted = dict(line.rsplit(" ", 1) for line in metrics if not line.startswith("#"))
    assert float(counted["asset_sync_objects_put_total"]) >= 1
    assert float(counted["asset_sync_jobs_ended_total"]) >= 3
    copies = 'asset_sync_aws_requests_total{operation="CopyObject",service="s3"}'
    assert float(counted[copies]) >= 1


def _tags(s3: Any, bucket: str, key: str) -> dict[str, str]:
    answer = s3.get_object_tagging(Bucket=bucket, Key=key)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_tables_show_keys_and_ids_in_full(ups: tuple[Up, Up], commands: Commands) -> None:
    (newest, *_) = commands.json("jobs", "--connector", "films")["jobs"]
    shown = commands.run("jobs")
    assert (shown.exit_code, newest["jobId"] in shown.stdout) == (0, True)
    first = commands.json("jobs", "--connector", "films")["jobs"][-1]["jobId"]
    explained = commands.run("explain", first, "a :100: [b]+.mov")
    assert "a :100: [b]+.mov" in explained.stdout
    assert "full.mov" in commands.run("errors", first).stdout


def test_without_an_api_a_command_says_what_to_do() -> None:
    done = Commands({}).run("jobs")
    assert done.exit_code == 1
    assert "ASSET_SYNC_API_URL" in done.stderr
    unreachable = Commands({}).json("jobs", "--api-url", "http://127.0.0.1:9", exit_code=1)
    assert unreachable["title"] == "Unreachable"


def test_two_stacks_are_independent_and_sigterm_ends_one_cleanly(
    ups: tuple[Up, Up], commands: Commands
) -> None:
    one, two = ups
    other = two.environment()
    assert other["CATALOG_PROFILE"] == "generic"
    ports = {name: value for name, value in other.items() if value.startswith("http://")}
    assert not set(ports.values()) & set(one.environment().values())
    assert Commands(other).json("connectors", "list") == {"connectors": []}
    assert two.stop() == 0
    assert not two.file.exists()
    gone = Commands(other).json("jobs", exit_code=1)
    assert "cannot be reached" in gone["detail"]
    assert commands.json("connectors", "list")["connectors"] != []
    assert one.file.exists()


def test_up_reports_what_blocks_it_and_leaves_nothing(ups: tuple[Up, Up], tmp_path: Path) -> None:
    temporary = tmp_path / "[/tmp]"
    temporary.mkdir(parents=True)
    mine = tmp_path / "mine.env"
    mine.write_text("PASSWORD=mine\n")
    port = ups[0].environment()["ASSET_SYNC_API_URL"].rpartition(":")[2]
    for arguments, cause in (
        (("--port", port), f"cannot listen on port {port}: Address already in use; try --port 0"),
        (("--port", "0", "--env-file", str(tmp_path / "no folder" / "file")), "does not exist"),
        (("--port", "0", "--env-file", str(tmp_path)), "is not a regular file"),
        (("--port", "0", "--env-file", str(mine)), "did not write it"),
        (("--port", "0", "--env-file", str(ups[0].file)), "another `asset-sync up`"),
    ):
        done = _run("up", *arguments, TMPDIR=str(temporary))
        assert (done.returncode, cause in done.stderr) == (1, True), done.stderr
        assert "Traceback" not in done.stderr
        assert list(temporary.iterdir()) == []
    assert mine.read_text() == "PASSWORD=mine\n"
    assert "ASSET_SYNC_API_URL" in ups[0].environment()


def test_a_stopped_service_reports_what_is_lost(tmp_path: Path) -> None:
    temporary, file = tmp_path / "[/tmp]", tmp_path / "a [b].env"
    temporary.mkdir(parents=True)
    with subprocess.Popen(
        [*_COMMAND, "up", "--port", "0", "--env-file", str(file)],
        env=_environment(TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        up = Up(process, file)
        try:
            environment = up.environment()
            subprocess.run(
                [sys.executable, "-c", _FILL_MANY], env=_environment(**environment), check=True
            )
            commands = Commands(environment)
            commands.json("connectors", "add", "many", "--id", "many")
            job = commands.json("sync", "many", "--discovery", "direct")
            process.send_signal(signal.SIGHUP)  # the terminal was closed
            out, err = process.communicate(timeout=_WAIT_S)
        finally:
            _end(process)
    assert process.returncode == 0, err
    assert f". '{file}'" in out
    assert f"log: {temporary}" in out
    assert "in memory and will be lost" in err
    assert f"abandoned: job {job['jobId']} of connector many" in err
    assert not file.exists()


_FILL_MANY = r"""
import boto3
s3 = boto3.client("s3")
s3.create_bucket(Bucket="many")
for number in range(200):
    s3.put_object(Bucket="many", Key=f"{number}.mov", Body=b"x")
s3.close()
"""
