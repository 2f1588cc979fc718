"""The chat in the terminal, with a real server."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from charter.project.errors import CharterError
from charter.serving.terminal import chat, sources
from local_server import free_port, serving
from served_models import Running

pytest_plugins = ["mlflow_store", "served_models"]
pytestmark = pytest.mark.models


def talk(url: str, *said: str) -> str:
    """Say things, then end the input; return what was written."""
    lines = list(said)
    written: list[str] = []

    def read() -> str:
        if not lines:
            raise EOFError
        return lines.pop(0)

    chat(url, read, written.append)
    assert not lines or "/quit" in said
    return "".join(written)


def test_replies_are_written_with_their_citations(rag_server: Running) -> None:
    question = "Do gifts need consent?"
    written = talk(rag_server.url, question, "", "/new", question, "/quit", "never asked")
    head, *replies = written.splitlines()
    assert head.startswith("charter-bcg at http://127.0.0.1")
    cited = "  [rules.pdf > Rules > Gifts > page 3, 4]"
    first = replies[: replies.index(cited) + 1]
    assert first[0]
    assert replies == first * 2


def test_a_section_is_named_once() -> None:
    gifts = {"document": "rules.pdf", "section": ["Rules", "Gifts"], "pages": [3], "text": "One."}
    cited = [gifts, gifts | {"text": "Two."}, gifts | {"section": ["Rules"], "pages": []}]
    assert sources(cited) == ["rules.pdf > Rules > Gifts > page 3", "rules.pdf > Rules"]


def test_the_end_of_input_ends_it(rag_server: Running) -> None:
    assert talk(rag_server.url).count("\n") == 2


def test_a_server_that_isnt_there_is_said() -> None:
    with pytest.raises(CharterError, match="no server answers; `charter serve CORPUS` starts one"):
        talk(f"http://127.0.0.1:{free_port()}")


class WithoutModels(BaseHTTPRequestHandler):
    """A server that lists no model."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"object": "list", "data": []}')

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_a_server_without_a_model_is_said() -> None:
    with (
        serving(ThreadingHTTPServer(("127.0.0.1", 0), WithoutModels)) as empty,
        pytest.raises(CharterError, match="serves no model; `charter serve CORPUS` serves one"),
    ):
        talk(f"http://127.0.0.1:{empty.server_port}")


def test_a_refusal_is_said(rag_server: Running) -> None:
    with pytest.raises(CharterError, match=r"refuses: .*together"):
        talk(rag_server.url, "gifts " * 5000)
