"""Which files an Asset Management System accepts, by extension and content type.

A listing shows a key and no content type, so the result may be known only after HeadObject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Taken(StrEnum):
    """Whether a system accepts a file; BY_CONTENT_TYPE: that depends on its content type."""

    YES = "yes"
    NO = "no"
    BY_CONTENT_TYPE = "by content type"


class FilterMode(StrEnum):
    """Whether a file filter names the accepted files, or the rejected ones."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFilter:
    """A connector's file filter in the system.

    Extensions are lowercase and have no dot. MIME patterns are lowercase: `video/mp4`, `image/*` or
    `*/*`.
    """

    mode: FilterMode = FilterMode.ALLOW
    extensions: tuple[str, ...] = ()
    mime_types: tuple[str, ...] = ()

    def matches(self, extension: str, content_type: str | None) -> bool | None:
        """Return whether the filter names this file; None if that depends on the content type."""
        if extension and extension in self.extensions:
            return True
        if not self.mime_types:
            return False
        if content_type is None:
            return None
        return any(_names(pattern, content_type) for pattern in self.mime_types)


def normalised_extension(text: str) -> str:
    """Return an extension as a `FileFilter` has it: lowercase, without its dot."""
    return text.strip().lower().lstrip(".")


def file_filter_of(
    mode: FilterMode, *, extensions: Iterable[str] = (), mime_types: Iterable[str] = ()
) -> FileFilter | None:
    """Return a filter with these names, without duplicates; None if there are none."""
    named = FileFilter(
        mode=mode,
        extensions=_distinct(normalised_extension(text) for text in extensions),
        mime_types=_distinct(text.strip().lower() for text in mime_types),
    )
    return named if named.extensions or named.mime_types else None


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, values)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTypes:
    """The file types that a system distinguishes.

    Attributes:
        kind_by_extension: The kind (img, vid, aud) of each extension that it supports.
        kind_by_content_type: The kind for each prefix of a content type. It takes precedence over
            the extension.
        never: Extensions that are known not to be media: sidecars, documents, archives. The listing
            leaves out files with such an extension, whatever their content type.
    """

    kind_by_extension: Mapping[str, str]
    kind_by_content_type: Mapping[str, str]
    never: frozenset[str]

    def kind(self, key: str, content_type: str) -> str | None:
        """Return the kind of a file, None if it is not media."""
        lowered = content_type.lower()
        for start, kind in self.kind_by_content_type.items():
            if lowered.startswith(start):
                return kind
        by_extension = self.kind_by_extension.get(extension_of(key))
        # A content type without a subtype, such as "video", has less weight than the extension.
        return by_extension or self.kind_by_content_type.get(f"{lowered.partition('/')[0]}/")

    def takes(self, key: str, content_type: str | None, file_filter: FileFilter | None) -> Taken:
        """Return whether the system accepts a file.

        A filter of mode `allow` decides alone: what it names is accepted, media or not. Otherwise
        media is accepted, unless a filter of mode `deny` names it. Without a content type (None: a
        listing shows none), the extension decides if it is known.
        """
        named: bool | None = False
        if file_filter is not None:
            named = file_filter.matches(extension_of(key), content_type)
            if file_filter.mode is FilterMode.ALLOW:
                return _taken(named)
        media = self._is_media(key, content_type)
        if media is False or named is True:
            return Taken.NO
        return Taken.YES if media and named is False else Taken.BY_CONTENT_TYPE

    def _is_media(self, key: str, content_type: str | None) -> bool | None:
        if content_type is not None:
            return self.kind(key, content_type) is not None
        extension = extension_of(key)
        if extension in self.kind_by_extension:
            return True
        return False if extension in self.never else None


def _taken(answer: bool | None) -> Taken:
    if answer is None:
        return Taken.BY_CONTENT_TYPE
    return Taken.YES if answer else Taken.NO


def extension_of(key: str) -> str:
    """Return the extension of a key in lowercase: all after its last dot, empty without one."""
    return key.rpartition(".")[2].lower() if "." in key else ""


def _names(pattern: str, content_type: str) -> bool:
    plain = content_type.lower().partition(";")[0].strip()
    if not plain:
        return False
    if pattern in ("*", "*/*"):
        return True
    if pattern.endswith("/*"):
        return plain.partition("/")[0] == pattern[:-2]
    return plain == pattern
