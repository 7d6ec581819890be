"""The file of `up --env-file`: its owner, and its removal."""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrypoints.cli.local.environment_file import EnvironmentFile, UnusableFile
from entrypoints.cli.local.serve import for_clients

ENVIRONMENT = {"AWS_REGION": "us-east-1", "ODD": "it's; $HOME `x`\nline"}


def read(file: Path) -> dict[str, str]:
    words = shlex.split(file.read_text(), comments=True)
    return dict(word.split("=", 1) for word in words if word != "export")


def test_it_exists_as_long_as_the_service(tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    with EnvironmentFile(file) as environment_file:
        assert not file.exists()  # scripts wait for it
        environment_file.write(ENVIRONMENT)
        assert read(file) == ENVIRONMENT
        assert [path.name for path in tmp_path.iterdir()] == ["a.env"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [False, True])
def test_it_is_gone_after_an_error_at_any_time(tmp_path: Path, written: bool) -> None:
    def fail() -> None:
        with EnvironmentFile(tmp_path / "a.env") as file:
            if written:
                file.write(ENVIRONMENT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def make_other(path: Path) -> None:
    path.write_text("PASSWORD=mine\n")


def make_empty(path: Path) -> None:
    path.touch()


def make_folder(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_link_to_other(path: Path) -> None:
    make_other(path.with_name("target"))
    path.symlink_to("target")


def make_link_to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def make_device(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (make_other, "did not write it"),
        (make_empty, "did not write it"),
        (make_folder, "not a regular file"),
        (make_pipe, "not a regular file"),
        (make_link_to_other, "did not write it"),
        (make_link_to_nowhere, "not a regular file"),
        (make_device, "not a regular file"),
    ],
)
def test_a_file_of_another_owner_is_unchanged(
    tmp_path: Path, make: Callable[[Path], None], cause: str
) -> None:
    file = tmp_path / "a.env"
    make(file)
    before = {path.name: path.lstat().st_ino for path in tmp_path.iterdir()}
    with pytest.raises(UnusableFile, match=f"a.env.*{cause}.*another --env-file"):
        EnvironmentFile(file).__enter__()
    assert {path.name: path.lstat().st_ino for path in tmp_path.iterdir()} == before
    if make in (make_other, make_link_to_other):
        assert file.read_text() == "PASSWORD=mine\n"


def test_a_file_created_during_the_start_is_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    with EnvironmentFile(file) as environment_file:
        make_other(file)
        with pytest.raises(UnusableFile, match="did not write it"):
            environment_file.write(ENVIRONMENT)
    assert file.read_text() == "PASSWORD=mine\n"


def test_a_file_that_replaced_it_is_not_removed(tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    with EnvironmentFile(file) as environment_file:
        environment_file.write(ENVIRONMENT)
        file.unlink()
        make_other(file)
    assert file.read_text() == "PASSWORD=mine\n"


@pytest.mark.parametrize("path", ["none/a.env", "a.env/b.env", "x" * 300])
def test_a_path_that_cannot_be_written_is_named(tmp_path: Path, path: str) -> None:
    make_other(tmp_path / "a.env")
    with pytest.raises(UnusableFile, match="another --env-file"):
        EnvironmentFile(tmp_path / path).__enter__()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_forbidden_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UnusableFile, match="Permission denied"):
        EnvironmentFile(tmp_path / "a.env").__enter__()


_HOLDER = """
import sys
from pathlib import Path
from entrypoints.cli.local.environment_file import EnvironmentFile
with EnvironmentFile(Path(sys.argv[1])) as file:
    file.write({"OWNER": "first"})
    print("written", flush=True)
    sys.stdin.read()
"""


def test_the_file_of_a_running_service_is_its_own_and_that_of_a_killed_one_is_replaced(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.env"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "written\n"
        with pytest.raises(UnusableFile, match="another `asset-sync up` that is running"):
            EnvironmentFile(file).__enter__()
        assert read(file) == {"OWNER": "first"}
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    assert file.exists()
    with EnvironmentFile(file) as environment_file:
        environment_file.write(ENVIRONMENT)
        assert read(file) == ENVIRONMENT
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("a.env", ". ./a.env"),
        ("sub/a.env", ". ./sub/a.env"),
        ("/srv/a b.env", ". '/srv/a b.env'"),
        ("it's.env", """. './it'"'"'s.env'"""),
    ],
)
def test_the_command_that_reads_it_is_one_for_a_shell(path: str, command: str) -> None:
    assert EnvironmentFile(Path(path)).source_command == command


@pytest.mark.parametrize(
    ("resolved", "endpoint"),
    [
        (["127.0.0.1"], "http://localhost:7000"),
        (["192.0.2.1"], "http://x@localhost:7000"),
        (["127.0.0.1", "192.0.2.1"], "http://x@localhost:7000"),
        (None, "http://x@localhost:7000"),
    ],
)
def test_the_endpoint_of_s3_control_can_have_the_account_as_a_prefix(
    monkeypatch: pytest.MonkeyPatch, resolved: list[str] | None, endpoint: str
) -> None:
    def resolve(host: str, *_: Any, **__: Any) -> list[tuple[object, ...]]:
        assert host == "123456789012.localhost"
        if resolved is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in resolved]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:asset-sync-processor"
    name = "AWS_ENDPOINT_URL_S3_CONTROL"
    given = {"PROCESSOR_FUNCTION_ARN": arn, name: "http://127.0.0.1:7000"}
    assert for_clients(given) == {**given, name: endpoint}
