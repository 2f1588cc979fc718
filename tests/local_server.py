"""HTTP servers that live as long as a test."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

Server = TypeVar("Server", bound=ThreadingHTTPServer)
Answer = tuple[int, str]


class _OneAnswer(BaseHTTPRequestHandler):
    server: "OneAnswerServer"

    def _answer(self) -> None:
        if self.server.answer is None:
            with suppress(OSError):
                self.rfile.read()  # until the client hangs up
            return
        status, text = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class OneAnswerServer(ThreadingHTTPServer):
    """Answers every request with one status and text; never, where there are none."""

    def __init__(self, answer: Answer | None = None):
        super().__init__(("127.0.0.1", 0), _OneAnswer)
        self.answer = answer


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Serve from a thread until the block ends."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
