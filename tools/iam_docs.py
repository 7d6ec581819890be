"""Writes docs/iam.md from infra.policies: `make infra-docs`."""

from pathlib import Path
from typing import Final

from infra.config import Config
from infra.policies import ROLES
from infra.statements import Statement

PATH: Final = Path(__file__).resolve().parents[1] / "docs" / "iam.md"

_CONFIG: Final = Config(
    stage="STAGE",
    targets=("TARGET",),
    target_keys=("TARGET_KEY",),
    catalog_key="CATALOG_KEY",
    kms="create",
)
_TITLES: Final = {
    "api": "The API's function",
    "engine": "The engine's function",
    "processor": "The processor's function",
    "batch": "The role of S3 Batch Operations",
}
_HEAD: Final = """\
<!-- Written by `make infra-docs` from infra/policies.py; a test keeps it in step. -->
# What each role may do

Every role has one inline policy with the statements below, and no managed policy. Names in braces
are ARNs of this installation; `TARGET` stands for each bucket of `TARGETS`, one by one. `*` as a
resource stands only where AWS has no resource to name (marked *no resource*): a test looks each
such action up in AWS's own list. *By AWS* marks what AWS itself does in the role's name: polling,
logging, tracing, keys.

A test runs whole jobs through the built package, in both discoveries and with both triggers,
records every call to AWS, and compares: nothing that is called is missing here, and nothing that
is here is never called, save for what that test lists by name with its reason.

Trust: the functions' roles are assumed by `lambda.amazonaws.com`, the last one by
`batchoperations.s3.amazonaws.com`, each by that service alone. Statements with `key` are there
only with a KMS key of yours (`kms=…`), `TARGET_KEY` and `CATALOG_KEY` only with `target_keys=…`
and `catalog_key=…`.

What nobody may: delete an object, a version, a tag, a table or a log; read a customer's object as
API or engine; pass any role but that of batch jobs; assume a role.
"""


def text() -> str:
    """Return the document."""
    parts = [_HEAD]
    for role, statements in ROLES.items():
        parts.append(f"\n## {_TITLES[role]}\n")
        parts += [_entry(statement) for statement in statements(_CONFIG)]
    return "\n".join(parts)


def _entry(statement: Statement) -> str:
    marks = [
        mark
        for mark, there in (
            ("no resource", statement.resourceless),
            ("by AWS", statement.by_service),
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
