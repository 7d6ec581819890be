"""Whatever AWS or a proxy in front of it responds, an adapter raises only errors of the ports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final, get_type_hints
from xml.etree import ElementTree

import botocore.session
import pytest
import pytest_asyncio
from adapter_calls import GOOD, Calls, Good, adapter_calls, good_answer
from raw_server import RawRequest, RawServer, answer, raw_aws

import ports
from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.error_codes import ANY_SERVICE, CODES
from entrypoints.wiring.ports import (
    CommonPorts,
    EnginePorts,
    JobPorts,
    ObjectPorts,
    ProcessorPorts,
)
from ports.errors import NotFound, PortError, TimedOut, Unknown

pytestmark = pytest.mark.asyncio(loop_scope="module")

HTML: Final = b"<html><head><title>Sign in</title></head><body><p>Welcome</p></body></html>"
PAGE: Final = b"<!DOCTYPE html><html><body><br>Bad gateway</body>"
NESTED: Final = b"[" * 100_000

# Their 2xx has no body to check.
SILENT: Final = frozenset(
    {"PutObjectTagging", "AbortMultipartUpload", "PutObject", "Invoke", "DeleteSchedule"}
)
HEADS: Final = frozenset({"HeadObject", "HeadBucket"})
# Content, of any form.
CONTENT: Final = frozenset({"GetObject"})
# The codes for a queue that does not exist.
NO_QUEUE: Final = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


class Aws:
    """A server behind real clients: valid responses, except for one operation."""

    def __init__(self, server: RawServer) -> None:
        self._server = server
        server.answer = self._answer
        self.calls: Calls = {}
        self.target: str | None = None
        self.fault: Callable[[str, Good], bytes] = lambda _service, _good: b""
        self.homes: dict[str, str] = {}
        self.goods: dict[str, Good] = {}
        self.asked: list[tuple[str, str]] = []
        self._parameters: Mapping[str, Any] = {}

    def on_request(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        self.asked.append((service, operation))
        if operation != "AssumeRole":
            self._parameters = parameters

    def _answer(self, request: RawRequest) -> bytes:
        # Credentials are requested in the middle of another call, when it is signed.
        role = b"Action=AssumeRole" in request.body
        [*_, (service, operation)] = [
            each for each in self.asked if (each[1] == "AssumeRole") == role
        ]
        good = good_answer(operation, self._parameters)
        self.goods.setdefault(operation, good)
        return self.fault(service, good) if operation == self.target else _wire(service, good)

    async def call(self, name: str) -> PortError | None:
        """Make a call and return its port error. Any other error or a hang fails the test."""
        self.asked.clear()
        self.goods.clear()
        try:
            async with asyncio.timeout(30):
                await self.calls[name]()
        except PortError as error:
            return error
        return None

    async def operations_of(self, name: str) -> list[tuple[str, str]]:
        """Return service and operation of each kind of request that a call makes."""
        self.target = None
        assert await self.call(name) is None, name
        return list(dict.fromkeys(self.asked))

    async def find_homes(self) -> None:
        """Find for each operation the call with the fewest other requests."""
        by_name = {name: await self.operations_of(name) for name in self.calls}
        for name in sorted(by_name, key=lambda each: len(by_name[each])):
            for _, operation in by_name[name]:
                self.homes.setdefault(operation, name)


def _is_json(service: str) -> bool:
    return service in ("dynamodb", "sqs", "events", "lambda", "scheduler")


def _wire(service: str, good: Good, **changes: Any) -> bytes:
    kind = "application/x-amz-json-1.0" if _is_json(service) else "application/xml"
    given = {"status": good.status, "body": good.body, "headers": good.headers} | changes
    status, body = given.pop("status"), given.pop("body")
    return answer(status, body, **{"content_type": kind, **given})


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def aws() -> AsyncIterator[Aws]:
    async with raw_aws() as server:
        served = Aws(server)
        settings = ClientSettings(attempt_count_max=1, read_timeout_s=20, copy_read_timeout_s=20)
        async with open_clients(settings, on_request=served.on_request) as clients:
            served.calls = await adapter_calls(clients)
            await served.find_homes()
            yield served


@dataclass(frozen=True)
class Fault:
    """A faulty response, and whether its status is a success."""

    name: str
    octets: bytes
    success: bool = False
    unknown_code: bool = False
    not_found_code: bool = False


def _error(service: str, code: str, status: int) -> bytes:
    if _is_json(service):
        body = json.dumps({"__type": code, "message": "why"}).encode()
        return answer(
            status, body, headers={"x-amzn-ErrorType": code}, content_type="application/json"
        )
    inner = f"<Code>{code}</Code><Message>why</Message>"
    root = f"<Error>{inner}</Error>"
    if service in ("cloudwatch", "sns", "sts"):
        root = f"<ErrorResponse><Error>{inner}</Error><RequestId>R1</RequestId></ErrorResponse>"
    return answer(status, root.encode())


_MODELS = botocore.session.Session()


def documented_codes(service: str, operation: str) -> set[str]:
    """Return the codes of an operation's model, and those of our table for its service."""
    model = _MODELS.get_service_model(service).operation_model(operation)
    modelled = {shape.error_code or shape.name for shape in model.error_shapes}
    known = {code for of, code in CODES if of == service and not code.isdigit()}
    # One of each kind of the codes common to all services; test_errors.py has all.
    common = {kind: code for (of, code), kind in CODES.items() if of == ANY_SERVICE}
    return modelled | known | set(common.values())


def code_faults(service: str, operation: str) -> Iterator[Fault]:
    for code in sorted(documented_codes(service, operation)):
        kind = CODES.get((service, code)) or CODES.get((ANY_SERVICE, code))
        not_found = kind is NotFound or code in NO_QUEUE
        yield Fault(code, _error(service, code, 400), not_found_code=not_found)
    yield Fault("unknown 4xx", _error(service, "NeverHeardOf", 418), unknown_code=True)
    yield Fault("unknown 5xx", _error(service, "NeverHeardOf", 507))


def body_faults(service: str, operation: str, good: Good) -> Iterator[Fault]:
    for status in (200, 400, 403, 404, 405, 409, 412, 500, 502, 503):
        for name, body in (("empty", b""), ("web page", HTML), ("bad page", PAGE)):
            octets = _wire(service, Good(body), status=status, content_type="text/html")
            yield Fault(f"{status} {name}", octets, success=status == 200)
    yield Fault("no answer", b"")
    yield Fault("nested", _wire(service, Good(NESTED)), success=True)
    if good.body:
        half = len(good.body) // 2
        yield Fault("cut", _wire(service, good, cut=half), success=True)
        yield Fault("short", _wire(service, good, body=good.body[:half]), success=True)
    for name, value in (("Latin-1", b"caf\xe9"), ("octets", b"\xff\xfe\x80"), ("empty", b"")):
        odd = {"x-amz-meta-note": value, "x-amz-request-id": value, "x-amz-version-id": value}
        yield Fault(f"{name} headers", _wire(service, good, headers={**good.headers, **odd}))
    for name in good.headers:
        without = {each: value for each, value in good.headers.items() if each != name}
        yield Fault(f"without {name}", _wire(service, good, headers=without))
        for value in (b"", b"odd", b"caf\xe9", b"-1"):
            octets = _wire(service, good, headers={**without, name: value})
            if name != "Content-Length":
                yield Fault(f"{name}: {value!r}", octets)


def member_faults(service: str, operation: str, good: Good) -> Iterator[Fault]:
    if not good.body or operation in CONTENT:
        return
    variants = _json_variants if _is_json(service) else _xml_variants
    for name, body in variants(good.body):
        # DynamoDB's response for an item that does not exist has no item, or no items.
        nothing = "Item" in name or "Responses" in name
        yield Fault(name, _wire(service, good, body=body), not_found_code=nothing)


def with_more(service: str, good: Good) -> bytes:
    """Return the response with unknown members added."""
    if _is_json(service):
        more = {"Novel": {"a": [1]}} | json.loads(good.body or b"{}")
        return _wire(service, good, body=json.dumps(more).encode() if good.body else b"")
    head, _, tail = good.body.rpartition(b"</")
    body = head + b"<Novel><a>1</a></Novel></" + tail if head else b""
    return _wire(service, good, body=body)


def _json_variants(body: bytes) -> Iterator[tuple[str, bytes]]:
    document = json.loads(body)
    for path in list(_paths(document)):
        yield f"without {path}", json.dumps(_changed(document, path, None)).encode()
        for value in (None, 7, "odd", True, [], {}, [1], [None], {"a": 1}, {"S": 1}, ["x"]):
            yield f"{path}={value!r}", json.dumps(_changed(document, path, (value,))).encode()


def _paths(document: Any, depth: int = 3) -> Iterator[tuple[Any, ...]]:
    if depth == 0:
        return
    entries: Any = ()
    if isinstance(document, dict):
        entries = list(document.items())[:6]
    elif isinstance(document, list):
        entries = list(enumerate(document))[:1]
    for name, value in entries:
        yield (name,)
        for rest in _paths(value, depth - 1):
            yield (name, *rest)


def _changed(document: Any, path: tuple[Any, ...], value: tuple[Any] | None) -> Any:
    copied = json.loads(json.dumps(document))
    at = copied
    for name in path[:-1]:
        at = at[name]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value[0]
    return copied


def _xml_variants(body: bytes) -> Iterator[tuple[str, bytes]]:
    def copy() -> ElementTree.Element:
        return ElementTree.fromstring(body)  # noqa: S314 - our own

    bare = copy()
    bare.clear()
    yield "no members", ElementTree.tostring(bare)
    for number, element in enumerate(list(copy().iter())[1:], start=1):
        changed = copy()
        parents = {child: parent for parent in changed.iter() for child in parent}
        victim = list(changed.iter())[number]
        parents[victim].remove(victim)
        yield f"without {element.tag}", ElementTree.tostring(changed)
        for text in ("odd", "", "-1", "<x/>"):
            changed = copy()
            victim = list(changed.iter())[number]
            for child in list(victim):
                victim.remove(child)
            victim.text = text
            yield f"{element.tag}={text}", ElementTree.tostring(changed)


CALL_NAMES: Final = tuple(
    # As `adapter_calls` names them; the first test fails if one is missing.
    f"{port}.{method}"
    for port, methods in {
        "objects": "inspect setting setting_versioning setting_object_lock setting_encryption"
        " setting_notifications list_objects read_tags head write_tags copy_in_place access"
        " create_multipart_copy copy_part complete_multipart_copy abort_multipart_copy",
        "roles": "read_tags",
        "results": "put replace get read_range stream e_tag"
        " create_upload upload_part complete_upload abort_upload",
        "source_files": "read",
        "batch_jobs": "create describe find cancel",
        "jobs": "create create_with_runs get save save_ended reopen list_page open_jobs"
        " stage_pause pause_stage",
        "chunks": "add get save settle chunks list_page parked covering_page",
        "shares": "start get shares save record hand_on close discard",
        "connectors": "create get save remove list_page record_queue_empty record_baseline",
        "errors": "record clear list_page",
        "catalog": "look_up records_at",
        "catalog_scan": "size page",
        "queue": "send depth",
        "ingest_queue": "send depth oldest_age_s",
        "notifier": "publish",
        "bus": "publish publish_removals",
        "invoker": "advance list_share orphans removals",
        "scheduler": "put remove names connector_of remove_one",
        "slots": "take give_back holders",
        "schedule_runs": "get save",
        "surveyor": "check look survey",
    }.items()
    for method in methods.split()
)


async def test_every_call_is_made_and_every_operation_has_a_valid_response(aws: Aws) -> None:
    seen: set[str] = set()
    for name in aws.calls:
        seen |= {operation for _, operation in await aws.operations_of(name)}
    assert set(CALL_NAMES) == set(aws.calls)
    assert seen == set(GOOD)


_WITHOUT_AWS: Final = {"clock", "ids", "parquet_reader", "telemetry"}
_CALLED_AS: Final = {"connector_store": "connectors"}


def _port_methods() -> set[str]:
    """Return every method of the ports that AWS adapters implement, as `port.method`."""
    modules = [import_module(f"ports.{found.name}") for found in iter_modules(ports.__path__)]
    # The groups' own module imports the ports for mypy only.
    protocols = {name: value for module in modules for name, value in vars(module).items()}
    found = {
        name: port
        for group in (CommonPorts, JobPorts, ObjectPorts, EnginePorts, ProcessorPorts)
        for name, port in get_type_hints(group, localns=protocols).items()
        if name not in _WITHOUT_AWS
    }
    return {
        f"{_CALLED_AS.get(name, name)}.{method}"
        for name, port in found.items()
        for method, value in vars(port).items()
        if not method.startswith("_") and callable(value)
    }


async def test_every_method_of_a_port_is_called_here() -> None:
    assert _port_methods() - set(CALL_NAMES) == set()


@pytest.mark.parametrize("name", CALL_NAMES)
async def test_only_port_errors_are_raised(aws: Aws, name: str) -> None:
    """NotFound only for codes that mean it; an unreadable response is never a success."""
    operations = await aws.operations_of(name)
    goods = dict(aws.goods)
    for service, operation in operations:
        aws.target = operation
        good = goods[operation]
        faults = [*code_faults(service, operation), *body_faults(service, operation, good)]
        if aws.homes[operation] == name:
            faults += member_faults(service, operation, good)
        else:
            faults = [fault for fault in faults if fault.success or fault.unknown_code]
        for fault in faults:
            aws.fault = lambda _service, _good, octets=fault.octets: octets
            case = (name, operation, fault.name)
            try:
                error = await aws.call(name)
            except Exception as raw:
                raise AssertionError(case) from raw
            bare = operation in HEADS
            if isinstance(error, NotFound) and not bare:
                assert fault.not_found_code, case
            if fault.unknown_code and not bare:
                assert isinstance(error, Unknown), case
                assert (error.vendor_code, error.request_id) == ("NeverHeardOf", "R1"), case
            if fault.success and not bare and operation not in SILENT | CONTENT:
                assert isinstance(error, TimedOut), (case, error)


@pytest.mark.parametrize("name", CALL_NAMES)
async def test_unknown_members_are_ignored(aws: Aws, name: str) -> None:
    aws.fault = with_more
    for _, operation in await aws.operations_of(name):
        aws.target = operation if operation not in CONTENT else None
        assert await aws.call(name) is None, (name, operation)
