"""The Invoke operation of the Lambda API over HTTP, for an unmodified SDK or command line.

Lambda API Reference, "Invoke" (2015-03-31, checked 2026-11). Log tails, client contexts and
response streaming are not supported.
"""

from typing import Final

from aiohttp import web

from adapters.local_aws.lambda_service.invocation import InvocationRejected
from adapters.local_aws.lambda_service.service import LambdaService

_PATH: Final = "/2015-03-31/functions/{name}/invocations"


def invoke_application(service: LambdaService) -> web.Application:
    """Return the HTTP application of a Lambda service."""

    async def invoke(request: web.Request) -> web.Response:
        try:
            return await _respond(service, request)
        except InvocationRejected as rejected:
            return web.json_response(
                {"Type": "User", "Message": rejected.message, "message": rejected.message},
                status=rejected.status,
                headers={"x-amzn-ErrorType": rejected.code},
            )

    # No limit here: the service itself rejects a payload that is too large.
    application = web.Application(client_max_size=0)
    application.router.add_post(_PATH, invoke)
    return application


async def _respond(service: LambdaService, request: web.Request) -> web.Response:
    name = request.match_info["name"]
    payload = await request.read() or b"{}"
    match request.headers.get("X-Amz-Invocation-Type", "RequestResponse"):
        case "Event":
            request_id = service.submit(name, payload)
            return web.Response(status=202, headers={"x-amzn-RequestId": request_id})
        case "DryRun":
            service.arn(name)
            return web.Response(status=204)
        case "RequestResponse":
            result = await service.invoke(name, payload)
            headers = {
                "x-amzn-RequestId": result.request_id,
                "X-Amz-Executed-Version": "$LATEST",
            }
            if result.function_error is not None:
                headers["X-Amz-Function-Error"] = result.function_error
            return web.Response(
                body=result.payload, headers=headers, content_type="application/json"
            )
        case other:
            raise InvocationRejected(
                "InvalidParameterValueException", 400, f"no invocation type {other!r}"
            )
