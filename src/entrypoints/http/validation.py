"""What is wrong with a request: each issue names the field and the cause."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel

from domain.errors import FieldIssue

_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_attributes_type": "must be an object",
    "string_too_short": "is empty",
    "enum": "must be {expected}",
    "too_short": "is an empty list; leave it out for all",
    "too_long": "has {actual_length} items, {max_length} are allowed",
    "string_too_long": "is longer than {max_length} characters",
}
# "String should have at most 256 characters": what is meant is named by the path.
_PYDANTIC_SUBJECT: Final = re.compile(r"^[A-Z]\w+ should")


def field_issues(
    errors: Iterable[Mapping[str, Any]], body: type[BaseModel] | None
) -> list[FieldIssue]:
    """Return what Pydantic found in parameters, and in a body of the model `body`."""
    issues = []
    for error in errors:
        place, *path = error["loc"]
        if place == "header":
            path = [name.title() for name in path]  # Powertools writes them in lower case
        if error["type"] == "extra_forbidden" and body:
            message = _unknown(_names_at(body, path[:-1]))
        elif template := _MESSAGES.get(error["type"]):
            message = template.format(**error.get("ctx", {}))
        else:
            message = _PYDANTIC_SUBJECT.sub("must", error["msg"])
        issues.append(FieldIssue(path=".".join(map(str, path)) or "body", message=message))
    return issues


def query_issues(
    query: Mapping[str, Sequence[str]], known: Collection[str]
) -> dict[str, FieldIssue]:
    """Return the parameters that are unknown or repeated, by name."""
    messages = {
        name: "is given more than once" if name in known else _unknown(known)
        for name, values in query.items()
        if name not in known or len(values) > 1
    }
    return {name: FieldIssue(path=name, message=text) for name, text in messages.items()}


def _unknown(known: Collection[str]) -> str:
    return f"is not known here; known: {', '.join(known) or 'nothing'}"


def _names_at(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Return the names of the fields of the object at `path`."""
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    if not path:
        return list(fields)
    choices = (fields[path[0]], *get_args(fields[path[0]]))
    inner = (each for each in choices if isinstance(each, type) and issubclass(each, BaseModel))
    return _names_at(next(inner), path[1:])
