"""The HTTP interface: routes, parameters, errors, and a server on loopback.

Paths, headers and query names are those of the S3 Control model. Every Host header that is a
loopback name is accepted, because SDKs put the account before the host. Absolute request targets
are accepted too, because a client may use this server as its proxy.
"""

import asyncio
import base64
import ipaddress
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from adapters.local_aws.loopback.browser_guard import reject_web_pages
from adapters.local_aws.s3_batch_operations.environment import Environment
from adapters.local_aws.s3_batch_operations.errors import (
    BadRequest,
    InternalError,
    InvalidListRequest,
    NotImplementedHere,
    ServiceError,
    TooLarge,
)
from adapters.local_aws.s3_batch_operations.event_publisher import JobEventPublisher, Publish
from adapters.local_aws.s3_batch_operations.invocation import Invoke
from adapters.local_aws.s3_batch_operations.job import BatchJob
from adapters.local_aws.s3_batch_operations.runner import BatchJobRunner
from adapters.local_aws.s3_batch_operations.service import BatchJobService
from adapters.local_aws.s3_batch_operations.settings import BatchOperationsSettings
from adapters.local_aws.s3_batch_operations.wire import (
    check,
    decode_body,
    encode_error,
    encode_response,
    input_member,
)

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

    S3ClientFactory = Callable[[], AbstractAsyncContextManager[S3Client]]

logger = logging.getLogger(__name__)

_JOBS = "/v20180820/jobs"
_SERVICE: web.AppKey[BatchJobService] = web.AppKey("service", BatchJobService)


def _system_clock() -> datetime:
    return datetime.now(UTC)


def _random_id() -> str:
    return str(uuid.uuid4())


class BatchOperations:
    """An emulator that runs as a server or as an application in another server.

    Args:
        settings: See BatchOperationsSettings.
        s3_client_factory: Opens the S3 client that reads manifests and writes reports. Its
            `max_pool_connections` limits neither tasks nor jobs.
        invoke: Calls a function and waits for its response.
        publish: Receives job events, one at a time.
        clock: Returns the current time, timezone-aware.
        sleep: Waits for a number of seconds; 0 must yield to other tasks.
        new_id: Returns a new UUID.
    """

    def __init__(
        self,
        settings: BatchOperationsSettings,
        *,
        s3_client_factory: "S3ClientFactory",
        invoke: Invoke,
        publish: Publish,
        clock: Callable[[], datetime] = _system_clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        new_id: Callable[[], str] = _random_id,
    ) -> None:
        self._settings = settings
        self._s3_client_factory = s3_client_factory
        self._invoke = invoke
        self._publish = publish
        self._env = Environment(clock, sleep, new_id)
        self._server: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve on loopback and return the endpoint URL.

        Args:
            host: A loopback address: there is no authentication.
            port: 0 selects a free port.

        Raises:
            ValueError: `host` is not a loopback address.
            RuntimeError: The emulator is already running.
        """
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"{host} is not a loopback address")
        if self._server is not None:
            raise RuntimeError("the emulator is already running")
        server = web.AppRunner(self.application(), access_log=None, auto_decompress=False)
        await server.setup()
        self._server = server
        await web.TCPSite(server, host, port).start()
        bound_host, bound_port = server.addresses[0][:2]
        shown = f"[{bound_host}]" if ":" in bound_host else bound_host
        return f"http://{shown}:{bound_port}"

    async def stop(self) -> None:
        """Stop serving and abandon running jobs; idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await server.cleanup()

    def application(self) -> web.Application:
        """Return a new application without jobs; its jobs end with it."""
        application = web.Application(middlewares=[reject_web_pages, _error_middleware])
        application.cleanup_ctx.append(self._lifetime)
        add = application.router.add_route
        for method, path, handler in _ROUTES:
            # RFC 9110, section 9.3.2: HEAD is GET without the body, which aiohttp leaves out.
            for one in ("GET", "HEAD") if method == "GET" else (method,):
                add(one, _JOBS + path, handler)
        add("*", r"/{rest:[\s\S]*}", _reject)
        return application

    async def _lifetime(self, application: web.Application) -> AsyncIterator[None]:
        publisher = JobEventPublisher(self._publish)
        tasks: set[asyncio.Task[None]] = set()
        async with self._s3_client_factory() as s3:
            runner = BatchJobRunner(self._settings, s3, self._invoke, publisher, self._env)

            def start(job: BatchJob) -> None:
                task = asyncio.create_task(runner.run(job), name=f"job {job.job_id}")
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            application[_SERVICE] = BatchJobService(
                self._settings, runner, publisher, self._env, start
            )
            delivery = asyncio.create_task(publisher.run(), name="job events")
            try:
                yield
            finally:
                await _cancel([*tasks, delivery])


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


@web.middleware
async def _error_middleware(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Convert exceptions to error XML, and add the request ids.

    "Common Response Headers" (S3 API Reference): both ids are in every response.
    """
    request_id = _random_id()
    try:
        response = await handler(request)
    except ServiceError as error:
        response = _error(error, request_id)
    except web.HTTPRequestEntityTooLarge as error:
        response = _error(TooLarge(f"The body is too large: {error.text}"), request_id)
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        response = _error(InternalError("The emulator failed; see its log"), request_id)
    response.headers["x-amz-request-id"] = request_id
    response.headers["x-amz-id-2"] = base64.b64encode(request_id.encode()).decode()
    return response


def _error(error: ServiceError, request_id: str) -> web.Response:
    return web.Response(
        body=encode_error(error, request_id),
        status=error.status,
        content_type="application/xml",
    )


def _respond(operation: str, result: Mapping[str, Any]) -> web.Response:
    return web.Response(body=encode_response(operation, result), content_type="application/xml")


def _checked(operation: str, member: str, text: str | None) -> Any:
    if text is None:
        raise BadRequest(f"{member} is required")
    return check(input_member(operation, member), text, member)


def _account(request: web.Request, operation: str) -> str:
    return str(_checked(operation, "AccountId", request.headers.get("x-amz-account-id")))


def _job_id(request: web.Request, operation: str) -> str:
    return str(_checked(operation, "JobId", request.match_info["id"]))


async def _create(request: web.Request) -> web.Response:
    account_id = _account(request, "CreateJob")
    body = decode_body("CreateJob", await request.read())
    return _respond("CreateJob", request.app[_SERVICE].create(account_id, body))


async def _describe(request: web.Request) -> web.Response:
    account_id, job_id = _account(request, "DescribeJob"), _job_id(request, "DescribeJob")
    return _respond("DescribeJob", request.app[_SERVICE].describe(account_id, job_id))


async def _list(request: web.Request) -> web.Response:
    query = request.query
    try:
        account_id = _account(request, "ListJobs")
        # botocore sends a list as a repeated parameter.
        statuses = query.getall("jobStatuses", [])
        for status in statuses:
            _check_status(status)
        token = query.get("nextToken")
        size = query.get("maxResults")
        max_results = None if size is None else int(_checked("ListJobs", "MaxResults", size))
    except BadRequest as error:
        # The model names another error for ListJobs.
        raise InvalidListRequest(error.message) from error
    listed = request.app[_SERVICE].list(account_id, statuses, token, max_results)
    return _respond("ListJobs", listed)


def _check_status(status: str) -> None:
    check(input_member("ListJobs", "JobStatuses").member, status, "JobStatuses")  # type: ignore[attr-defined]


async def _update_status(request: web.Request) -> web.Response:
    operation = "UpdateJobStatus"
    account_id, job_id = _account(request, operation), _job_id(request, operation)
    query = request.query
    requested = _checked(operation, "RequestedJobStatus", query.get("requestedJobStatus"))
    reason = query.get("statusUpdateReason")
    if reason is not None:
        reason = str(_checked(operation, "StatusUpdateReason", reason))
    service = request.app[_SERVICE]
    return _respond(operation, service.update_status(account_id, job_id, requested, reason))


async def _update_priority(request: web.Request) -> web.Response:
    operation = "UpdateJobPriority"
    account_id, job_id = _account(request, operation), _job_id(request, operation)
    priority = int(_checked(operation, "Priority", request.query.get("priority")))
    service = request.app[_SERVICE]
    return _respond(operation, service.update_priority(account_id, job_id, priority))


async def _put_tags(request: web.Request) -> web.Response:
    operation = "PutJobTagging"
    account_id, job_id = _account(request, operation), _job_id(request, operation)
    tags = decode_body(operation, await request.read())["Tags"]
    request.app[_SERVICE].put_tags(account_id, job_id, tags)
    return _respond(operation, {})


async def _get_tags(request: web.Request) -> web.Response:
    operation = "GetJobTagging"
    account_id, job_id = _account(request, operation), _job_id(request, operation)
    return _respond(operation, request.app[_SERVICE].tags(account_id, job_id))


async def _delete_tags(request: web.Request) -> web.Response:
    operation = "DeleteJobTagging"
    account_id, job_id = _account(request, operation), _job_id(request, operation)
    request.app[_SERVICE].delete_tags(account_id, job_id)
    return _respond(operation, {})


async def _reject(request: web.Request) -> web.Response:
    raise NotImplementedHere(f"This emulator does not support {request.method} {request.path}")


_ROUTES: Final = (
    ("POST", "", _create),
    ("GET", "", _list),
    ("GET", "/{id}", _describe),
    ("POST", "/{id}/status", _update_status),
    ("POST", "/{id}/priority", _update_priority),
    ("GET", "/{id}/tagging", _get_tags),
    ("PUT", "/{id}/tagging", _put_tags),
    ("DELETE", "/{id}/tagging", _delete_tags),
)
