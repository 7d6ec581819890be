"""An SDK client that sends nothing: it records each call and returns scripted responses."""

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

_MODELS = botocore.session.Session()


def vendor_error(code: str, status: int = 400, message: str = "why") -> ClientError:
    """Return what botocore raises for an error response."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Operation")


class ScriptedClient:
    """Validates each call's parameters against the service's model, as botocore does.

    `answers` maps an operation to a response, an error, or a function of the parameters.
    """

    def __init__(self, service: str) -> None:
        model = _MODELS.get_service_model(service)
        self._models = {xform_name(n): model.operation_model(n) for n in model.operation_names}
        self.meta = SimpleNamespace(region_name="us-east-1")
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        model = self._models[name]

        async def call(**parameters: Any) -> Any:
            # The SDK takes a copy's source in two forms and puts it into the model's after this.
            checked = parameters | ({"CopySource": "b/k"} if "CopySource" in parameters else {})
            validate_parameters(checked, model.input_shape)
            self.calls.append((model.name, parameters))
            answer = self.answers.get(model.name, {})
            if callable(answer):
                answer = answer(parameters)
                if hasattr(answer, "__await__"):
                    answer = await answer
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]

    def sent(self, operation: str) -> dict[str, Any]:
        """The parameters of the only call of an operation."""
        [parameters] = [p for name, p in self.calls if name == operation]
        return parameters


@pytest.fixture
def scripted() -> Callable[[str], ScriptedClient]:
    return ScriptedClient


@pytest.fixture
def error() -> Callable[..., ClientError]:
    return vendor_error


@pytest.fixture
def sdk_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the user's AWS environment with dummy credentials and a Region."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
