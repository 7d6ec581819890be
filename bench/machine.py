"""What the figures are of: the machine, and the versions of what was measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from listings import find_program

_PACKAGES = ("aioboto3", "aiobotocore", "aiohttp", "boto3", "botocore")
_PROGRAMS = {"s5cmd": "version", "rclone": "version"}


def machine() -> dict[str, str]:
    """Return names and values, in the order in which they are shown."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{_memory_gib():.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        **{name: _version_of(name, argument) for name, argument in _PROGRAMS.items()},
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", _text("/proc/cpuinfo"), flags=re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8") if Path(path).is_file() else ""


def _version_of(name: str, argument: str) -> str:
    program = find_program(name)
    if program is None:
        return "not installed"
    ran = subprocess.run([program, argument], check=True, stdout=subprocess.PIPE, text=True)
    return ran.stdout.split("\n")[0].removeprefix(name).strip()
