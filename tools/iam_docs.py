"""Writes docs/iam.md from infra.policies: `make infra-docs`."""

import json
from pathlib import Path
from typing import Any, Final

from infra.config import Config
from infra.policies import ROLES, target_role_statements, target_role_trust
from infra.statements import Statement, document

PATH: Final = Path(__file__).resolve().parents[1] / "docs" / "iam.md"

_CONFIG: Final = Config(
    stage="STAGE",
    targets=("TARGET",),
    target_keys=("TARGET_KEY",),
    target_roles=("TARGET_ROLE",),
    sources=("SOURCE",),
    catalog_key="CATALOG_KEY",
    catalog_index="AssetIDIndex",
    catalog_path_index="S3PathIndex",
    catalog_snapshots=True,
    ingest_queues=("INGEST_QUEUE",),
    ingest_queue_keys=("INGEST_QUEUE_KEY",),
    kms="create",
)
# What a reader puts in, in the policies of a role in another account.
_PASTED: Final = Config(
    stage="STAGE", targets=("BUCKET",), target_keys=("KEY_ARN",), sources=("SOURCE_BUCKET",)
)
_PLACE: Final = {"partition": "aws", "region": "REGION"}
_TITLES: Final = {
    "api": "The API's function",
    "engine": "The engine's function",
    "processor": "The processor's function",
    "batch": "The role of S3 Batch Operations",
    "schedules": "The role of EventBridge Scheduler",
}
_HEAD: Final = """\
<!-- Written by `make infra-docs` from infra/policies.py; a test keeps it up to date. -->
# What each role may do

Every role has the statements below and no others. Those marked *list* grow with the choice of that
name: they stand in managed policies of this stack, as many as the list needs. What the engine may
do for schedules and removals stands in a managed policy each, because the inline policy, which has
the others, is full. No role has a managed policy of AWS. Names in braces are ARNs of this
installation; `TARGET` stands for each bucket of `TARGETS`, one by one. `*` as a resource stands
only where AWS has no resource to name (marked *no resource*): a test looks each such action up in
AWS's own list. *By AWS* marks what AWS itself does in the role's name: polling, logging, tracing,
keys.

A test runs whole jobs through the built package, in both discoveries and with each trigger,
records every call to AWS, and compares: nothing that is called is missing here, and nothing that
is here is never called, save for what that test lists by name with its reason.

Trust: the functions' roles are assumed by `lambda.amazonaws.com`, the last two by
`batchoperations.s3.amazonaws.com` and, for this installation's group of schedules,
`scheduler.amazonaws.com`, each by that service alone. Statements with `key` are there
only with a KMS key of yours (`kms=…`), `TARGET_KEY` and `CATALOG_KEY` only with `target_keys=…`
and `catalog_key=…`. `TARGET_ROLE` stands for each role of `target_roles=…`, one by one; without
them the statement is not there, and without `TARGETS` none on `TARGET` is. `SOURCE` stands for each
bucket of `sources=…`; without them the statement is not there.

`CatalogIndex` is there with `profile=generic`, `CatalogPathIndex` with `profile=medialake`, unless
`catalog_index=…` and `catalog_path_index=…` say otherwise, and `CatalogSnapshots` only with
`catalog_snapshots=true`; with `profile=none` no statement on the catalog is.

`INGEST_QUEUE` stands for each ARN of `ingest_queues=…`, `INGEST_QUEUE_KEY` for each of
`ingest_queue_keys=…`; without them these statements are not there.

What no role may do: delete an object, a version, a tag, a table or a log; read a customer's object
as API or engine, except the files in the buckets of `sources`; write to the catalog; receive or
delete a message of an ingest queue; pass any role except that of batch jobs; assume a role except
those of `target_roles`. In such a role, engine and processor have the same permissions.
"""
_TARGET_ROLE: Final = """
## A role in a bucket's account

A role of `target_roles` is not part of this installation: the owner of the buckets creates it, in
their account. For a connector with its ARN as `roleArn`, the bucket is listed, read and written in
that role, so the role must allow what engine and processor do on targets, and nothing else.
The policies below are generated from the statements above.

Replace `ENGINE_ROLE_ARN` and `PROCESSOR_ROLE_ARN`, which are the stack's outputs `EngineRoleArn`
and `ProcessorRoleArn`, `BUCKET`, the bucket's `REGION`, and `KEY_ARN`, the KMS key that the
objects are encrypted with. Leave out `TargetKeys` if you have no key, and `ReadSources` if no sync
has a `source`; `SOURCE_BUCKET` is its bucket. For several buckets,
repeat each line of `BUCKET`. In other partitions than `aws`, change the ARNs of the bucket.

### Trust policy
"""


def text() -> str:
    """Return the document."""
    parts = [_HEAD]
    for role, statements in ROLES.items():
        parts.append(f"\n## {_TITLES[role]}\n")
        parts += [_entry(statement) for statement in statements(_CONFIG)]
    return "\n".join([*parts, _target_role()])


def _target_role() -> str:
    trust = target_role_trust("ENGINE_ROLE_ARN", "PROCESSOR_ROLE_ARN")
    policy = document(target_role_statements(_PASTED), _PLACE)
    return f"{_TARGET_ROLE}{_pasted(trust)}\n### Permission policy\n{_pasted(policy)}"


def _pasted(policy: dict[str, Any]) -> str:
    return f"\n```json\n{json.dumps(policy, indent=2)}\n```\n"


def _entry(statement: Statement) -> str:
    marks = [
        mark
        for mark, there in (
            ("no resource", statement.resourceless),
            ("by AWS", statement.by_service),
            (f"list: {statement.list_of}", statement.list_of),
        )
        if there
    ]
    title = f"### {statement.sid}" + (f" (*{', '.join(marks)}*)" if marks else "")
    lines = [title, statement.reason, ""]
    lines += [f"- `{action}`" for action in statement.actions]
    lines += ["", "on", *(f"- `{resource}`" for resource in statement.resources)]
    for operator, keys in statement.conditions.items():
        lines += [f"- only if `{operator}` `{key}` = `{value}`" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write it."""
    PATH.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
