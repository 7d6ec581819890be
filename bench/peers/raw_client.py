"""The limit: the requests of a sync, signed, and nothing else; prints CPU time and memory as JSON.

Run by bench/syncs.py: python bench/peers/raw_client.py OBJECTS PASS

It sends what this service sends in a first sync by copies (`first`), in a second one (`second`, and
`second-catalog` with verify: catalog), or for a listing (`list`): over one connection of Python's
http.client, with the SDK's signer. It checks the status of each response, and parses nothing except
keys and tokens of pages. It does not retry, decide, record or run calls at once, so it is no
proposal: no client of this kind can be faster.
"""

from __future__ import annotations

import argparse
import html
import http.client
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from measuring import Stopwatch, report

from domain.identity import mint_inventory_id

_KEY = re.compile(rb"<Key>([^<]+)</Key>")
_E_TAG = re.compile(rb"<ETag>([^<]+)</ETag>")
_TOKEN = re.compile(rb"<NextContinuationToken>([^<]+)<")
_JSON = {"Content-Type": "application/x-amz-json-1.0"}
_WINDOW_OBJECT_COUNT = 100
_EVENT_COUNT = 10


class RawClient:
    """A connection to each endpoint, and a signer for each service.

    All objects have the same ETag, because they have the same content.
    """

    def __init__(self, url: str, s3_url: str, bucket: str) -> None:
        self._url, self._s3_url, self._bucket = url, s3_url, bucket
        self._e_tag = ""
        self._connections = {
            each: http.client.HTTPConnection(urlsplit(each).netloc) for each in (url, s3_url)
        }
        credentials = Credentials("test", "test")
        self._s3 = S3SigV4Auth(credentials, "s3", "us-east-1")
        self._signers = {
            name: SigV4Auth(credentials, name, "us-east-1") for name in ("dynamodb", "events")
        }

    def keys(self) -> Iterator[str]:
        token = b""
        while True:
            position = f"&continuation-token={quote(token)}" if token else ""
            page = self.s3("GET", f"?list-type=2&encoding-type=url&prefix={position}")
            self._e_tag = html.unescape(_E_TAG.findall(page)[0].decode())
            for key in _KEY.findall(page):
                yield unquote_plus(key.decode())
            found = _TOKEN.search(page)
            if found is None:
                return
            token = found[1]

    def read_tags(self, key: str) -> None:
        self.s3("GET", f"/{quote(key)}?tagging")

    def head(self, key: str) -> None:
        self.s3("HEAD", f"/{quote(key)}")

    def copy(self, key: str) -> None:
        path = f"/{quote(key)}"
        headers = {
            "x-amz-copy-source": f"{self._bucket}{path}",
            "x-amz-copy-source-if-match": self._e_tag,
            "If-Match": self._e_tag,
            "x-amz-metadata-directive": "COPY",
            "x-amz-tagging-directive": "REPLACE",
            "x-amz-tagging": f"InventoryID={mint_inventory_id(self._bucket, key)}&AssetID=a",
            "x-amz-storage-class": "STANDARD",
            "x-amz-server-side-encryption": "AES256",
        }
        self.s3("PUT", path, headers)

    def read_records(self, keys: Sequence[str]) -> None:
        ids = [{"InventoryID": {"S": mint_inventory_id(self._bucket, key)}} for key in keys]
        request = {"RequestItems": {"assets": {"Keys": ids}}}
        self._post("dynamodb", "DynamoDB_20120810.BatchGetItem", request)

    def publish(self, keys: Sequence[str]) -> None:
        entries = [
            {
                "Source": "asset-sync",
                "DetailType": "AssetSyncObjectReady",
                "Detail": json.dumps({"bucketName": self._bucket, "objectKey": key}),
                "EventBusName": "ingest",
            }
            for key in keys
        ]
        self._post("events", "AWSEvents.PutEvents", {"Entries": entries})

    def s3(self, method: str, target: str, headers: dict[str, str] | None = None) -> bytes:
        request = AWSRequest(method, f"{self._s3_url}/{self._bucket}{target}", headers or {})
        self._s3.add_auth(request)
        return self._send(self._s3_url, request, None)

    def _post(self, service: str, target: str, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        headers = {**_JSON, "X-Amz-Target": target}
        request = AWSRequest("POST", f"{self._url}/", headers, body)
        self._signers[service].add_auth(request)
        self._send(self._url, request, body)

    def _send(self, url: str, request: AWSRequest, body: bytes | None) -> bytes:
        target = str(request.url).removeprefix(url)
        connection = self._connections[url]
        connection.request(str(request.method), target, body, dict(request.headers.items()))
        response = connection.getresponse()
        content = response.read()
        assert response.status == http.HTTPStatus.OK, (response.status, content)
        return content


def _groups(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _first(client: RawClient, keys: Sequence[str]) -> None:
    for key in keys:
        client.read_tags(key)
    client.read_records(keys)
    for key in keys:
        client.head(key)
        client.copy(key)
    for group in _groups(keys, _EVENT_COUNT):
        client.publish(group)


def _second(client: RawClient, keys: Sequence[str]) -> None:
    for key in keys:
        client.read_tags(key)
    client.read_records(keys)


_PASSES: dict[str, Callable[[RawClient, Sequence[str]], None]] = {
    "list": lambda _client, _keys: None,
    "first": _first,
    "second": _second,
    "second-catalog": lambda client, keys: client.read_records(keys),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("objects", type=int)
    parser.add_argument("kind", metavar="pass", choices=_PASSES)
    parser.add_argument("--bucket", default="media")
    args = parser.parse_args()
    url = os.environ["AWS_ENDPOINT_URL"]
    client = RawClient(url, os.environ.get("AWS_ENDPOINT_URL_S3", url), args.bucket)
    watch = Stopwatch()
    keys, count = client.keys(), 0
    while window := list(islice(keys, _WINDOW_OBJECT_COUNT)):
        _PASSES[args.kind](client, window)
        count += len(window)
    usage = watch.usage()
    assert count == args.objects, count
    report({"objects": count}, usage)


if __name__ == "__main__":
    main()
