"""An emulator of S3 Batch Operations, for a laptop and for tests.

It is an HTTP application of its own that stands in front of any S3 endpoint and speaks
the `s3control` protocol (REST XML, API version 2018-08-20), so that an unmodified boto3,
aiobotocore or AWS CLI can create jobs in it. It reads the manifest from S3, invokes the
function once per row, applies the failure threshold, writes the completion report to S3
and announces every change of status in the shape EventBridge delivers.

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

`LambdaApiInvoker(client)` is a ready `invoke` over the Lambda Invoke API. `application()`
gives the bare `aiohttp.web.Application` to whoever runs a server of their own.

Clients put `{account}.` before the host of the endpoint. The server accepts any Host
header that is a loopback name and also absolute request targets, which leaves three ways
in without touching name resolution: a `before-sign.s3-control` hook that takes the prefix
off (any SDK with hooks), this server as the HTTP proxy of an invented endpoint host below
`.localhost` (any client), or a user part in the endpoint URL, `http://x@127.0.0.1:PORT`,
which swallows the prefix (botocore with urllib3, hence boto3 and AWS CLI, but not
aiobotocore).

What is not emulated:

* Operations other than `LambdaInvoke`, manifests other than `S3BatchOperations_CSV_20180820`,
  and `ManifestGenerator` are refused with `NotImplemented`.
* Roles: `RoleArn` is checked for its form and never assumed. Signatures are not checked.
* Scheduling: every Ready job runs at once, priorities are stored and never pre-empt.
  `Pausing` and `Paused` are in the table of states and are never entered.
* Retention: jobs live in memory. A crash or a restart forgets them, with their tokens;
  a job of the emulator is never deleted after 90 days because it does not live that long.
* Directory buckets.

Where AWS publishes no answer the emulator had to choose; such a choice says "guess" or
"unconfirmed" where it is made, and is a setting where a caller could depend on it.
"""

from adapters.local_aws.s3_batch_operations.invocation import Invoke, InvokeResult, LambdaApiInvoker
from adapters.local_aws.s3_batch_operations.server import BatchOperations
from adapters.local_aws.s3_batch_operations.settings import BatchOperationsSettings, KeyFieldMeasure

__all__ = [
    "BatchOperations",
    "BatchOperationsSettings",
    "Invoke",
    "InvokeResult",
    "KeyFieldMeasure",
    "LambdaApiInvoker",
]
