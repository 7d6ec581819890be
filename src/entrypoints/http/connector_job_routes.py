"""Jobs under their connector: the routes of `/jobs` again, below `/connectors/{connectorId}`.

A policy on the path of the API can so allow one connector, its jobs included, and no other. The
paths of a job are derived from those of `/jobs/{jobId}`: what is added there is served here too.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any, Final, get_type_hints

from aws_lambda_powertools.event_handler.api_gateway import Response
from pydantic.alias_generators import to_camel

from entrypoints.http import parameters as given
from entrypoints.http.parameters import App, OurRequest
from entrypoints.http.route import Route

JOB: Final = "/jobs/{jobId}"
_UNDER: Final = "/connectors/{connectorId}"


def under_connector(route: Route) -> Route:
    """Return a job's route below the job's connector; a job of another connector is not found."""
    handler = route.handler

    async def nested(
        app: App, request: OurRequest, connector_id: str, job_id: str, **others: Any
    ) -> Any:
        await app.queries.job_of(connector_id, job_id)
        if "request" in own:
            others["request"] = request
        answer = await handler(app=app, job_id=job_id, **others)
        if isinstance(answer, Response) and "Location" in answer.headers:
            path = f"/connectors/{connector_id}/jobs/{job_id}"
            answer.headers["Location"] = request.link(path)
        return answer

    own = inspect.signature(handler).parameters
    hints = get_type_hints(handler, include_extras=True)
    kinds = {"app": App, "request": OurRequest, "connector_id": given.ConnectorIdInPath}
    # Powertools reads the annotations of the signature, to validate and to describe.
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        for name, kind in kinds.items()
    ] + [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, each in own.items()
        if name not in kinds
    ]
    nested.__signature__ = inspect.Signature(  # type: ignore[attr-defined] # a function may have one
        parameters, return_annotation=hints["return"]
    )
    nested.__name__ = f"{handler.__name__}_of_connector"
    return replace(
        route,
        path=_UNDER + route.path,
        handler=nested,
        operation=to_camel(nested.__name__),
        summary=f"{route.summary}, under its connector",
    )
