"""One execution environment: runs a handler of a built package, and imports nothing else.

Started as `python -I -S worker.py PACKAGE NAME CALLS`: no site-packages, no PYTHONPATH. Events are
lines on standard input, results are lines on standard output, and each call to AWS is a line in the
file CALLS, written by the SDK's own event hook.
"""

import importlib
import json
import os
import sys
import time
import traceback
from functools import partial
from typing import Any

# Large, and irrelevant for permissions.
_BODIES = ("Body", "Payload")


class Context:
    """The part of Lambda's context that the handlers use."""

    def __init__(self, request_id: str, remaining_s: float) -> None:
        self.aws_request_id = request_id
        self._deadline = time.monotonic() + remaining_s

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1_000))


def main() -> None:
    package, name, calls_path = sys.argv[1:]
    sys.path.insert(0, package)
    # The output of the code is its log; results have their own channel.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    calls = open(calls_path, "a", buffering=1)  # noqa: PTH123, SIM115 - until the process ends

    def record(service: str, operation: str, params: Any) -> None:
        shown = {key: value for key, value in params.items() if key not in _BODIES}
        calls.write(json.dumps([service, operation, shown], default=repr) + "\n")

    module = importlib.import_module(f"entrypoints.{name}")
    wiring = importlib.import_module(f"entrypoints.wiring.aws_{name}")
    observers = importlib.import_module("entrypoints.wiring.aws").Observers(on_request=record)
    module.RUNTIME.open_app = partial(getattr(wiring, f"open_{name}_app"), observers)
    for line in sys.stdin:
        request = json.loads(line)
        context = Context(request["requestId"], request["remainingS"])
        try:
            answer = {"result": module.handler(request["event"], context)}
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its answer
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    module.RUNTIME.close()


if __name__ == "__main__":
    main()
