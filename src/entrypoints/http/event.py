"""A request, as read from an event of API Gateway.

API Gateway has two payload formats with the same content: 1.0 (REST APIs, and HTTP APIs that ask
for it) and 2.0 (HTTP APIs). Only this module knows how a request arrives in each.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import parse_qs

from pydantic import (
    AfterValidator,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from domain.errors import FieldIssue, InvalidRequest

_QUERY_FIELD_COUNT_MAX: Final = 50
_CATCH_ALL: Final = "$default"
_SHOWN_FIELD_COUNT: Final = 20


class UnknownEvent(Exception):
    """The function was invoked by something other than API Gateway."""


def _unicode(value: Any) -> Any:
    """Replace half of a surrogate pair by U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return value


Text = Annotated[str, BeforeValidator(_unicode)]
Texts = dict[Text, Text]
TextLists = dict[Text, list[Text]]
Method = Annotated[Text, AfterValidator(str.upper)]


class Request(BaseModel):
    """One request; the members are those of format 1.0. Names of headers are lower case."""

    model_config = ConfigDict(strict=True, alias_generator=to_camel, hide_input_in_errors=True)

    payload_format: ClassVar = "1.0"

    request_id: str
    method: Method = Field(validation_alias="httpMethod")
    full_path: Text = Field(validation_alias="path")
    public_path: Text | None = Field(None, validation_alias=AliasPath("requestContext", "path"))
    stage: Text | None = Field(None, validation_alias=AliasPath("requestContext", "stage"))
    template: Text | None = Field(validation_alias="resource")
    path_parameters: Texts | None = None
    one_value_headers: Texts | None = Field(None, validation_alias="headers")
    multi_value_headers: TextLists | None = None
    query_string_parameters: Texts | None = None
    multi_value_query_string_parameters: TextLists | None = None
    caller: Text | None = Field(
        None, validation_alias=AliasPath("requestContext", "identity", "userArn")
    )
    body: str | None = None
    is_base64_encoded: bool | None = None

    @cached_property
    def headers(self) -> TextLists:
        """All values by name."""
        headers = _merged(self.one_value_headers, self.multi_value_headers)
        return {name.lower(): values for name, values in headers.items()}

    @cached_property
    def query(self) -> TextLists:
        """All values by name, in the order they came."""
        return _merged(self.query_string_parameters, self.multi_value_query_string_parameters)

    @cached_property
    def path(self) -> str:
        """The part of the path that routes match."""
        return self.full_path[len(self._before_route) :].rstrip("/") or "/"

    def link(self, path: str) -> str:
        """Return the path by which a caller reaches our `path`: through the same stage or domain.

        A REST API leaves its stage out of `path`, and has it in the context's.
        """
        own_path = self.full_path[len(self._before_route) :]
        public_path = self.public_path or self.full_path
        if public_path.endswith(own_path):
            return public_path[: len(public_path) - len(own_path)] + path
        return self._before_route + path

    @cached_property
    def _before_route(self) -> str:
        """What precedes the route that API Gateway matched: a stage, or a domain's base path.

        A template has as many segments as the path that it matched. A greedy parameter (`{proxy+}`)
        has as many as its value. The catch-all route has no template: only a stage can precede it.
        """
        template = (self.template or _CATCH_ALL).rpartition(" ")[2]
        if template == _CATCH_ALL:
            stage = f"/{self.stage or _CATCH_ALL}"
            return stage if f"{self.full_path}/".startswith(f"{stage}/") else ""
        segment_count = 0
        for segment in template.strip("/").split("/"):
            greedy = segment.startswith("{") and segment.endswith("+}")
            value = (self.path_parameters or {}).get(segment[1:-2], "") if greedy else segment
            segment_count += len(value.strip("/").split("/"))
        segments = self.full_path.rstrip("/").split("/")
        return "/".join(segments[: max(len(segments) - segment_count, 1)])


class _Format2(Request):
    payload_format: ClassVar = "2.0"

    method: Method = Field(validation_alias=AliasPath("requestContext", "http", "method"))
    full_path: Text = Field(validation_alias="rawPath")
    template: Text | None = Field(_CATCH_ALL, validation_alias="routeKey")
    raw_query_string: Text | None = None
    caller: Text | None = Field(
        None, validation_alias=AliasPath("requestContext", "authorizer", "iam", "userArn")
    )

    @cached_property
    def query(self) -> TextLists:
        """All values by name.

        The parameters that API Gateway decoded are joined by commas, which values may hold as well.
        """
        try:
            return parse_qs(
                self.raw_query_string or "",
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_QUERY_FIELD_COUNT_MAX,
            )
        except ValueError:
            # Shown as a parameter that no route has, so that it is refused as any other would be.
            return {"(a query string that is not UTF-8, or too long)": [""]}


def _merged(single: Texts | None, multiple: TextLists | None) -> TextLists:
    """Merge both forms: both have every name, only the second has all values of a name."""
    return {**{name: [value] for name, value in (single or {}).items()}, **(multiple or {})}


def read_request(event: Any, request_id: str) -> Request:
    """Read API Gateway's event; `request_id` is the invocation's.

    Raises:
        UnknownEvent: it is not one of API Gateway's, in either format.
        InvalidRequest: a member is missing, or of a type that API Gateway does not send.
    """
    model = _format_of(event) if isinstance(event, Mapping) else None
    if model is None:
        shown = sorted(map(str, event))[:_SHOWN_FIELD_COUNT] if isinstance(event, Mapping) else []
        raise UnknownEvent(
            "the API's function understands events of API Gateway (payload formats 1.0 and 2.0)"
            f" only; this one has the fields {shown}"
        )
    try:
        return model.model_validate({**event, "requestId": request_id})
    except ValidationError as error:
        raise InvalidRequest(
            *(
                FieldIssue(
                    path=".".join(map(str, issue["loc"])),
                    message=f"did not arrive as API Gateway sends it: {issue['msg']}",
                )
                for issue in error.errors()
            )
        ) from None


def _format_of(event: Mapping[str, Any]) -> type[Request] | None:
    context = event.get("requestContext")
    if not isinstance(context, Mapping):
        return None
    # A load balancer's event resembles format 1.0, and has no `resource`.
    if event.get("version") == "2.0" and isinstance(context.get("http"), Mapping):
        return _Format2
    is_format_1 = event.get("version", "1.0") == "1.0"
    return Request if is_format_1 and "resource" in event and "httpMethod" in event else None
