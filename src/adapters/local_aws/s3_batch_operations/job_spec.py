"""The specification of a job: a validated CreateJob request.

`wire` checks the constraints of the model; this module checks the rules between fields, and
rejects what the emulator does not support.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from adapters.local_aws.s3_batch_operations.errors import (
    BadRequest,
    InvalidTag,
    NotImplementedHere,
    ServiceError,
    TooManyTags,
)

TAGS_MAX = 50
"""Tags per job, hard limit. "Controlling access and labeling jobs using tags" (S3 User Guide)."""

_MANIFEST_FORMAT = "S3BatchOperations_CSV_20180820"


class ManifestField(StrEnum):
    """Columns of a CSV manifest (shape JobManifestFieldName of the S3 Control model)."""

    BUCKET = "Bucket"
    KEY = "Key"
    VERSION_ID = "VersionId"
    IGNORE = "Ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaInvoke:
    """The operation: the function and its schema version."""

    function_arn: str
    schema_version: str
    user_arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSpec:
    """Location and columns of the manifest."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    """Without the quotes that S3 puts around it."""
    fields: tuple[ManifestField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSpec:
    """Location and scope of the completion report."""

    bucket: str
    prefix: str | None
    failed_tasks_only: bool
    expected_owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A validated CreateJob request.

    Attributes:
        request: The request as received, which DescribeJob returns.
        report: None if no report was requested.
    """

    request: Mapping[str, Any]
    operation: LambdaInvoke
    manifest: ManifestSpec
    report: ReportSpec | None
    confirmation_required: bool
    client_token: str
    priority: int
    tags: Mapping[str, str]


def job_spec(request: Mapping[str, Any]) -> JobSpec:
    """Check the rules between the fields of a CreateJob request.

    Raises:
        BadRequest: The request violates a rule.
        NotImplementedHere: It is valid, but the emulator does not support it.
    """
    try:
        tags = checked_tags(request.get("Tags", ()))
    except ServiceError as error:
        # The model gives CreateJob no error of its own for tags.
        raise BadRequest(error.message) from error
    return JobSpec(
        request=request,
        operation=_operation(request["Operation"]),
        manifest=_manifest(request),
        report=_report(request["Report"]),
        # The model says that only jobs of the console require confirmation; "Tracking job status
        # and completion reports" (S3 User Guide) says that a job created by the CLI without
        # --no-confirmation-required waits for it. Absent is read as False, unconfirmed.
        confirmation_required=request.get("ConfirmationRequired", False),
        client_token=request["ClientRequestToken"],
        priority=request["Priority"],
        tags=tags,
    )


def checked_tags(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags by key; `wire` checks their characters and lengths.

    "Controlling access and labeling jobs using tags" (S3 User Guide) for the number; "Tagging your
    Amazon Web Services resources" (AWS General Reference) for keys: each once, and the prefix
    `aws:` in any case is reserved.

    Raises:
        TooManyTags: There are more than 50.
        InvalidTag: A key is repeated, or starts with `aws:`.
    """
    if len(tags) > TAGS_MAX:
        raise TooManyTags(f"A job can have at most {TAGS_MAX} tags")
    checked: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if key in checked:
            raise InvalidTag(f"Tags has the key {key!r} more than once")
        if key.lower().startswith("aws:"):
            raise InvalidTag(f"The tag key {key!r} begins with aws:, which is reserved")
        checked[key] = tag["Value"]
    return checked


def _operation(operation: Mapping[str, Any]) -> LambdaInvoke:
    if len(operation) != 1:
        raise BadRequest("Operation must name exactly one operation")
    name = next(iter(operation))
    if name != "LambdaInvoke":
        raise NotImplementedHere(f"This emulator runs LambdaInvoke only, not {name}")
    invoke = operation[name]
    if "FunctionArn" not in invoke:
        raise BadRequest("Operation.LambdaInvoke.FunctionArn is required")
    version = invoke.get("InvocationSchemaVersion", "1.0")
    if version not in ("1.0", "2.0"):
        raise BadRequest(
            f"Operation.LambdaInvoke.InvocationSchemaVersion must be 1.0 or 2.0, not {version!r}"
        )
    arguments = invoke.get("UserArguments", {})
    if arguments and version != "2.0":
        # LambdaInvokeOperation of the model: UserArguments need schema version 2.0.
        raise BadRequest("Operation.LambdaInvoke.UserArguments need InvocationSchemaVersion 2.0")
    return LambdaInvoke(
        function_arn=invoke["FunctionArn"], schema_version=version, user_arguments=arguments
    )


def _manifest(request: Mapping[str, Any]) -> ManifestSpec:
    if ("Manifest" in request) == ("ManifestGenerator" in request):
        raise BadRequest("Exactly one of Manifest and ManifestGenerator is required")
    if "ManifestGenerator" in request:
        raise NotImplementedHere(
            "This emulator does not generate manifests: send a Manifest instead"
        )
    spec, location = request["Manifest"]["Spec"], request["Manifest"]["Location"]
    if spec["Format"] != _MANIFEST_FORMAT:
        raise NotImplementedHere(
            f"This emulator reads manifests of format {_MANIFEST_FORMAT}, not {spec['Format']}"
        )
    fields = tuple(ManifestField(name) for name in spec.get("Fields", ()))
    if not fields:
        raise BadRequest(f"Manifest.Spec.Fields is required with {_MANIFEST_FORMAT}")
    for field in set(fields) - {ManifestField.IGNORE}:
        if fields.count(field) > 1:
            raise BadRequest(f"Manifest.Spec.Fields names {field} more than once")
    bucket, _, key = _resource(location["ObjectArn"]).partition("/")
    if not bucket or not key:
        raise BadRequest("Manifest.Location.ObjectArn must name a bucket and an object")
    return ManifestSpec(
        bucket=bucket,
        key=key,
        version_id=location.get("ObjectVersionId"),
        etag=location["ETag"].strip('"'),
        fields=fields,
    )


def _report(report: Mapping[str, Any]) -> ReportSpec | None:
    if not report["Enabled"]:
        return None
    for name in ("Bucket", "Format", "ReportScope"):
        # The model requires Enabled alone; that an enabled report needs these is a guess.
        if name not in report:
            raise BadRequest(f"Report.{name} is required when the report is enabled")
    bucket = _resource(report["Bucket"])
    if not bucket or "/" in bucket:
        raise BadRequest("Report.Bucket must be the ARN of a bucket")
    return ReportSpec(
        bucket=bucket,
        prefix=report.get("Prefix"),
        failed_tasks_only=report["ReportScope"] == "FailedTasksOnly",
        expected_owner=report.get("ExpectedBucketOwner"),
    )


def _resource(arn: str) -> str:
    # arn:partition:s3:region:account:resource, where the resource may contain colons.
    parts = arn.split(":", 5)
    return parts[5] if len(parts) == 6 else ""
