"""The API's function, behind API Gateway: HTTP APIs and REST APIs alike."""

from __future__ import annotations

import entrypoints.collector  # noqa: F401 - first, for the imports that follow

# isort: split
import logging
from typing import Any

from domain.errors import InvalidRequest
from entrypoints.http.dispatch import dispatch, failed_response
from entrypoints.http.event import read_request
from entrypoints.invocation import LambdaContext
from entrypoints.runtime import Runtime
from entrypoints.wiring.api_app import ApiApp
from entrypoints.wiring.aws_api import open_api_app

RUNTIME: Runtime[ApiApp] = Runtime(open_api_app)

logger = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an event of API Gateway; every one gets a response.

    Raises:
        UnknownEvent: The event is not API Gateway's.
    """
    request_id = context.aws_request_id
    try:
        request = read_request(event, request_id)
    except InvalidRequest as error:
        return failed_response(error, request_id)

    async def use(app: ApiApp) -> dict[str, Any]:
        with app.telemetry.invocation(request_id):
            return await dispatch(app, request, context)

    try:
        return RUNTIME.run(use)
    except Exception as error:
        logger.exception("the API could not process request %s", request_id)
        return failed_response(error, request_id, instance=request.link(request.path))
