"""The log of the local service: one format, and a full disk."""

import json
import logging
import uuid
from pathlib import Path

import pytest
from aws_lambda_powertools import Logger

from entrypoints.wiring.log_file import LogFile, logging_to


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogFile, "_reported", False)


def test_every_line_is_json_from_every_logger(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    ours = Logger(service=uuid.uuid4().hex, logger_handler=LogFile(path))
    with logging_to(path):
        logging.getLogger("adapters.local_aws.lambda_service").warning(
            "function %s failed", "x\ny\x1b"
        )
        ours.info("reported")
        error = ValueError("a\nbug")
        logging.getLogger("aiohttp.server").error("Error handling request", exc_info=error)
    logging.getLogger("other").warning("after")

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["message"] for line in lines] == [
        "function x\ny\x1b failed",
        "reported",
        "Error handling request",
    ]
    assert [line["level"] for line in lines] == ["WARNING", "INFO", "ERROR"]
    assert "ValueError: a\nbug" in lines[2]["exception"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_a_full_disk_is_reported_once_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(Path("/dev/full")):
        for number in range(50):
            logging.getLogger("a").warning("line %d", number)
    said = capsys.readouterr().err
    assert said == (
        "the log /dev/full is incomplete: No space left on device; the service continues to run\n"
    )
