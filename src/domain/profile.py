"""How Asset Management Systems differ for the rules: the files they accept, and their ids.

Names of tables, indexes and attributes differ as well. Those are settings of the adapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.file_types import FileFilter, FileTypes, Taken
from domain.identity import mint_plain_asset_id, mint_typed_asset_id


class CatalogProfile(StrEnum):
    """The systems that the service supports.

    `medialake`: AWS's Guidance for a Media Lake. `generic`: a table of a system of which nothing
    more is known. `none`: no table; the ids that this service generated are known.
    """

    MEDIALAKE = "medialake"
    GENERIC = "generic"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A system's rules. `file_types` is None for a system that accepts every file."""

    name: CatalogProfile
    file_types: FileTypes | None = None

    def takes(self, key: str, content_type: str | None, file_filter: FileFilter | None) -> Taken:
        """Return whether the system accepts a file; a listing has no content type (None)."""
        if self.file_types is None:
            return Taken.YES
        return self.file_types.takes(key, content_type, file_filter)

    def mint_asset_id(self, bucket_name: str, key: str, content_type: str) -> str:
        """Return the system's asset id for this bucket and key, always the same."""
        if self.file_types is None:
            return mint_typed_asset_id(bucket_name, key)
        kind = self.file_types.kind(key, content_type)
        return mint_plain_asset_id(bucket_name, key, kind=kind)


def _words(text: str) -> list[str]:
    return text.split()


# Media Lake, v1.18.3, lambdas/common_libraries/file_extensions.py: the supported types.
_MEDIALAKE_EXTENSIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        _words(
            "apng avif bmp gif ico j2k jp2 jpeg jpg pbm pcx pgm png ppm psd svg tif tiff webp wmf"
            " xbm xpm exr cr2 erf nef"
        ),
        "img",
    ),
    **dict.fromkeys(_words("flv mp4 mov avi mkv webm mxf mts"), "vid"),
    **dict.fromkeys(_words("wav aiff aif mp3 pcm m4a"), "aud"),
}

# Media Lake, v1.18.3, lambdas/ingest/s3/index.py, determine_asset_type: these precede extensions.
_MEDIALAKE_CONTENT_TYPES: Final[Mapping[str, str]] = {
    "image/": "img",
    "application/photoshop": "img",
    "application/illustrator": "img",
    "video/": "vid",
    "audio/": "aud",
}

# This service's own list: files that lie next to media in archives and are not media. Types that
# can be either are left out, such as `ts` (MPEG transport stream, or source code).
_NEVER_MEDIA: Final = frozenset(
    _words(
        # sidecars, edit lists, project files
        "xml xmp json yaml yml srt vtt sbv scc stl ttml dfxp ass edl ale aaf omf otio fcpxml"
        " fcpxmld prproj drp aep avb avp cpf cif smi thm lrc nfo cue m3u m3u8 mpd ini cfg conf"
        # documents and tables
        " pdf doc docx odt rtf txt md pages xls xlsx ods csv tsv numbers ppt pptx odp key htm html"
        " parquet log"
        # archives, images of disks
        " zip tar gz tgz bz2 xz 7z rar zst iso dmg"
        # checksums, signatures, databases, leftovers of operating systems
        " md5 sha1 sha256 sha512 sfv mhl par2 sig asc db sqlite bak tmp ds_store lnk url part"
        # programs and code
        " exe dll so dylib jar py js css sh bat ps1 sql ttf otf woff woff2"
    )
)

MEDIALAKE: Final = Profile(
    name=CatalogProfile.MEDIALAKE,
    file_types=FileTypes(
        kind_by_extension=_MEDIALAKE_EXTENSIONS,
        kind_by_content_type=_MEDIALAKE_CONTENT_TYPES,
        never=_NEVER_MEDIA,
    ),
)
GENERIC: Final = Profile(name=CatalogProfile.GENERIC)
NO_CATALOG: Final = Profile(name=CatalogProfile.NONE)

PROFILES: Final[Mapping[CatalogProfile, Profile]] = {
    profile.name: profile for profile in (MEDIALAKE, GENERIC, NO_CATALOG)
}
