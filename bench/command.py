"""Runs a command, and prints what it took as JSON, with the number of lines of its output.

Run by bench/measuring.py: python bench/command.py COMMAND [ARGUMENT ...]

It is a program of its own because it needs little memory: Linux counts the peak of the process that
starts another to that one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

_PORTION_BYTES = 1024 * 1024


def main() -> None:
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines = 0
    while portion := process.stdout.read(_PORTION_BYTES):
        lines += portion.count(b"\n")
    _, status, used = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.exit(f"{sys.argv[1]} ended with {code}")
    found = {
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": time.perf_counter() - started,
        "peak_kib": used.ru_maxrss,
        "lines": lines,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
