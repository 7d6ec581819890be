"""Runs the ingest function of a checkout of Media Lake, as Lambda and its pipe would.

A separate process: `python driver.py CHECKOUT`. It imports `lambdas/ingest/s3/index.py` of the
checkout by its path, unchanged, with `lambdas/common_libraries` on the path as its layer. Each line
on stdin is a list of the bodies of at most ten messages of its ingest queue. The function is
invoked with them as one batch, and one line on stdout answers, `{"failure": text or null}`. The
function's own log goes to stderr.

The event is a list of SQS records: EventBridge User Guide, "Amazon SQS as a source" (of a Pipe).

Nothing leaves this machine: an audit hook refuses every address and name but the loopback's.
"""

import importlib.util
import json
import os
import sys
import traceback
import uuid
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

Json = dict[str, Any]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("socket.connect", "socket.getaddrinfo"):
        return
    address = arguments[1] if event == "socket.connect" else arguments[0]
    host = address[0] if isinstance(address, tuple) else address
    if host not in _LOOPBACK:
        raise PermissionError(f"the function asked for {address}")


def _load(checkout: Path) -> ModuleType:
    """Import the function under the name that its deployment gives it."""
    sys.path.insert(0, str(checkout / "lambdas" / "common_libraries"))
    path = checkout / "lambdas" / "ingest" / "s3" / "index.py"
    spec = importlib.util.spec_from_file_location("index", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["index"] = module
    spec.loader.exec_module(module)
    return module


def _records(bodies: list[str]) -> list[Json]:
    return [
        {
            "messageId": str(uuid.uuid4()),
            "receiptHandle": str(uuid.uuid4()),
            "body": body,
            "attributes": {},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:media-lake-ingest",
            "awsRegion": "us-east-1",
        }
        for body in bodies
    ]


def _context() -> SimpleNamespace:
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    return SimpleNamespace(
        function_name=name,
        memory_limit_in_mb=1_024,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        aws_request_id=str(uuid.uuid4()),
    )


def _invoke(function: ModuleType, bodies: list[str]) -> Json:
    try:
        function.handler(_records(bodies), _context())
    except Exception as error:  # noqa: BLE001  # reported; the harness fails on it
        traceback.print_exc()
        return {"failure": repr(error)}
    return {"failure": None}


def main() -> None:
    """Invoke the function until stdin ends."""
    sys.addaudithook(_stay_on_this_machine)
    # Whatever the function prints is its log: stdout is for the answers alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    function = _load(Path(sys.argv[1]))
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_invoke(function, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
