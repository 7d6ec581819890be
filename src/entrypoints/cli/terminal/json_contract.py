"""What `--output json` prints, for each command: JSON Schemas over those of the API.

Names refer to the API's schemas (`/openapi.json`). Members are added in later versions; none is
removed, renamed or given another type. With an error the document is the API's problem document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

COMPONENTS: Final = "#/components/schemas/"
_TEXT: Final[Schema] = {"type": "string"}
_OPTIONAL_TEXT: Final[Schema] = {"type": ["string", "null"]}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_FLAG: Final[Schema] = {"type": "boolean"}


def _of(name: str) -> Schema:
    return {"$ref": COMPONENTS + name}


def _many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _object(**members: Schema) -> Schema:
    return {"type": "object", "properties": members, "required": list(members)}


_CONNECTOR: Final[Schema] = {"allOf": [_of("Connector"), _object(eTag=_TEXT)]}
_SCHEDULE: Final[Schema] = {"allOf": [_of("Schedule"), _object(eTag=_TEXT)]}
_JOB_EVENT: Final = _object(event={"const": "job"}, previousStatus=_OPTIONAL_TEXT, job=_of("Job"))

JSON_OUTPUT: Final[Mapping[str, Schema]] = {
    "connectors add": _of("SavedConnector"),
    "connectors list": _object(connectors=_many(_of("Connector"))),
    "connectors show": _CONNECTOR,
    "connectors edit": _CONNECTOR,
    "connectors limit": _CONNECTOR,
    "connectors pause": _object(connector=_of("Connector"), jobs=_many(_of("Job"))),
    "connectors resume": _object(connector=_of("Connector"), jobs=_many(_of("Job"))),
    "connectors enable": _CONNECTOR,
    "connectors disable": _CONNECTOR,
    "connectors check": _of("BucketReport"),
    "connectors delete": _object(connectorId=_TEXT, removed={"const": True}),
    "connectors import": _object(
        table=_TEXT,
        dryRun=_FLAG,
        connectors=_many(
            _object(
                id=_TEXT,
                name=_TEXT,
                bucketName=_OPTIONAL_TEXT,
                connectorId=_OPTIONAL_TEXT,
                result=_TEXT,
                reason=_OPTIONAL_TEXT,
                warnings=_many(_TEXT),
            )
        ),
        notInTable=_many(_TEXT),
    ),
    "schedule set": _SCHEDULE,
    "schedule show": _SCHEDULE,
    "schedule enable": _SCHEDULE,
    "schedule disable": _SCHEDULE,
    "schedule remove": _object(connectorId=_TEXT, removed={"const": True}),
    "plan": _of("Plan"),
    "sync": _of("Job"),
    "jobs": _object(jobs=_many(_of("Job"))),
    "job": _of("Job"),
    "watch": _of("Job"),
    "tail": {
        "anyOf": [
            _JOB_EVENT,
            _object(event={"const": "failure"}, failure=_of("Failure")),
            _object(event={"const": "moreFailures"}, jobId=_TEXT),
        ]
    },
    "errors": _object(errors=_many(_of("Failure"))),
    "errors --group cause": _object(
        causes=_many(_of("FailureCause")),
        failuresRead=_COUNT,
        objectsFailed=_COUNT,
        complete=_FLAG,
    ),
    "outcomes": _object(outcomes=_many(_of("ObjectOutcome"))),
    "explain": _of("Explanation"),
    "cancel": _of("Job"),
    "pause": _of("Job"),
    "pause --all": _of("Stage"),
    "resume": _of("Job"),
    "resume --all": _of("Stage"),
    "retrigger": _of("Job"),
    "redrive": _of("Job"),
    "removals list": _object(removals=_many(_of("Removal"))),
    "removals confirm": _of("Job"),
    "orphans find": _of("Job"),
    "orphans list": _object(orphans=_many(_of("Orphan"))),
    "doctor": _many(
        _object(check=_COUNT, subject=_TEXT, verdict=_TEXT, detail=_TEXT, fix=_OPTIONAL_TEXT)
    ),
    "up": _object(environment={"type": "object"}, log=_TEXT, console=_OPTIONAL_TEXT),
    "console": _object(url=_TEXT),
    "demo": _object(
        ok=_FLAG,
        system=_TEXT,
        jobs=_many(_of("Job")),
        kinds=_many(_object(kind=_TEXT, objects=_COUNT)),
        checks=_many(_object(name=_TEXT, kept=_FLAG, detail=_TEXT)),
    ),
}


def in_words(schema: Schema) -> str:
    """Return a schema as a short text: `{jobs: [Job]}`."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(COMPONENTS)
    if "allOf" in schema:
        return " and ".join(map(in_words, schema["allOf"]))
    if "anyOf" in schema:
        return ", or ".join(map(in_words, schema["anyOf"]))
    if "const" in schema:
        return json.dumps(schema["const"])
    kind = schema["type"]
    if kind == "array":
        return f"[{in_words(schema['items'])}]"
    if kind == "object" and "properties" in schema:
        members = (f"{name}: {in_words(each)}" for name, each in schema["properties"].items())
        return f"{{{', '.join(members)}}}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
