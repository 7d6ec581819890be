"""`asset-sync connectors check`."""

from __future__ import annotations

import json
from typing import Final

import typer

from domain.views import Json
from entrypoints.cli.remote.api_client import connector_path
from entrypoints.cli.remote.connector_option import ConnectorArgument
from entrypoints.cli.remote.remote_command import Remote, remote_command
from entrypoints.cli.terminal.output import OUT, Format, field, print_json, print_table

_WIDTH = 15
_NOTIFIED: Final = {
    "none": "none are sent",
    "others": "to SNS, SQS or Lambda; not to EventBridge",
    "EventBridge and others": "to EventBridge, and to SNS, SQS or Lambda",
}


@remote_command
def check(remote: Remote, connector: ConnectorArgument) -> None:
    """Look at a connector's bucket: what is there, and what is allowed.

    Exits with 1 if a sync would lack something.
    """
    report = remote.client.post(connector_path(connector, "check"))
    if remote.output is Format.JSON:
        print_json(report)
    else:
        _print(report)
    if not report["ready"]:
        raise typer.Exit(1)


def _print(report: Json) -> None:
    exists = {True: "exists", False: "does not exist", None: "not known whether it exists"}
    field("bucket", f"{report['bucketName']} ({exists[report['exists']]})", width=_WIDTH)
    if report["ownerConfirmed"]:
        field("owner", "is the expected one", width=_WIDTH)
    for name, value in report["settings"].items():
        text = _NOTIFIED.get(value, value) if name == "notifications" else value
        field(name, text or "-", width=_WIDTH)
    rows = (
        (each["action"], each["result"], "yes" if each["needed"] else "no", each["detail"])
        for each in report["permissions"]
    )
    print_table(("PERMISSION", "RESULT", "NEEDED", "DETAIL"), rows)
    for warning in report["warnings"]:
        field("warning", warning, width=_WIDTH)
    if report["missingStatement"]:
        OUT.print("add this statement to the policy of the role that reaches the bucket:")
        OUT.print(json.dumps(report["missingStatement"], indent=2))
    if report["ready"]:
        OUT.print("ready: a sync has what it needs")
