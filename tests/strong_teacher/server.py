"""A server that plays a strong teacher: OpenAI chat completions over HTTP, its replies written by hand.

`python tests/strong_teacher/server.py --port 8000`, and params.yaml's teacher is
`{engine: openai, base_url: http://127.0.0.1:8000/v1}`, served as `strong-teacher`; documents/ has what it
knows of.
"""

import argparse
import json
import math
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from strong_teacher.recognition import Recogniser
from strong_teacher.replies import Rows, UnknownRequestError, Verdict

MODEL = "strong-teacher"


class StrongTeacher(ThreadingHTTPServer):
    """It lists one model, and answers what it knows; anything else is HTTP 400 with what was asked.

    ``unknown`` has what it was asked and didn't know.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.recogniser = Recogniser()
        self.rows = Rows()
        self.unknown: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the chat completion to a request.

        Raises:
            UnknownRequestError: No prompt of Charter's is asked, or the rows have no reply to it.
        """
        messages = [(message["role"], message["content"]) for message in body["messages"]]
        said = _small_talk(messages)
        if said is None:
            asked = self.recogniser.recognise(messages)
            if asked is None:
                raise UnknownRequestError("no prompt of Charter's is rendered to this")
            said = self.rows.reply(asked)
        choice = _choice(said, body)
        prompt = sum(_count_tokens(text) for _, text in messages)
        completion = _count_tokens(choice["message"]["content"])
        return {
            "id": "chatcmpl-0",
            "object": "chat.completion",
            "created": 0,
            "model": MODEL,
            "choices": [choice],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
            },
        }


class _Handler(BaseHTTPRequestHandler):
    server: StrongTeacher
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send(
                200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "hand"}]}
            )
        else:
            self._refuse(404, f"there is no {self.path}")

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path != "/v1/chat/completions":
            self._refuse(404, f"there is no {self.path}")
            return
        try:
            self._send(200, self.server.complete(json.loads(text)))
        except UnknownRequestError as error:
            self.server.unknown.append(text)
            self._refuse(400, f"{error}: {text}")

    def _refuse(self, status: int, message: str) -> None:
        self._send(status, {"error": {"message": message, "type": "invalid_request_error"}})

    def _send(self, status: int, content: dict[str, Any]) -> None:
        payload = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def _choice(said: str | Verdict, body: dict[str, Any]) -> dict[str, Any]:
    """Return one choice; of a verdict the likelier word, with the log-probs of both."""
    if isinstance(said, str):
        return {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    ways = sorted([(said.probability, said.word), (1 - said.probability, said.other)], reverse=True)
    word = ways[0][1]
    asks_json = body.get("response_format", {}).get("type") == "json_schema"
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": json.dumps({"answer": word}) if asks_json else word},
        "finish_reason": "stop",
    }
    if body.get("logprobs"):
        top = [
            {"token": text, "logprob": math.log(probability), "bytes": list(text.encode())}
            for probability, text in ways
        ]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top[: body.get("top_logprobs", 0)]}]}
    return choice


def _small_talk(messages: list[tuple[str, str]]) -> str | Verdict | None:
    """Reply to what needs no document: how Charter finds out what a server can do."""
    order = re.search(r"Reply to every message with the one word (\w+)", messages[0][1])
    if messages[0][0] == "system" and order:
        return order[1]
    return Verdict("Yes", "No", 0.99) if messages[-1][1].startswith("Is snow white?") else None


def _count_tokens(text: str) -> int:
    """Count roughly: a token of a large model's is four bytes of English, three of other writing."""
    return max(1, len(text.encode()) // (4 if text.isascii() else 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    with StrongTeacher(parser.parse_args().port) as server:
        sys.stderr.write(f"serving {MODEL} at {server.url}\n")
        server.serve_forever()


if __name__ == "__main__":
    main()
