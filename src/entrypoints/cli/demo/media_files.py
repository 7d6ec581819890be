"""Small, valid files with realistic names."""

from __future__ import annotations

import io
import mimetypes
import struct
import wave
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.limits import OBJECT_KEY_BYTES_MAX
from entrypoints.cli.demo.object_kinds import ObjectKind

_FOLDERS = (
    "2026/spring campaign",
    "2026/Übersicht & Entwürfe",
    "rushes/day 1+2",
    "100% final/v2",
    "アーカイブ/写真",
    "audio/interviews (raw)",
    "press,kit;2026",
)
_NAMES = (
    "hero shot {n}",
    "c++ talk {n}",
    "50% off {n}",
    "naïve café {n}",
    "scan#{n}",
    "it's {n} o'clock",
    'the "best" {n}',
    "a=b&c={n}",
    "🎬 take {n}",
    "plain-{n}",
)


File = tuple[str, str, bytes]
"""Extension, content type and bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoObject:
    """One object to put, with the tags of its owner.

    `next_content` replaces the content after the system has ingested it.
    """

    key: str
    content: bytes
    content_type: str
    kind: ObjectKind
    tags: dict[str, str] = field(default_factory=dict)
    next_content: bytes | None = None


def demo_objects(count: int, kinds: Sequence[ObjectKind]) -> Iterator[DemoObject]:
    """Yield `count` objects of these kinds in turn: all keys differ.

    Every fifth has tags of its owner. A duplicate has the content of the previous object; all other
    media files differ, because a system may treat equal files as one asset.
    """
    content = b""
    for index in range(count):
        kind = kinds[index % len(kinds)]
        before = content
        extension, content_type, content = _file(kind, index)
        if kind is ObjectKind.DUPLICATE:
            extension, content_type, _ = _file(kinds[(index - 1) % len(kinds)], index - 1)
            content = before
        folder = _FOLDERS[index % len(_FOLDERS)]
        name = _NAMES[index % len(_NAMES)].format(n=index)
        tags = {"project": f"campaign {index % 3}", "owner": "media-team@example.com"}
        yield DemoObject(
            key=f"{folder}/{name}{extension and '.'}{extension}",
            content=content,
            content_type=content_type,
            kind=kind,
            tags=tags if index % 5 == 0 else {},
            next_content=content + b"\n" if kind is ObjectKind.REPLACED else None,
        )


def folder_objects(
    folder: Path, kind_of: Callable[[str, str], ObjectKind], on_skipped: Callable[[Path, str], None]
) -> Iterator[DemoObject]:
    """Yield the files under a folder, in order, one at a time.

    `kind_of` receives a key and the content type guessed from it; `on_skipped` receives a file that
    cannot be an object, and the cause.
    """
    for path in sorted(folder.rglob("*")):
        try:
            if not path.is_file():
                continue
            key = path.relative_to(folder).as_posix()
            if len(key.encode()) > OBJECT_KEY_BYTES_MAX:
                on_skipped(path, f"the key would be longer than {OBJECT_KEY_BYTES_MAX} bytes")
                continue
            content = path.read_bytes()
        except UnicodeEncodeError:
            on_skipped(path, "its name is not UTF-8, which S3 keys require")
            continue
        except OSError as error:
            on_skipped(path, f"it cannot be read: {error.strerror}")
            continue
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        yield DemoObject(
            key=key,
            content=content,
            content_type=content_type,
            kind=kind_of(key, content_type),
        )


def _file(kind: ObjectKind, index: int) -> File:
    match kind:
        case ObjectKind.LEFT_OUT | ObjectKind.OTHER_TYPE:
            makers: Sequence[Callable[[int], File]] = (_srt, _xmp, _pdf, _zip)
        case ObjectKind.NOT_MEDIA:
            makers = (_dat, _plain_bytes)
        case ObjectKind.BY_CONTENT_TYPE:
            makers = (_vob, _scan)
        case _:
            makers = (_png, _wav, _gif, _svg)
    return makers[index % len(makers)](index)


def _png(index: int) -> File:
    side = 8 + index % 8
    colour = bytes((index * 37 % 256, index * 59 % 256, index * 83 % 256))
    rows = b"".join(b"\0" + colour * side for _ in range(side))

    def block(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    title = block(b"tEXt", b"Title\0take %d" % index)
    blocks = block(b"IHDR", header) + title + block(b"IDAT", zlib.compress(rows))
    blocks += block(b"IEND", b"")
    return "png", "image/png", b"\x89PNG\r\n\x1a\n" + blocks


def _wav(index: int) -> File:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(struct.pack(">I", index))
        sound.writeframes(bytes((128 + (i * (index + 1)) % 64) for i in range(800)))
    return "wav", "audio/wav", file.getvalue()


def _gif(index: int) -> File:
    colour = bytes((index % 256, 255 - index % 256, 128))
    screen = struct.pack("<HHBBB", 1, 1, 0x80, 0, 0)
    take = b"take %d" % index
    comment = b"\x21\xfe" + bytes([len(take)]) + take + b"\0"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return (
        "gif",
        "image/gif",
        b"GIF89a" + screen + colour + b"\xff\xff\xff" + comment + image + b"\x3b",
    )


def _svg(index: int) -> File:
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
        f"<title>take {index}</title>"
        f'<circle cx="20" cy="20" r="{5 + index % 15}"/></svg>'
    )
    return "svg", "image/svg+xml", text.encode()


def _pdf(index: int) -> File:
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d 200]>>" % (100 + index % 100),
    )
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj%sendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    xref = b"xref\n0 4\n0000000000 65535 f \n" + table
    trailer = b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return "pdf", "application/pdf", body + xref + trailer


def _srt(index: int) -> File:
    text = f"1\n00:00:01,000 --> 00:00:02,500\nTake {index}, quiet please.\n"
    return "srt", "application/x-subrip", text.encode()


def _xmp(index: int) -> File:
    description = (
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f' xmp:Rating="{index % 6}"/>'
    )
    text = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"{description}</rdf:RDF></x:xmpmeta>"
    )
    return "xmp", "application/rdf+xml", text.encode()


def _zip(index: int) -> File:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", f"take {index}\n")
    return "zip", "application/zip", file.getvalue()


def _dat(index: int) -> File:
    return "dat", "application/octet-stream", b"camera log %d\n" % index


def _plain_bytes(index: int) -> File:
    return "", "binary/octet-stream", b"no extension, and no media: %d\n" % index


def _vob(index: int) -> File:
    # An MPEG program stream: pack header, then its end code.
    pack = b"\x00\x00\x01\xba\x44\x00\x04\x00\x04\x01" + struct.pack(">I", index)
    return "vob", "video/mpeg", pack + b"\x00\x00\x01\xb9"


def _scan(index: int) -> File:
    _, content_type, content = _png(index)
    return "", content_type, content
