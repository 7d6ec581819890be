"""Bucket subresources that moto mistakes for the bucket itself.

S3 API Reference, "GetBucketRequestPayment" and "PutBucketRequestPayment": the owner pays unless
the configuration is `Requester` (checked 2026-11). moto treats the first as a listing of the bucket
and the second as its creation, like every subresource that it does not implement; DELETE of one
deletes the bucket. This patch stores the payer without enforcing it, and returns NotImplemented, an
error code of S3 ("List of error codes"), for the others.
"""

from collections.abc import Callable
from typing import Any, Final
from xml.etree import ElementTree

from moto.core.responses import ActionResult, EmptyResult
from moto.s3.exceptions import MalformedXML, S3ClientError
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import patch

_PAYMENT: Final = "requestPayment"
_PAYERS: Final = ("BucketOwner", "Requester")
_PAYER: Final = "_asset_sync_payer"

# Subresources in the service model that moto 5.2 does not implement.
_NOT_IMPLEMENTED: Final = frozenset(
    {
        "analytics",
        "intelligent-tiering",
        "metadataConfiguration",
        "metadataInventoryTable",
        "metadataJournalTable",
        "metadataTable",
        "metrics",
        "session",
    }
)


def apply() -> None:
    """Store the payer, and reject what moto does not implement."""
    patch(S3Response, "_bucket_response_get", _getting)
    patch(S3Response, "_bucket_response_put", _putting)
    patch(S3Response, "_bucket_response_delete", _deleting)


def _getting(original: Callable[..., Any]) -> Callable[..., Any]:
    def bucket_response_get(self: S3Response, bucket_name: str, querystring: Any) -> Any:
        _check(querystring, _NOT_IMPLEMENTED)
        if _PAYMENT not in querystring:
            return original(self, bucket_name, querystring)
        bucket = _authorized(self, "GetBucketRequestPayment", bucket_name)
        return self.serialized(ActionResult({"Payer": getattr(bucket, _PAYER, _PAYERS[0])}))

    return bucket_response_get


def _putting(original: Callable[..., Any]) -> Callable[..., Any]:
    def bucket_response_put(
        self: S3Response, request: Any, bucket_name: str, querystring: Any
    ) -> Any:
        _check(querystring, _NOT_IMPLEMENTED)
        if _PAYMENT not in querystring:
            return original(self, request, bucket_name, querystring)
        bucket = _authorized(self, "PutBucketRequestPayment", bucket_name)
        payer = _payer_in(self.body)
        if payer not in _PAYERS:
            raise MalformedXML
        setattr(bucket, _PAYER, payer)
        return self.serialized(EmptyResult())

    return bucket_response_put


def _deleting(original: Callable[..., Any]) -> Callable[..., Any]:
    def bucket_response_delete(self: S3Response, bucket_name: str, querystring: Any) -> Any:
        _check(querystring, _NOT_IMPLEMENTED | {"inventory"})
        return original(self, bucket_name, querystring)

    return bucket_response_delete


def _check(querystring: Any, not_implemented: frozenset[str]) -> None:
    for name in not_implemented & set(querystring):
        raise S3ClientError("NotImplemented", f"The emulated S3 does not implement {name}")


def _payer_in(body: bytes) -> str | None:
    try:
        # The document comes from an SDK on this machine.
        return ElementTree.fromstring(body).findtext("{*}Payer")  # noqa: S314
    except ElementTree.ParseError:
        return None


def _authorized(response: S3Response, action: str, bucket_name: str) -> Any:
    response.data["Action"] = action
    response._authenticate_and_authorize_s3_action(bucket_name=bucket_name)  # noqa: SLF001
    return response.backend.get_bucket(bucket_name)
