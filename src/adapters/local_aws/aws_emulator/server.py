"""The emulator's process: moto's WSGI application with patches, behind one lock, over HTTP/1.1.

Run as `python -m adapters.local_aws.aws_emulator.server --port 0`. It binds to loopback only,
prints `{"port": …}` on standard output when it is ready, and ends when its standard input is
closed, so it cannot outlive the process that started it. It does not depend on the service.
"""

import argparse
import io
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from adapters.local_aws.aws_emulator import moto_patches
from adapters.local_aws.aws_emulator.request_lock import RequestLock
from adapters.local_aws.loopback.browser_guard import Rejection, Sender, rejection_of

LOOPBACK: Final = "127.0.0.1"

_BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class SerializedApplication:
    """A WSGI application that runs one request at a time and responds with a complete body."""

    def __init__(self, application: WsgiApplication, request_lock: RequestLock) -> None:
        self._application = application
        self._lock = request_lock

    def respond(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status line, headers and body; the request's body must have been read already."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            started.append((status, headers))

        with self._lock:
            chunks = self._application(environ, start_response)
            try:
                body = b"".join(chunks)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        status, headers = started[-1]
        return status, headers, body


class KeepAliveRequestHandler(MotoRequestHandler):
    """Reads the body before it takes the lock, and keeps the connection open."""

    protocol_version = "HTTP/1.1"
    # Without it, a client's next request waits for the kernel's delayed acknowledgement.
    disable_nagle_algorithm = True
    application: SerializedApplication

    def run_wsgi(self) -> None:
        """Handle one request; werkzeug's own method closes the connection after each."""
        environ = self._environ_with_body()
        rejection = rejection_of(_sender(environ))
        try:
            if rejection is not None:
                status, headers, body = _rejected(rejection)
            else:
                status, headers, body = self.application.respond(environ)
        except Exception:  # noqa: BLE001  # a server reports what its application raised
            traceback.print_exc(limit=-5)
            status, headers, body = "500 Internal Server Error", [], b"moto raised; see its log"
        try:
            self.wfile.write(self._message(status, headers, body))
        except ConnectionError:
            self.close_connection = True

    def log_request(self, *_: object) -> None:
        """Log nothing: one line for each request would hide everything else."""

    def _environ_with_body(self) -> dict[str, Any]:
        environ: dict[str, Any] = self.make_environ()
        length = environ.get("CONTENT_LENGTH")
        if "wsgi.input_terminated" in environ:
            body = environ["wsgi.input"].read()
        else:
            body = environ["wsgi.input"].read(int(length)) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        return environ

    def _message(self, status: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
        code = int(status.split()[0])
        bodiless = self.command == "HEAD" or code in (
            HTTPStatus.NO_CONTENT,
            HTTPStatus.NOT_MODIFIED,
        )
        sent = [(name, value) for name, value in headers if name.lower() != "connection"]
        names = {name.lower() for name, _ in sent}
        if "content-length" not in names and not bodiless:
            sent.append(("Content-Length", str(len(body))))
        if "date" not in names:
            sent.append(("Date", formatdate(usegmt=True)))
        sent.append(("Connection", "close" if self.close_connection else "keep-alive"))
        head = "".join(f"{name}: {value}\r\n" for name, value in sent)
        message = f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1", "replace")
        return message if bodiless else message + body


def _sender(environ: Mapping[str, Any]) -> Sender:
    return Sender(
        method=environ["REQUEST_METHOD"],
        host=environ.get("HTTP_HOST", ""),
        origin=environ.get("HTTP_ORIGIN", ""),
        fetch_site=environ.get("HTTP_SEC_FETCH_SITE", ""),
        content_type=environ.get("CONTENT_TYPE", ""),
        authorization=environ.get("HTTP_AUTHORIZATION", ""),
    )


def _rejected(rejection: Rejection) -> tuple[str, list[tuple[str, str]], bytes]:
    body = json.dumps({"message": rejection.message}).encode()
    status = f"{rejection.status.value} {rejection.status.phrase}"
    return status, [("Content-Type", "application/json")], body


def serve(port: int) -> None:
    """Serve on loopback until standard input is closed."""
    request_lock = RequestLock()
    moto_patches.apply_all(request_lock)
    KeepAliveRequestHandler.application = SerializedApplication(
        DomainDispatcherApplication(create_backend_app), request_lock
    )
    server = make_server(
        LOOPBACK,
        port,
        KeepAliveRequestHandler.application._application,  # noqa: SLF001  # required by werkzeug; unused
        threaded=True,
        request_handler=KeepAliveRequestHandler,
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.server_address[1]}) + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    # Request threads may be waiting for messages; they hold nothing to save.
    os._exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    serve(parser.parse_args().port)
