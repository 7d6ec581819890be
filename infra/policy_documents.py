"""How a role's statements are laid out in policies, so that IAM takes them.

Statements of a fixed number of resources stand in the role's inline policy. Those whose resources
are a list of the operator's (buckets, roles, keys, queues) stand in managed policies of this
installation, as many as the list needs. Statements that are set apart stand in managed policies,
too, each under the name that it gives. Each list has policies of its own, filled in its order: an
item that is appended changes the last policy of its list, and moves no other item. It imports no
AWS library.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from infra.config import Config
from infra.policies import ROLES
from infra.statements import Statement, document

# IAM User Guide, "IAM and AWS STS quotas" (checked 2026-11). White space is not counted. The first
# two cannot be raised. Of managed policies a role has 10 by default, and 20 on request.
INLINE_CHARACTERS_MAX: Final = 10_240
MANAGED_CHARACTERS_MAX: Final = 6_144
ATTACHED_COUNT: Final = 10
ATTACHED_COUNT_MAX: Final = 20

LISTS: Final = (
    "targets",
    "target_keys",
    "target_roles",
    "sources",
    "ingest_queues",
    "ingest_queue_keys",
)

# As long as the names of partitions and Regions get, for what is put in when it is deployed.
_PLACE: Final = {"partition": "aws-us-gov", "region": "x" * 20}


@dataclass(frozen=True, slots=True)
class Documents:
    """A role's policies: one inline, and managed ones by name, such as `Targets2`."""

    inline: Sequence[Statement]
    managed: Mapping[str, Sequence[Statement]]


def in_documents(role: str, config: Config) -> Documents:
    """Distribute the role's statements among its policies."""
    managed: dict[str, Sequence[Statement]] = {}
    for name in LISTS:
        title = "".join(word.title() for word in name.split("_"))
        for number, statements in enumerate(_documents(role, config, name), start=1):
            managed[f"{title}{number}"] = statements
    fixed = [each for each in ROLES[role](config) if not each.list_of]
    for name in dict.fromkeys(each.apart for each in fixed if each.apart):
        managed[name] = [each for each in fixed if each.apart == name]
    return Documents([each for each in fixed if not each.apart], managed)


def length(statements: Sequence[Statement]) -> int:
    """Return how many characters of its quota a document of these statements takes, at most."""
    return len(json.dumps(document(statements, _PLACE), separators=(",", ":")))


def _documents(role: str, config: Config, name: str) -> Iterator[list[Statement]]:
    """Yield the documents of a list, each with as many items as fit."""
    held: tuple[str, ...] = ()
    for item in getattr(config, name):
        if held and length(_statements(role, config, name, (*held, item))) > MANAGED_CHARACTERS_MAX:
            yield _statements(role, config, name, held)
            held = ()
        held = (*held, item)
    if held and (last := _statements(role, config, name, held)):
        yield last


def _statements(role: str, config: Config, name: str, items: tuple[str, ...]) -> list[Statement]:
    """Return the role's statements on these items of a list."""
    part = replace(config, **{name: items})
    return [each for each in ROLES[role](part) if each.list_of == name]
