"""Two environments to put, sync and compare objects: the local cloud, and memory."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from botocore.exceptions import ClientError
from safety_objects import Setting, Thing

from adapters.aws.object_store import S3ObjectStore
from adapters.aws.system import SystemClock
from adapters.memory.buckets import MemoryBuckets
from adapters.memory.catalog import MemoryCatalog
from adapters.memory.database import MemoryDatabase
from adapters.memory.ingest_bus import MemoryIngestBus
from adapters.memory.ingest_queue import MemoryIngestQueue
from adapters.memory.object_store import MemoryObjectStore
from adapters.memory.results_store import MemoryResultsStore
from adapters.memory.system import ManualClock
from adapters.memory.telemetry import MemoryTelemetry
from application.execution.fanout import AdaptiveLimit
from application.execution.tuning import Tuning
from application.known_objects import KnownObjects
from application.multipart.copy_state_file import CopyStateFile
from application.multipart.resumable_copies import ResumableCopies
from application.processor.announce_objects import ObjectAnnouncements
from application.processor.attempt_context import AttemptContext
from application.processor.attempt_pace import AttemptPace
from application.processor.decide_objects import ObjectDecisions
from application.processor.process_objects import ObjectProcessor
from application.processor.write_object import ObjectWriter
from application.results.snapshot_files import SnapshotReader
from domain.connector import Bucket, Ingest, Trigger
from domain.customer_object import Encryption, ObjectLock, ObjectTags
from domain.job import Job, new_job
from domain.manifest import ManifestEntry
from domain.outcome import Outcome
from domain.profile import GENERIC
from domain.sync_request import SyncRequest
from ports.object_store import ObjectStore

Facts = dict[str, Any]
"""All visible attributes of an object, by name."""

MIB: Final = 1024**2
JOB_ID: Final = "job-0000000001"
WHOLE: Final = 5 * 1024**3
"""No object here is larger."""
IN_PARTS: Final = 0
"""Every object that has bytes is."""
QUEUE_URL: Final = "https://sqs.eu-west-1.amazonaws.com/123456789012/ingest"
OUR_TAGS: Final = frozenset({"AssetID", "InventoryID", "SyncJobID"})

# Sums for which the SDK needs a library that is not installed, of no bytes in particular: S3 would
# compare them, moto stores any value.
_SUMS: Final = {
    "CRC32C": base64.b64encode(b"crc3").decode(),
    "CRC64NVME": base64.b64encode(b"crc64nvm").decode(),
}


class Never:
    """A stop signal that never stops."""

    rate: float | None = None

    async def should_stop(self, _needed_s: float = 0.0) -> bool:
        return False


def job_of(bucket: Bucket, trigger: Trigger, now: datetime, job_id: str = JOB_ID) -> Job:
    return new_job(
        job_id=job_id,
        request=SyncRequest(
            connector_id="con-1",
            bucket=bucket,
            ingest=Ingest(
                trigger=trigger, queue_url=QUEUE_URL if trigger is Trigger.QUEUE else None
            ),
        ),
        now=now,
    )


class LeftAlone:
    """A store whose objects appear to have been modified long before they are read."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read_tags(self, bucket: Bucket, key: str) -> ObjectTags:
        tags = await self._store.read_tags(bucket, key)
        later = tags.read_at + timedelta(hours=1)
        return ObjectTags(tags, version_id=tags.version_id, read_at=later)


@dataclass(kw_only=True)
class Syncer:
    """The use case over any store, with a catalog that is empty by default.

    Objects are synced as if they had not changed for long, unless `ambiguous`: then those of the
    last second are read again after a pause, as the service does. Objects above `whole_bytes_max`
    get a multipart copy.
    """

    store: ObjectStore
    clock: ManualClock
    ambiguous: bool = False
    whole_bytes_max: int = WHOLE

    def __post_init__(self) -> None:
        self.results = MemoryResultsStore()
        self.database = MemoryDatabase()
        self.catalog = MemoryCatalog(self.database)
        self.bus = MemoryIngestBus()
        self.queue = MemoryIngestQueue(self.clock)
        self.queue.create(QUEUE_URL)

    async def sync(
        self, bucket: Bucket, *keys: str, trigger: Trigger = Trigger.COPY, job_id: str = JOB_ID
    ) -> list[Outcome]:
        objects: Any = self.store if self.ambiguous else LeftAlone(self.store)
        tuning = Tuning(
            single_copy_bytes_max=self.whole_bytes_max,
            copy_part_bytes=5 * MIB,
            copy_parts_in_flight=2,
            calls_in_flight=4,
        )
        clock = SystemClock() if self.ambiguous else self.clock
        work = ObjectProcessor(
            decisions=ObjectDecisions(
                objects=objects,
                catalog=self.catalog,
                known_objects=KnownObjects(
                    catalog=self.catalog,
                    snapshots=SnapshotReader(results=self.results),
                    clock=clock,
                    tuning=tuning,
                ),
                profile=GENERIC,
                clock=clock,
                tuning=tuning,
            ),
            writer=ObjectWriter(objects=objects, tuning=tuning),
            announcements=ObjectAnnouncements(bus=self.bus, queue=self.queue, tuning=tuning),
            clock=clock,
            tuning=tuning,
        )
        entries = [ManifestEntry(key=key, size_bytes=None, last_modified=None) for key in keys]
        never: Any = Never()
        limit = AdaptiveLimit(4)
        telemetry = MemoryTelemetry()
        copies = ResumableCopies(
            objects=objects,
            file=CopyStateFile(
                self.results, key="copies.json", check=lambda: None, telemetry=telemetry
            ),
            clock=self.clock,
            telemetry=telemetry,
            tuning=tuning,
            bucket=bucket,
            stop_signal=never,
            limit=limit,
        )
        outcomes = await work.process(
            job_of(bucket, trigger, self.clock.now(), job_id),
            entries,
            AttemptContext(
                stop_signal=never,
                pace=AttemptPace(never, self.clock),
                limit=limit,
                copies=copies,
            ),
        )
        by_key = {outcome.key: outcome for outcome in outcomes}
        return [by_key[key] for key in keys]


class World(Protocol):
    """Where objects are put, synced and compared."""

    clock: ManualClock

    def bucket(self, setting: Setting) -> Bucket: ...

    def store(self) -> ObjectStore: ...

    async def put(self, thing: Thing) -> None: ...

    async def observe(self, thing: Thing) -> Facts: ...

    async def forget(self, thing: Thing) -> None:
        """Delete the object, for the next one."""


class CloudWorld:
    """Buckets of every setting on S3, or on a server with its API."""

    def __init__(self, client: Any, suffix: str) -> None:
        self.client = client
        self.suffix = suffix
        self.clock = ManualClock(datetime.now(UTC))

    def bucket(self, setting: Setting) -> Bucket:
        return Bucket(name=f"safe-{setting}-{self.suffix}", expected_owner="123456789012")

    def store(self) -> ObjectStore:
        return self.store_with(self.client)

    def store_with(self, client: Any) -> S3ObjectStore:
        return S3ObjectStore(client, clock=self.clock)

    async def open(self) -> None:
        for setting in Setting:
            name = self.bucket(setting).name
            more: Facts = {"ObjectOwnership": "ObjectWriter"} if setting is Setting.ACLS else {}
            if setting is Setting.LOCKS:
                more["ObjectLockEnabledForBucket"] = True
            await self.client.create_bucket(Bucket=name, **more)
        await self.client.put_bucket_versioning(
            Bucket=self.bucket(Setting.VERSIONED).name,
            VersioningConfiguration={"Status": "Enabled"},
        )
        await self.client.put_bucket_encryption(
            Bucket=self.bucket(Setting.KMS_DEFAULT).name,
            ServerSideEncryptionConfiguration={
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": "arn:aws:kms:us-east-1:1:key/of-the-bucket",
                        },
                        "BucketKeyEnabled": True,
                    }
                ]
            },
        )

    async def put(self, thing: Thing) -> None:
        parameters = dict(thing.parameters)
        if (algorithm := parameters.get("ChecksumAlgorithm")) in _SUMS:
            parameters[f"Checksum{algorithm}"] = _SUMS[algorithm]
        if (
            parameters.get("ServerSideEncryption") is None
            and thing.setting is not Setting.KMS_DEFAULT
        ):
            parameters["ServerSideEncryption"] = "AES256"
        if "ObjectLockMode" in parameters or "ObjectLockLegalHoldStatus" in parameters:
            # S3 API Reference, "PutObject": an upload under a lock needs one.
            digest = hashlib.md5(thing.content, usedforsecurity=False).digest()
            parameters["ContentMD5"] = base64.b64encode(digest).decode()
        if thing.tags:
            parameters["Tagging"] = urlencode(thing.tags)
        await self.client.put_object(
            Bucket=self.bucket(thing.setting).name, Key=thing.key, Body=thing.content, **parameters
        )

    async def observe(self, thing: Thing, *, version_id: str | None = None) -> Facts:
        where: Facts = {"Bucket": self.bucket(thing.setting).name, "Key": thing.key}
        if version_id:
            where["VersionId"] = version_id
        facts: Facts = dict(await self.client.head_object(**where, ChecksumMode="ENABLED"))
        for name in ("ResponseMetadata", "AcceptRanges", "TagCount"):
            facts.pop(name, None)
        # The header as it is; the client does not read it as a date.
        if "ExpiresString" in facts:
            facts["Expires"] = facts.pop("ExpiresString")
        facts["Metadata"] = dict(facts.get("Metadata", {}))
        body = await self.client.get_object(**where)
        facts["Body"] = await body["Body"].read()
        tagging = await self.client.get_object_tagging(**where)
        facts["Tags"] = {tag["Key"]: tag["Value"] for tag in tagging["TagSet"]}
        acl = await self.client.get_object_acl(**where)
        facts["Owner"] = acl["Owner"]["ID"]
        facts["Grants"] = sorted(
            (grant["Permission"], *sorted(map(str, grant["Grantee"].items())))
            for grant in acl["Grants"]
        )
        if thing.setting is Setting.LOCKS:
            facts |= await self._locks(where)
        return facts

    async def _locks(self, where: Facts) -> Facts:
        locks: Facts = {}
        for name in ("retention", "legal_hold"):
            with contextlib.suppress(ClientError):
                answer = await getattr(self.client, f"get_object_{name}")(**where)
                answer.pop("ResponseMetadata")
                locks[name] = answer
        return locks

    async def versions(self, thing: Thing) -> list[str]:
        """The version ids of the key, the newest first."""
        answer = await self.client.list_object_versions(
            Bucket=self.bucket(thing.setting).name, Prefix=thing.key
        )
        return [v["VersionId"] for v in answer.get("Versions", []) if v["Key"] == thing.key]

    async def forget(self, thing: Thing) -> None:
        if thing.setting not in (Setting.LOCKS, Setting.VERSIONED):
            await self.client.delete_object(Bucket=self.bucket(thing.setting).name, Key=thing.key)


class MemoryWorld:
    """The same, in memory, as far as an object's head shows attributes: grants are left out."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.buckets = MemoryBuckets(clock)
        for setting in Setting:
            self.buckets.create(
                self.bucket(setting).name, versioned=setting in (Setting.VERSIONED, Setting.LOCKS)
            )

    def bucket(self, setting: Setting) -> Bucket:
        return Bucket(name=f"safe-{setting}", expected_owner="111122223333")

    def store(self) -> ObjectStore:
        return MemoryObjectStore(self.buckets)

    async def put(self, thing: Thing) -> None:
        parameters: Mapping[str, Any] = thing.parameters
        encryption = None
        if "ServerSideEncryption" in parameters:
            encryption = Encryption(
                algorithm=parameters["ServerSideEncryption"],
                kms_key_id=parameters.get("SSEKMSKeyId"),
                bucket_key_enabled=parameters.get("BucketKeyEnabled"),
            )
        lock = ObjectLock(
            mode=parameters.get("ObjectLockMode"),
            retain_until=parameters.get("ObjectLockRetainUntilDate"),
            legal_hold=parameters.get("ObjectLockLegalHoldStatus"),
        )
        system = ("ContentType", "CacheControl", "ContentEncoding", "ContentDisposition")
        system = (*system, "ContentLanguage", "Expires")
        self.buckets.put(
            self.bucket(thing.setting).name,
            thing.key,
            thing.content,
            tags=thing.tags,
            storage_class=parameters.get("StorageClass", "STANDARD"),
            encryption=encryption,
            website_redirect=parameters.get("WebsiteRedirectLocation"),
            lock=None if lock == ObjectLock() else lock,
            system_metadata={name: parameters[name] for name in system if name in parameters},
            user_metadata=parameters.get("Metadata", {}),
            checksum_algorithm=parameters.get("ChecksumAlgorithm"),
        )

    async def observe(self, thing: Thing) -> Facts:
        stored = self.buckets.get(self.bucket(thing.setting).name, thing.key)
        names = {"e_tag": "ETag", "last_modified": "LastModified", "version_id": "VersionId"}
        facts = {names.get(name, name): value for name, value in asdict(stored.head).items()}
        return {**facts, "Body": stored.content, "Tags": dict(stored.tags)}

    async def forget(self, thing: Thing) -> None:
        pass


# --- what may differ ----------------------------------------------------------------------------


def differences(
    before: Facts, after: Facts, *, trigger: Trigger, parts: bool, versioned: bool
) -> dict[str, tuple[Any, Any]]:
    """Return the attributes that changed and must not have; empty if the guarantee holds.

    The service's tags may differ, and after a copy LastModified; the version in a versioned bucket;
    the ETag of an object with KMS or of a multipart copy, and the checksum of parts, by S3's own
    rules.
    """
    allowed = set()
    if trigger is Trigger.COPY:
        allowed.add("LastModified")
        if versioned:
            allowed.add("VersionId")
        algorithm = before.get("ServerSideEncryption") or (before.get("encryption") or {}).get(
            "algorithm"
        )
        if parts or str(algorithm).startswith("aws:kms"):
            allowed.add("ETag")
    changed = {
        name: (before.get(name), after.get(name))
        for name in before.keys() | after.keys()
        if name not in allowed and before.get(name) != after.get(name)
    }
    if parts:
        # The checksum is one of the parts now; its algorithm must be as before.
        for name in [name for name in changed if name.startswith("Checksum")]:
            if None not in changed[name]:
                del changed[name]
    tags_before, tags_after = changed.pop("Tags", (before["Tags"], before["Tags"]))
    kept = {name: tags_after.get(name) for name in tags_before if name not in OUR_TAGS}
    foreign = {name: value for name, value in tags_before.items() if name not in OUR_TAGS}
    if kept != foreign or not tags_after.keys() - tags_before.keys() <= OUR_TAGS:
        changed["Tags"] = (tags_before, tags_after)
    # An id of the owner stays, whether the catalog has it or not.
    for name in ("AssetID", "InventoryID"):
        if tags_before.get(name) and tags_after.get(name) != tags_before[name]:
            changed[name] = (tags_before[name], tags_after.get(name))
    return changed


def tomorrow(clock: ManualClock) -> datetime:
    return (clock.now() + timedelta(days=1)).replace(microsecond=0)


class Intercepted:
    """The SDK's client, with some operations intercepted.

    Each hook gets the real operation and the parameters of the call, and returns its response.
    """

    def __init__(self, client: Any, **hooks: Callable[..., Any]) -> None:
        self._client = client
        self._hooks = hooks

    def __getattr__(self, name: str) -> Any:
        send = getattr(self._client, name)
        if name not in self._hooks:
            return send

        async def call(**parameters: Any) -> Any:
            return await self._hooks[name](send, parameters)

        return call


def refusal(code: str, status: int) -> ClientError:
    """Return an error as S3 returns it."""
    answer: Any = {
        "Error": {"Code": code, "Message": "planted"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Planted")
