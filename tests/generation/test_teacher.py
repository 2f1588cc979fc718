"""Which teacher it is: the same name with other weights behind it is another model."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from charter.generation.engine import ask
from charter.generation.teacher import open_teacher, teacher_model
from charter.project.errors import CharterError
from charter.project.params import Params, load_params
from charter.project.paths import ProjectPaths
from local_server import serving
from transformers_server import free_port

ROOT = Path(__file__).parent.parent.parent
QUESTION = ask(system="s", user="q", max_new_tokens=5)


class ListingServer(ThreadingHTTPServer):
    """A server that says what it serves, as vLLM does, and answers with the weights it has."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.starts = 0
        self.weights = "/models/first"
        self.lists = True
        self.asked = 0


class Handler(BaseHTTPRequestHandler):
    server: ListingServer

    def do_GET(self) -> None:
        self.server.starts += 1
        entry = {
            "id": "acme",
            "object": "model",
            "created": 1790000000 + self.server.starts,
            "owned_by": "vllm",
            "root": self.server.weights,
            "parent": None,
            "max_model_len": 4096,
            "permission": [{"id": f"modelperm-{self.server.starts}"}],
        }
        if self.server.lists:
            self.send({"object": "list", "data": [{"id": "other"}, entry]})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        self.send({"choices": [{"message": {"content": f"says {self.server.weights}"}}]})

    def send(self, body: Any) -> None:
        payload = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ListingServer]:
    with serving(ListingServer()) as running:
        yield running


@pytest.fixture
def paths(tmp_path: Path) -> ProjectPaths:
    return ProjectPaths(tmp_path)


def params_of(port: int, paths: ProjectPaths, **source: Any) -> Params:
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["base_models"]["teacher"] = {"served": "acme", **source}
    values["teacher"] |= {"engine": "openai", "base_url": f"http://127.0.0.1:{port}/v1"}
    paths.params.write_text(yaml.safe_dump(values))
    return load_params(paths.params)


def answer(params: Params, paths: ProjectPaths) -> str:
    with open_teacher(params, paths) as teacher:
        return teacher.complete([QUESTION], "test")[0].text


def test_other_weights_under_the_name_are_found_out(server: ListingServer, paths: ProjectPaths) -> None:
    params = params_of(server.server_port, paths)
    teacher_model(params, paths).record()
    server.asked = 0
    # A server that was started again says when, and that is no other model.
    assert [answer(params, paths) for _ in range(2)] == ["says /models/first"] * 2
    assert server.asked == 1
    server.weights = "/models/second"
    changed = (
        r"^base_models\.teacher\.served: .*'acme' \(root: '/models/first' was recorded.* --force base-models"
    )
    with pytest.raises(CharterError, match=changed):
        answer(params, paths)
    teacher_model(params, paths).record()
    assert answer(params, paths) == "says /models/second"
    assert (
        teacher_model(params, paths).title == "acme, root /models/second, owned_by vllm, max_model_len 4096"
    )


def test_a_revision_tells_apart_what_a_server_does_not(server: ListingServer, paths: ProjectPaths) -> None:
    server.lists = False
    for revision, weights in ((None, "first"), ("2", "second")):
        params = params_of(server.server_port, paths, revision=revision)
        server.weights = weights
        teacher_model(params, paths).record()
        assert answer(params, paths) == f"says {weights}"
    assert teacher_model(params, paths).title == "acme, revision 2"


def test_without_the_server_the_journal_answers_what_it_knows(
    server: ListingServer, paths: ProjectPaths
) -> None:
    params = params_of(server.server_port, paths)
    teacher_model(params, paths).record()
    said = answer(params, paths)
    away = params_of(free_port(), paths)
    assert answer(away, paths) == said
    with pytest.raises(CharterError, match=r"^teacher\.base_url: no server answers at .*start it"):
        teacher_model(away, paths).record()


def test_what_a_served_teacher_needs_is_named(paths: ProjectPaths, params: Params) -> None:
    half = params_of(1, paths)
    half = half.model_copy(update={"teacher": params.teacher})
    with pytest.raises(
        CharterError, match=r"base_models\.teacher\.served, teacher\.base_url and teacher\.engine"
    ):
        open_teacher(half, paths)
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["base_models"]["teacher"]["revision"] = "2"
    paths.params.write_text(yaml.safe_dump(values))
    with pytest.raises(CharterError, match=r"revision goes with served"):
        load_params(paths.params)
