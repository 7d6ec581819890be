"""Which files Media Lake accepts, by content type, extension and the connector's file filter."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class AssetType(StrEnum):
    """The type in a record; OTHER is not media."""

    IMAGE = "Image"
    VIDEO = "Video"
    AUDIO = "Audio"
    OTHER = "Other"


class FilterMode(StrEnum):
    """What a file filter does with the files that match it."""

    ALLOW = "allow"
    DENY = "deny"


# lambdas/common_libraries/file_extensions.py, SUPPORTED_EXTENSIONS.
_EXTENSIONS: Final = {
    AssetType.IMAGE: "apng avif bmp gif ico j2k jp2 jpeg jpg pbm pcx pgm png ppm psd svg tif tiff"
    " webp wmf xbm xpm exr cr2 erf nef",
    AssetType.VIDEO: "flv mp4 mov avi mkv webm mxf mts",
    AssetType.AUDIO: "wav aiff aif mp3 pcm m4a",
}

SUPPORTED_EXTENSIONS: Final = {
    extension: asset_type
    for asset_type, extensions in _EXTENSIONS.items()
    for extension in extensions.split()
}

_CONTENT_TYPE_PREFIXES: Final = (
    ("image/", AssetType.IMAGE),
    ("application/photoshop", AssetType.IMAGE),
    ("application/illustrator", AssetType.IMAGE),
    ("video/", AssetType.VIDEO),
    ("audio/", AssetType.AUDIO),
)
_BARE_CONTENT_TYPES: Final = {
    "image": AssetType.IMAGE,
    "video": AssetType.VIDEO,
    "audio": AssetType.AUDIO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFilter:
    """A connector's file filter; create it with `file_filter`, which normalizes it.

    Attributes:
        extensions: Lower case, without the leading dot.
        mime_types: Lower case; `image/*`, `*` and `*/*` are wildcards.
    """

    mode: FilterMode
    extensions: frozenset[str]
    mime_types: frozenset[str]

    def matches(self, extension: str, content_type: str) -> bool:
        """Return whether the file matches the filter (the ingest, `_filter_matches`)."""
        extension = extension.strip().lower().lstrip(".")
        return bool(extension and extension in self.extensions) or self._matches_type(content_type)

    def _matches_type(self, content_type: str) -> bool:
        """Ignore parameters of the content type (the ingest, `_mime_type_matches`)."""
        if not content_type:
            return False
        plain = content_type.lower().split(";")[0].strip()
        wanted = {"*", "*/*", plain, f"{plain.split('/')[0]}/*"}
        return not wanted.isdisjoint(self.mime_types)


def file_filter(
    *, mode: str = "allow", extensions: Iterable[str] = (), mime_types: Iterable[str] = ()
) -> FileFilter | None:
    """Return the filter as the ingest reads it, None if it is empty.

    An unknown mode counts as `allow` (the ingest, `_env_file_filter` and `_parse_file_filter`).
    """
    wanted = FileFilter(
        mode=FilterMode.DENY if mode.strip().lower() == FilterMode.DENY else FilterMode.ALLOW,
        extensions=frozenset(
            each.strip().lower().lstrip(".") for each in extensions if each.strip()
        ),
        mime_types=frozenset(each.strip().lower() for each in mime_types if each.strip()),
    )
    return wanted if wanted.extensions or wanted.mime_types else None


def extension_of(key: str) -> str:
    """Return what follows the last dot of the whole key, in lower case.

    The ingest, `_extract_file_extension`: a dot in a folder's name counts too, so that `a.b/c` has
    the extension `b/c`.
    """
    return key.rpartition(".")[2].lower() if "." in key else ""


def asset_type_of(content_type: str, extension: str) -> AssetType:
    """Return the type by content type, then by extension (the ingest, `determine_asset_type`)."""
    content_type = content_type.lower()
    for prefix, asset_type in _CONTENT_TYPE_PREFIXES:
        if content_type.startswith(prefix):
            return asset_type
    by_extension = SUPPORTED_EXTENSIONS.get(extension.lower())
    return by_extension or _BARE_CONTENT_TYPES.get(content_type, AssetType.OTHER)
