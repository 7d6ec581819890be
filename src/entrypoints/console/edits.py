"""A form of something that someone else changed in the meantime: nothing that was typed is lost.

The form carries the values that it was shown with. So what the user changed and what the other one
changed are distinguished field by field, and the form is shown again with both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from entrypoints.console.form_values import Values
from entrypoints.console.labels import label
from entrypoints.console.limit_forms import field_group

BASE: Final = "base"
"""The hidden field with the values that a form was shown with."""

Fields = Mapping[str, tuple[str, ...]]
NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that someone else changed; `mine` is None if the user did not change it."""

    name: str
    label: str
    before: str
    now: str
    mine: str | None


@dataclass(frozen=True, slots=True)
class Merged:
    """The form with the changes of both; where both changed a field, it has the user's."""

    values: Values
    differences: tuple[Difference, ...]


def base_text(values: Values) -> str:
    """Return what the hidden field has."""
    return json.dumps(_plain(values.fields), sort_keys=True)


def merged(form: Values, now: Values) -> Merged:
    """Return the form over what there is now, and what was changed since it was shown."""
    theirs, mine = _plain(now.fields), _plain(form.fields)
    base = _base(form, theirs)
    # What has no label, such as the token of the form, is no setting.
    names = sorted(each for each in {*theirs, *base, *mine} if label(each) != each)
    changed = {field_group(each) for each in names if mine.get(each) != base.get(each)}
    fields = {
        name: value
        for name in names
        if (value := (mine if field_group(name) in changed else theirs).get(name))
    }
    differences = [
        Difference(
            name=name,
            label=label(name),
            before=_shown(base.get(name)),
            now=_shown(theirs.get(name)),
            mine=_shown(mine.get(name)) if field_group(name) in changed else None,
        )
        for name in names
        if theirs.get(name) != base.get(name)
    ]
    return Merged(Values({**form.fields, **dict.fromkeys(names, ()), **fields}), tuple(differences))


def _base(form: Values, theirs: Fields) -> Fields:
    try:
        found = json.loads(form.area(BASE))
        return {str(name): tuple(map(str, values)) for name, values in found.items()}
    except (ValueError, AttributeError, TypeError):
        return theirs  # not of a form of ours: then nothing is known of earlier values


def _plain(fields: Fields) -> Fields:
    """Return the fields that are filled in, as a browser sends them back."""
    plain = {
        name: tuple(text for each in values if (text := each.replace("\r\n", "\n").strip("\n")))
        for name, values in fields.items()
    }
    return {name: values for name, values in plain.items() if values}


def _shown(values: tuple[str, ...] | None) -> str:
    texts = ("yes" if each == "on" else each for each in values or ())
    return ", ".join(" ".join(each.split("\n")) for each in texts) or NOTHING
