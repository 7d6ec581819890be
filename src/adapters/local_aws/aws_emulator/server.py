"""The process that is the cloud: moto's WSGI application, mended, behind one lock, over HTTP/1.1.

Run as `python -m adapters.local_aws.aws_emulator.server --port 0`. It binds to loopback only, says
`{"port": …}` in one line on standard output when it answers, and ends when its standard input is
closed, so it cannot outlive the process that started it. It must not know what the service is.
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

from adapters.local_aws.aws_emulator import moto_patches as mends
from adapters.local_aws.aws_emulator.request_lock import Gate
from adapters.local_aws.loopback.browser_guard import Refusal, Sender, refusal_of

LOOPBACK: Final = "127.0.0.1"

_BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Serialized:
    """A WSGI application that runs one request at a time and answers with a whole body."""

    def __init__(self, application: WsgiApplication, gate: Gate) -> None:
        self._application = application
        self._gate = gate

    def answer(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status line, headers and body; the request's body must have been read already."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            started.append((status, headers))

        with self._gate:
            chunks = self._application(environ, start_response)
            try:
                body = b"".join(chunks)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        status, headers = started[-1]
        return status, headers, body


class KeepAliveHandler(MotoRequestHandler):
    """Reads the body before the lock, and writes the answer in one piece on a kept connection."""

    protocol_version = "HTTP/1.1"
    # Without this, a client's next request waits for the kernel's delayed acknowledgement.
    disable_nagle_algorithm = True
    application: Serialized

    def run_wsgi(self) -> None:
        """Answer one request; replaces werkzeug's, which closes the connection after each."""
        environ = self._environ_with_body()
        refusal = refusal_of(_sender(environ))
        try:
            if refusal is not None:
                status, headers, body = _refused(refusal)
            else:
                status, headers, body = self.application.answer(environ)
        except Exception:  # noqa: BLE001  # a server reports what its application raised
            traceback.print_exc(limit=-5)
            status, headers, body = "500 Internal Server Error", [], b"moto raised; see its log"
        try:
            self.wfile.write(self._message(status, headers, body))
        except ConnectionError:
            self.close_connection = True

    def log_request(self, *_: object) -> None:
        """Stay silent: a request line per request would be all there is to read."""

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


def _refused(refusal: Refusal) -> tuple[str, list[tuple[str, str]], bytes]:
    body = json.dumps({"message": refusal.message}).encode()
    status = f"{refusal.status.value} {refusal.status.phrase}"
    return status, [("Content-Type", "application/json")], body


def serve(port: int) -> None:
    """Answer on loopback until standard input is closed."""
    gate = Gate()
    mends.apply(gate)
    KeepAliveHandler.application = Serialized(DomainDispatcherApplication(create_backend_app), gate)
    server = make_server(
        LOOPBACK,
        port,
        KeepAliveHandler.application._application,  # noqa: SLF001  # werkzeug wants one; unused
        threaded=True,
        request_handler=KeepAliveHandler,
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.server_address[1]}) + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    # Request threads may be waiting for messages; there is nothing of theirs to save.
    os._exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    serve(parser.parse_args().port)
