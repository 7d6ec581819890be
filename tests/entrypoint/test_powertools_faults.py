"""Faults of Powertools that `entrypoints.http.powertools` works around.

Each test shows a fault in Powertools alone, and fails once it is fixed upstream: then the remedy
that the module's docstring names can be removed. The numbers are those of
https://github.com/aws-powertools/powertools-lambda-python/issues/.
"""

import asyncio
import json
import logging
import threading
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, ConfigDict

EVENT_HANDLER_LOG = "aws_lambda_powertools.event_handler"
Json = dict[str, Any]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = "default"


class Filter(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = 20


def event(method: str = "GET", path: str = "/", body: str = "", **query: str) -> Json:
    return {
        "httpMethod": method,
        "path": path,
        "body": body,
        "headers": {},
        "queryStringParameters": query,
        "requestContext": {"stage": "prod", "path": path},
    }


def resolve(app: Any, event_: Json) -> Any:
    return asyncio.run(app.resolve_async(event_, None))


def test_resolvers_share_the_current_event() -> None:
    """8451: fixed for `HttpResolverLocal` only."""
    one, other = (APIGatewayRestResolver(debug=False) for _ in range(2))
    paths = []

    @other.get("/other")
    async def answer_other() -> Json:
        return {}

    @one.get("/one")
    async def answer_one() -> Json:
        thread = threading.Thread(target=resolve, args=(other, event(path="/other")))
        thread.start()
        thread.join()
        paths.append(one.current_event.path)
        return {}

    resolve(one, event(path="/one"))
    assert paths == ["/other"]


def test_a_stage_is_cut_off_the_path_by_its_length() -> None:
    """2765: `/jobs` was requested, without the stage that a custom domain leaves out."""
    app = APIGatewayHttpResolver(debug=False)
    seen = []

    @app.not_found
    def not_found(_: Exception) -> Any:
        seen.append(app.current_event.path)
        return {}

    context = {"stage": "ab", "http": {"method": "GET", "path": "/jobs"}}
    event_ = {"version": "2.0", "rawPath": "/jobs", "headers": {}, "requestContext": context}
    resolve(app, event_)
    assert seen == ["bs"]


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", "cafe\u0301", "\U0001f600", "a#b", "a`b"])
def test_some_characters_of_a_path_parameter_match_no_rule(value: str) -> None:
    """1098, 3006: added one by one."""
    app = APIGatewayRestResolver(debug=False)

    @app.get("/jobs/<job_id>")
    async def get(job_id: str) -> Json:
        return {"job": job_id}

    assert resolve(app, event(path=f"/jobs/{value}"))["statusCode"] == 404


def test_a_dot_of_a_rule_matches_any_character() -> None:
    """No report: rules are compiled as regular expressions, unescaped."""
    app = APIGatewayRestResolver(debug=False)

    @app.get("/openapi.json")
    async def get() -> Json:
        return {}

    assert resolve(app, event(path="/openapi-json"))["statusCode"] == 200


@pytest.mark.parametrize(
    ("sent", "name"), [('[{"name": "first"}, {"name": "second"}]', "first"), ("null", "default")]
)
def test_a_body_that_is_no_object_is_accepted_as_one(sent: str, name: str) -> None:
    """8057: fixed for models of lists only. No report for `null`."""
    app = APIGatewayRestResolver(debug=False, enable_validation=True)

    @app.post("/")
    async def post(body: Body = Body()) -> Json:  # noqa: B008
        return {"name": body.name}

    response = resolve(app, event("POST", body=sent))
    assert (response["statusCode"], json.loads(response["body"])) == (200, {"name": name})


def test_an_unknown_query_parameter_is_ignored_by_a_model_that_forbids_it() -> None:
    """No report: only the fields of the model are copied from the request."""
    app = APIGatewayRestResolver(debug=False, enable_validation=True)

    @app.get("/")
    async def get(page: Annotated[Filter, Query()]) -> Json:
        return {"limit": page.limit}

    assert resolve(app, event(limitt="7"))["statusCode"] == 200


def test_a_plain_middleware_runs_in_another_thread() -> None:
    """8134: so does the validation, which is one."""
    app = APIGatewayRestResolver(debug=False)
    threads = []

    def middleware(resolver: Any, serve: Any) -> Any:
        threads.append(threading.current_thread())
        return serve(resolver)

    app.use([middleware])

    @app.get("/")
    async def get() -> Json:
        return {}

    resolve(app, event())
    assert threads != [threading.current_thread()]


def test_arguments_are_logged_at_level_debug(caplog: pytest.LogCaptureFixture) -> None:
    """No report."""
    caplog.set_level(logging.DEBUG, logger=EVENT_HANDLER_LOG)
    app = APIGatewayRestResolver(debug=False)

    @app.get("/jobs/<job_id>")
    async def get(job_id: str) -> Json:
        return {"job": job_id}

    resolve(app, event(path="/jobs/se-cret"))
    assert "{'job_id': 'se-cret'}" in caplog.text
