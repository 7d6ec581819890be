"""What a look at the bucket found before a connector was saved."""

from __future__ import annotations

import json

from domain.bucket_report import Probed
from domain.views import Json
from entrypoints.cli.terminal.output import warn


def print_check(report: Json | None) -> None:
    """Print on standard error what a look at the bucket found, before the connector was saved."""
    for warning in (report or {}).get("warnings", ()):
        warn("warning:", warning)
    for each in (report or {}).get("permissions", ()):
        if each["result"] == Probed.DENIED:
            warn("denied:", f"{each['action']}: {each['detail']}")
    if report and report["missingStatement"]:
        warn("missing:", json.dumps(report["missingStatement"]))
