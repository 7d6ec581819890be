"""One task: the request to the function, and the interpretation of its response.

Both follow "Invoke AWS Lambda function" (S3 User Guide). The guide says "one or more keys" per
invocation; Powertools for AWS Lambda rejects a response without exactly one result, so functions
can rely on one task per invocation.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

from adapters.local_aws.s3_batch_operations.invocation import InvokeResult
from adapters.local_aws.s3_batch_operations.job_spec import LambdaInvoke
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow

_OK = 200
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = range(500, 600)

SUCCEEDED: Final = "Succeeded"
TEMPORARY: Final = "TemporaryFailure"
PERMANENT: Final = "PermanentFailure"
_RESULT_CODES: Final = (SUCCEEDED, TEMPORARY, PERMANENT)

_INVALID_JSON: Final = "Invalid JSON returned in Lambda payload"


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """The outcome of a task, as in the completion report.

    Attributes:
        http_status: As in the report: 200 if the function was invoked.
        error_code: Empty if the task succeeded.
        message: The column ResultMessage.
    """

    http_status: int
    error_code: str
    message: str

    @property
    def succeeded(self) -> bool:
        """Whether the task counts as succeeded."""
        return not self.error_code

    @property
    def redrivable(self) -> bool:
        """Whether the task is retried before the job ends."""
        return self.error_code == TEMPORARY


# From a report that S3 wrote (sample-replicate-on-tag-for-amazon-s3, fixture failed-row): an empty
# field is not the null version, whose id is "null".
EMPTY_VERSION: Final = TaskOutcome(500, "SrcObjectNotFound", "Object versionID is invalid")


def task_id(job_id: str, row: ManifestRow) -> str:
    """Return the id of a row's task: opaque, and the same for every retry."""
    return base64.b64encode(f"{job_id}/{row.row_number}".encode()).decode()


def task_payload(
    job_id: str, invocation_id: str, operation: LambdaInvoke, row: ManifestRow
) -> bytes:
    """Return the request for one task, in the schema version of the job.

    Version 1.0 names the bucket by `s3BucketArn`; 2.0 names it by `s3Bucket` and carries
    the user arguments (Powertools for AWS Lambda, test events
    s3BatchOperationEventSchemaV1 and V2).
    """
    job: dict[str, Any] = {"id": job_id}
    task: dict[str, Any] = {
        "taskId": task_id(job_id, row),
        # Form style: a space arrives as "+", a plus sign as "%2B" (Powertools for AWS
        # Lambda, pull request 3572). Under 2.0 it is likely the same, unconfirmed.
        "s3Key": quote_plus(row.key, safe="/"),
        "s3VersionId": row.version_id,
    }
    if operation.schema_version == "1.0":
        task["s3BucketArn"] = f"arn:aws:s3:::{row.bucket}"
    else:
        task["s3Bucket"] = row.bucket
        if operation.user_arguments:
            job["userArguments"] = dict(operation.user_arguments)
    return json.dumps(
        {
            "invocationSchemaVersion": operation.schema_version,
            "invocationId": invocation_id,
            "job": job,
            "tasks": [task],
        }
    ).encode()


def task_outcome(result: InvokeResult, schema_version: str, expected_task_id: str) -> TaskOutcome:
    """Return the outcome of an invocation with one task."""
    if result.status_code != _OK:
        # What S3 does when Lambda returns an error is unconfirmed. A guess by the meaning of the
        # status: retryable or not.
        text = result.payload.decode(errors="replace")
        retryable = result.status_code == _TOO_MANY_REQUESTS or result.status_code in _SERVER_ERRORS
        return TaskOutcome(result.status_code, TEMPORARY if retryable else PERMANENT, text)
    if result.function_error is not None:
        # "Examples: S3 Batch Operations completion reports" (S3 User Guide) shows this
        # row for a timeout. Whether S3 retries first is unconfirmed; here it does not.
        text = result.payload.decode(errors="replace")
        return TaskOutcome(_OK, PERMANENT, f"Lambda returned function error: {text}")
    try:
        code, message = _read_response(json.loads(result.payload), schema_version, expected_task_id)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return TaskOutcome(_OK, PERMANENT, _INVALID_JSON)
    return TaskOutcome(_OK, "" if code == SUCCEEDED else code, message)


def _read_response(response: Any, schema_version: str, expected_task_id: str) -> tuple[str, str]:
    """Return the task's result; raises if the response violates the schema.

    That a wrong `invocationSchemaVersion` is a violation is a guess. `invocationId` is not
    compared, because S3 is not known to do so.
    """
    if response["invocationSchemaVersion"] != schema_version:
        raise ValueError("invocationSchemaVersion")
    # Default per the guide. Powertools' response class sends Succeeded by default.
    missing = response.get("treatMissingKeysAs", TEMPORARY)
    results = {result["taskId"]: result for result in response["results"]}
    if missing not in _RESULT_CODES:
        raise ValueError("treatMissingKeysAs")
    if expected_task_id not in results:
        return missing, ""
    return _read_result(results[expected_task_id])


def _read_result(result: Mapping[str, Any]) -> tuple[str, str]:
    code, message = result["resultCode"], result.get("resultString")
    if code not in _RESULT_CODES:
        raise ValueError("resultCode")
    if message is not None and not isinstance(message, str):
        raise TypeError("resultString")
    # The guide says in one place that result strings of failed tasks are ignored, in
    # another that the report includes them; real reports include them.
    return code, message or ""
