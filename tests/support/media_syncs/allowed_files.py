"""A connector that allows certain files: documents are ingested, other media is not."""

from collections import Counter
from typing import Any, Final

from media_syncs.ingest import S3_NOTIFICATIONS, Ingest

FILTER: Final = {
    "mode": "allow",
    "extensions": ["pdf", "mov"],
    "mimeTypes": ["image/*", "text/vtt"],
}

_NOT_MEDIA: Final = "NOT_MEDIA"

# Key and content type; the result of the first sync, and the type in the record.
_FILES: Final = {
    ("report + %.pdf", "application/pdf"): ("NO_IDS", "Other"),
    ("clip.mov", None): ("NO_IDS", "Video"),
    ("still.jpg", "image/jpeg; charset=binary"): ("NO_IDS", "Image"),
    ("subtitles.vtt", "text/vtt"): ("NO_IDS", "Other"),
    ("still 2.jpg", None): (_NOT_MEDIA, None),
    ("sound.wav", "audio/wav"): (_NOT_MEDIA, None),
    ("subtitles 2.vtt", "text/plain"): (_NOT_MEDIA, None),
    ("clip.mov.xml", "application/xml"): (_NOT_MEDIA, None),
}


def allowed_files_are_taken_and_no_others(system: Any, ingest: Ingest, ids: str) -> None:
    """Sync a bucket twice, whose connector and ingest have the filter."""
    bucket = system.bucket(f"allowed-{ids}")
    for key, content_type in _FILES:
        more = {} if content_type is None else {"ContentType": content_type}
        system.put(bucket, key, Body=f"{bucket} {key}".encode(), **more)
    ingest.attach(bucket)
    ingest.drain(S3_NOTIFICATIONS)
    system.api.connect(bucket, ids=ids, fileFilter=FILTER)

    syncs = []
    for _ in range(2):
        job = system.api.ended(system.api.sync(bucket, discovery="direct"))
        assert job["status"] == "COMPLETED", job
        system.idle()
        reasons = {line["key"]: line["reason"] for line in system.outcomes(job["jobId"])}
        syncs.append((reasons, ingest.drain(S3_NOTIFICATIONS)))

    (first, shown), (second, nothing) = syncs
    assert first == {key: reason for (key, _), (reason, _) in _FILES.items()}
    assert second == {
        key: "ASSET_KNOWN" if asset_type else _NOT_MEDIA
        for (key, _), (_, asset_type) in _FILES.items()
    }
    assert shown == Counter(key for (key, _), (_, asset_type) in _FILES.items() if asset_type)
    assert nothing == Counter()
    found = {
        key: [record.type for record in seen.records] for key, seen in ingest.look(bucket).items()
    }
    assert found == {
        key: [asset_type] if asset_type else [] for (key, _), (_, asset_type) in _FILES.items()
    }
