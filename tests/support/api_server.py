"""The API's handler over the memory adapters as an HTTP server, for commands that call it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from api_calls import Api, handled


@contextmanager
def listening(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    *,
    allows: Callable[[str, str], bool] = lambda _method, _path: True,
) -> Iterator[None]:
    """Serve the API on a free port, which the commands find in their environment.

    A request (method and path) that is not allowed gets the response of API Gateway.
    """

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            if allows(self.command, path):
                response = handled(self.command, path, query, body or None, headers)
            else:
                response = {"statusCode": 403, "headers": {}, "body": '{"message":"Forbidden"}'}
            data = response["body"].encode()
            self.send_response(response["statusCode"])
            for name, value in response["headers"].items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # names of the library

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:

        def serve() -> None:
            server.serve_forever(0.01)
            api.close()  # the event loop is that of this thread

        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setenv("ASSET_SYNC_API_URL", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
        thread.join()
