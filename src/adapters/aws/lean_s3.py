"""The S3 calls that are made for each object and for each file of results, as lean calls.

Of the failures they handle S3's 404 and 412, which no retry changes. The others are left to the
SDK: another status, a failed connection, headers beyond ASCII.

Parameters, response bodies and errors are handled by the SDK's own serializer and parser and its
hooks before parsing, so what S3ObjectStore sees is the same.
"""

# ruff: noqa: SLF001
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from botocore.awsrequest import prepare_request_dict
from botocore.httpchecksum import apply_request_checksum, resolve_checksum_context

from adapters.aws.lean_client import Call, LeanClient, LeftToSdk, Target
from adapters.aws.listing_page import parse_page

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

_LISTING: Final = "ListObjectsV2"
_OK: Final = 200
# No retry changes these.
_FINAL_STATUSES: Final = frozenset({404, 412})
_OVERLOADED_FROM: Final = 500


class _Headers(dict[str, str]):
    """A response's headers by their names in lower case, as the SDK's session names them.

    The SDK's own class makes an object for each lookup, and its parser looks up forty names.
    """

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class _Body:
    """A body that has arrived, with the methods of the SDK's streams that adapters use."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aenter__(self) -> _Body:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read(self) -> bytes:
        """Return the whole body."""
        return self._content

    def close(self) -> None:
        """Do nothing: no connection is kept for the body."""


class LeanS3(LeanClient):
    """A client of S3 with lean calls for single objects and for listings."""

    def __init__(self, client: Any) -> None:
        super().__init__(client, service="s3")
        self._parser = client._endpoint._response_parser_factory.create_parser("rest-xml")

    async def get_object_tagging(self, **params: Any) -> Any:
        return await self._of_bucket("GetObjectTagging", self.sdk.get_object_tagging, params)

    async def head_object(self, **params: Any) -> Any:
        return await self._of_bucket("HeadObject", self.sdk.head_object, params)

    async def copy_object(self, **params: Any) -> Any:
        return await self._of_bucket("CopyObject", self.sdk.copy_object, params)

    async def put_object_tagging(self, **params: Any) -> Any:
        return await self._of_bucket("PutObjectTagging", self.sdk.put_object_tagging, params)

    async def put_object(self, **params: Any) -> Any:
        return await self._of_bucket("PutObject", self.sdk.put_object, params)

    async def get_object(self, **params: Any) -> Any:
        """See the SDK's client; the whole body has arrived."""
        return await self._of_bucket("GetObject", self.sdk.get_object, params)

    async def list_objects_v2(self, **params: Any) -> Any:
        """See the SDK's client; a page has only the members that `read_page` reads."""
        return await self._of_bucket(_LISTING, self.sdk.list_objects_v2, params)

    async def _of_bucket(self, operation_name: str, by_sdk: Any, params: dict[str, Any]) -> Any:
        return await self._call(operation_name, by_sdk, params, place=params["Bucket"])

    async def _exchange(self, call: Call, target: Target) -> Any:
        request = self.sdk._serializer.serialize_to_request(call.params, call.operation)
        prepare_request_dict(request, endpoint_url=target.url, context=call.context)
        resolve_checksum_context(request, call.operation, call.params)
        apply_request_checksum(request)
        body = request["body"] or b""
        # The SDK's hooks make a file of an object's content.
        content = body if isinstance(body, bytes) else body.read()
        answer = await self._send(
            request["method"], request["url"], request["headers"], content, target
        )
        return await self._parse(call.operation, *answer)

    async def _parse(
        self, operation: Any, status: int, headers: dict[str, str], body: bytes
    ) -> Any:
        client = self.sdk
        received: dict[str, Any] = {
            "headers": _Headers(headers),
            "status_code": status,
            "context": {"operation_name": operation.name},
            "body": body,
        }
        if operation.name == _LISTING and status == _OK:
            page = parse_page(body)
            if page is None:
                raise LeftToSdk
            return page
        if operation.has_streaming_output and status < 300:
            received["body"] = _Body(body)
        customized: dict[str, Any] = {}
        await client.meta.events.emit(
            f"before-parse.s3.{operation.name}",
            operation_model=operation,
            response_dict=received,
            customized_response_dict=customized,
        )
        # A hook makes an error of a success whose body is one.
        status = received["status_code"]
        if status >= 300 and status not in _FINAL_STATUSES:
            raise LeftToSdk(pause=status >= _OVERLOADED_FROM)
        parsed = await self._parser.parse(received, operation.output_shape)
        parsed.update(customized)
        if status >= 300:
            error = client.exceptions.from_code(parsed.get("Error", {}).get("Code"))
            raise error(parsed, operation.name)
        return parsed


def lean_s3(client: S3Client) -> S3Client:
    """Return the client with lean calls for single objects and for listings."""
    return cast("S3Client", LeanS3(client))
