"""Connects the emulator of S3 Batch Operations to the functions and events of the local stack."""

from adapters.local_aws.lambda_service.invocation import REGION, InvocationRejected
from adapters.local_aws.s3_batch_operations import (
    BatchOperations,
    BatchOperationsSettings,
    InvokeResult,
)
from adapters.local_aws.stack.settings import BatchOperationsParts, BatchOperationsServer


def batch_operations_emulator(parts: BatchOperationsParts) -> BatchOperationsServer:
    """Return the emulator; the argument `batch_operations` of `LocalStack`."""

    async def invoke(function_arn: str, payload: bytes) -> InvokeResult:
        try:
            result = await parts.invoke(function_arn, payload)
        except InvocationRejected as rejected:
            return InvokeResult(rejected.status, None, rejected.message.encode())
        return InvokeResult(200, result.function_error, result.payload)

    return BatchOperations(
        BatchOperationsSettings(region=REGION),
        s3_client_factory=parts.open_s3,
        invoke=invoke,
        publish=parts.publish,
    )
