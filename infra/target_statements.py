"""The permissions on customers' buckets.

The roles of engine and processor hold these statements for the buckets of TARGETS. A role of
another account, which the two assume, must allow the same.
"""

from infra.config import Config
from infra.statements import Statement


def target_buckets(config: Config) -> tuple[str, ...]:
    """Return the ARNs of the buckets that may be synchronised."""
    return tuple(f"arn:{{partition}}:s3:::{name}" for name in config.targets)


def assuming(config: Config) -> list[Statement]:
    """Assume the roles that connectors may name."""
    if not config.target_roles:
        return []
    return [
        Statement(
            sid="AssumeTargetRoles",
            reason=(
                "Work on the bucket of a connector with `roleArn` in that role, which belongs to"
                " the bucket's account; in these roles and in no other."
            ),
            actions=("sts:AssumeRole",),
            resources=config.target_roles,
            list_of="target_roles",
        )
    ]


def engine_on_targets(config: Config) -> list[Statement]:
    """What the engine does on targets: list them, and abort copies of jobs that it cancels."""
    if not config.targets:
        return []
    return [
        Statement(
            sid="ListTargets",
            reason=(
                "List the objects of the buckets that are synchronised, and first check whether a"
                " bucket has versions (a copy would leave one behind), has Requester Pays, or is"
                " in another Region."
            ),
            actions=("s3:GetBucketRequestPayment", "s3:GetBucketVersioning", "s3:ListBucket"),
            resources=target_buckets(config),
            list_of="targets",
        ),
        Statement(
            sid="GiveUpCopies",
            reason="Abort the multipart copy of a large object whose job is cancelled half way.",
            actions=("s3:AbortMultipartUpload",),
            resources=tuple(f"{bucket}/*" for bucket in target_buckets(config)),
            list_of="targets",
        ),
    ]


def engine_on_sources(config: Config) -> list[Statement]:
    """What the engine does on files that name the keys of a sync: read them."""
    if not config.sources:
        return []
    return [
        Statement(
            sid="ReadSources",
            reason=(
                "Read manifests and inventories that name the keys of a sync, instead of listing"
                " its bucket."
            ),
            actions=("s3:GetObject",),
            resources=tuple(f"arn:{{partition}}:s3:::{name}/*" for name in config.sources),
            list_of="sources",
        )
    ]


def processor_on_targets(config: Config) -> list[Statement]:
    """What the processor does on targets: read, tag, copy onto itself."""
    if not config.targets:
        return []
    targets = tuple(f"{bucket}/*" for bucket in target_buckets(config))
    return [
        Statement(
            sid="LookAtTargets",
            reason=(
                "Distinguish a deleted object from a forbidden one: without ListBucket, both are"
                " 403. A copy sets ACL or lock if the bucket uses ACLs, or locks by default. List"
                " a bucket and check its configuration for a plan, as the engine does for a sync,"
                " and for a check of its connector, with encryption and notifications."
            ),
            actions=(
                "s3:GetBucketNotification",
                "s3:GetBucketObjectLockConfiguration",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketRequestPayment",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
                "s3:ListBucket",
            ),
            resources=target_buckets(config),
            list_of="targets",
        ),
        Statement(
            sid="ReadTargets",
            reason=(
                "Read an object's tags and head, with its lock and its ACL, and be the source of"
                " its copy. HeadObject leaves out a lock that its caller may not see."
            ),
            actions=(
                "s3:GetObject",
                "s3:GetObjectAcl",
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectTagging",
            ),
            resources=targets,
            list_of="targets",
        ),
        Statement(
            sid="WriteTargets",
            reason=(
                "Copy an object onto itself with its new tags, single or multipart, keeping its ACL"
                " and its lock; or tag it only, by version where there are versions."
            ),
            actions=(
                "s3:AbortMultipartUpload",
                "s3:PutObject",
                "s3:PutObjectAcl",
                "s3:PutObjectLegalHold",
                "s3:PutObjectRetention",
                "s3:PutObjectTagging",
                "s3:PutObjectVersionTagging",
            ),
            resources=targets,
            list_of="targets",
        ),
        *_target_keys(config),
    ]


def _target_keys(config: Config) -> list[Statement]:
    if not config.target_keys:
        return []
    return [
        Statement(
            sid="TargetKeys",
            reason="Copy objects that are encrypted with these keys, under the same key.",
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=config.target_keys,
            conditions={"StringEquals": {"kms:ViaService": "s3.{region}.amazonaws.com"}},
            by_service=True,
            list_of="target_keys",
        )
    ]
