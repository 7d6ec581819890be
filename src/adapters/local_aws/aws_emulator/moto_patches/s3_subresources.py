"""Parts of a bucket's configuration that moto takes for the bucket itself.

S3 API Reference, "GetBucketRequestPayment" and "PutBucketRequestPayment": the owner pays unless
the bucket says `Requester` (checked 2026-11). moto takes the first for a listing of the bucket and
the second for its creation, as it does with every part that it lacks; DELETE of such a part deletes
the bucket. Here who pays is stored, without others having to offer to pay, and the remaining ones
are NotImplemented, an error that S3 itself has ("List of error codes").
"""

from collections.abc import Callable
from typing import Any, Final
from xml.etree import ElementTree

from moto.core.responses import ActionResult, EmptyResult
from moto.s3.exceptions import MalformedXML, S3ClientError
from moto.s3.responses import S3Response

from adapters.local_aws.aws_emulator.moto_patches.patching import replace

_PAYMENT: Final = "requestPayment"
_PAYERS: Final = ("BucketOwner", "Requester")
_PAYER: Final = "_asset_sync_payer"

# By the requests of the service model; moto 5.2 has the others.
_LACKING: Final = frozenset(
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


def mend() -> None:
    """Tell who pays, and refuse what is not there."""
    replace(S3Response, "_bucket_response_get", _getting)
    replace(S3Response, "_bucket_response_put", _putting)
    replace(S3Response, "_bucket_response_delete", _deleting)


def _getting(unmended: Callable[..., Any]) -> Callable[..., Any]:
    def bucket_response_get(self: S3Response, bucket_name: str, querystring: Any) -> Any:
        _check(querystring, _LACKING)
        if _PAYMENT not in querystring:
            return unmended(self, bucket_name, querystring)
        bucket = _allowed(self, "GetBucketRequestPayment", bucket_name)
        return self.serialized(ActionResult({"Payer": getattr(bucket, _PAYER, _PAYERS[0])}))

    return bucket_response_get


def _putting(unmended: Callable[..., Any]) -> Callable[..., Any]:
    def bucket_response_put(
        self: S3Response, request: Any, bucket_name: str, querystring: Any
    ) -> Any:
        _check(querystring, _LACKING)
        if _PAYMENT not in querystring:
            return unmended(self, request, bucket_name, querystring)
        bucket = _allowed(self, "PutBucketRequestPayment", bucket_name)
        payer = _payer_in(self.body)
        if payer not in _PAYERS:
            raise MalformedXML
        setattr(bucket, _PAYER, payer)
        return self.serialized(EmptyResult())

    return bucket_response_put


def _deleting(unmended: Callable[..., Any]) -> Callable[..., Any]:
    def bucket_response_delete(self: S3Response, bucket_name: str, querystring: Any) -> Any:
        _check(querystring, _LACKING | {"inventory"})
        return unmended(self, bucket_name, querystring)

    return bucket_response_delete


def _check(querystring: Any, lacking: frozenset[str]) -> None:
    for name in lacking & set(querystring):
        raise S3ClientError("NotImplemented", f"The emulated S3 does not have {name}")


def _payer_in(body: bytes) -> str | None:
    try:
        # The document comes from an SDK on this machine.
        return ElementTree.fromstring(body).findtext("{*}Payer")  # noqa: S314
    except ElementTree.ParseError:
        return None


def _allowed(response: S3Response, action: str, bucket_name: str) -> Any:
    response.data["Action"] = action
    response._authenticate_and_authorize_s3_action(bucket_name=bucket_name)  # noqa: SLF001
    return response.backend.get_bucket(bucket_name)
