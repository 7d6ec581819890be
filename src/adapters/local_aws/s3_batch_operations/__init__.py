"""An emulator of S3 Batch Operations.

It is an HTTP application that works with any S3 endpoint and implements the `s3control`
protocol (REST XML, API version 2018-08-20), so that an unmodified boto3, aiobotocore or
AWS CLI can create jobs. It reads the manifest from S3, invokes the function once per row,
applies the failure threshold, writes the completion report to S3 and publishes every
change of status as an event in the format of EventBridge.

Public names::

    emulator = BatchOperations(
        BatchOperationsSettings(region="us-east-1"),
        s3_client_factory=lambda: session.client("s3", endpoint_url=...),
        invoke=invoke,  # async (function_arn, payload) -> InvokeResult
        publish=publish,  # async (event) -> None
    )
    endpoint_url = await emulator.start()  # loopback only, a free port
    ...
    await emulator.stop()

`application()` returns the `aiohttp.web.Application` for use in another server.

Clients put `{account}.` before the host of the endpoint. The server accepts any Host
header that is a loopback name and also absolute request targets, so a client can reach it
in three ways without name resolution: with a `before-sign.s3-control` hook that removes
the prefix (any SDK with hooks), with this server as the HTTP proxy of an invented endpoint
host below `.localhost` (any client), or with a user part in the endpoint URL,
`http://x@127.0.0.1:PORT`, which absorbs the prefix (botocore with urllib3, hence boto3 and
AWS CLI, but not aiobotocore).

What is not emulated:

* Operations other than `LambdaInvoke`, manifests other than `S3BatchOperations_CSV_20180820`,
  and `ManifestGenerator` are rejected with `NotImplemented`.
* Roles: the format of `RoleArn` is checked; it is never assumed. Signatures are not checked.
* Scheduling: every Ready job runs at once, priorities are stored without effect.
  `Pausing` and `Paused` are in the table of states, but are never entered.
* Retention: jobs are kept in memory; a restart loses them and their tokens. Jobs are not deleted
  after 90 days.
* Directory buckets.

Where AWS does not document a behaviour, a comment marks the choice as "guess" or
"unconfirmed"; it is a setting if a caller could depend on it.
"""

from adapters.local_aws.s3_batch_operations.invocation import Invoke, InvokeResult
from adapters.local_aws.s3_batch_operations.server import BatchOperations
from adapters.local_aws.s3_batch_operations.settings import BatchOperationsSettings, KeyFieldMeasure

__all__ = [
    "BatchOperations",
    "BatchOperationsSettings",
    "Invoke",
    "InvokeResult",
    "KeyFieldMeasure",
]
