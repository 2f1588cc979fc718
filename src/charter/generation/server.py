"""An OpenAI-compatible server: how it is reached, what it says of its model, and what its errors mean."""

import os
from typing import Any
from urllib.parse import urlsplit

import openai
from pydantic import BaseModel, ValidationError

from charter.generation.chat_answer import ChatAnswer
from charter.generation.server_params import ServerParams
from charter.project.errors import CharterError

_RETRIES = 16
"""With the client's pauses of at most 8 s, a server that is started again is waited for two minutes."""

_TIMEOUT = openai.Timeout(600, connect=10)
"""Reading is slow where a server queues many requests, and a request given up is work done twice."""

_STABLE = ("id", "root", "parent", "owned_by", "max_model_len", "meta")
"""What says which weights are served, in an entry of ``/v1/models``, and is the same after a restart.

``root`` is the folder or hub name that vLLM and SGLang loaded, ``meta`` has the sizes that llama.cpp read.
``created`` and ``permission`` are left out: vLLM makes both anew at each start.
"""


class NoCompletionError(CharterError):
    """A server answered a request, but not with a chat completion."""


class ModelServer:
    """One model of a server. The key is read from the environment only, and taken out of what is reported."""

    def __init__(self, base_url: str, model: str, params: ServerParams | None = None):
        """``base_url`` ends in /v1; ``model`` is the name the server offers it under.

        ``params`` are those of the teacher by default.
        """
        self.params = params or ServerParams()
        variable = self.params.key_variable
        try:
            address = urlsplit(base_url)
            valid = address.scheme in ("http", "https") and address.hostname and address.port != 0
        except ValueError:
            valid = False
        if "@" in base_url or "?" in base_url:
            raise CharterError(
                f"{self.params.base_url} has a name or a key in it; the key goes in {variable}"
            )
        if not valid:
            raise CharterError(
                f"{self.params.base_url}: {base_url!r} is no address such as http://127.0.0.1:8000/v1"
            )
        self._key = os.environ.get(variable, "").strip() if variable else ""
        if not self._key.isascii() or not self._key.isprintable():
            raise CharterError(f"{variable} has characters that no key has")
        self.url = base_url
        self.model = model
        # The client refuses to work without a key: then it has a word for one, which no request sends.
        self._options: dict[str, Any] = {"base_url": base_url, "api_key": self._key or "none"}
        self.headers = {} if self._key else {"Authorization": openai.Omit()}

    def client(self) -> openai.AsyncOpenAI:
        """Return a client that tries again what may pass: 408, 429, 5xx, a timeout, a lost connection."""
        return openai.AsyncOpenAI(**self._options, max_retries=_RETRIES, timeout=_TIMEOUT)

    async def chat(self, client: openai.AsyncOpenAI, body: dict[str, Any]) -> ChatAnswer:
        """Ask for a chat completion.

        Raises:
            openai.APIError: The server refuses or doesn't answer; `explain` says what that means.
            NoCompletionError: It answers something else, or an error under status 200.
        """
        # The client takes anything that a server sends for a completion, so the bytes are parsed here.
        response = await client.chat.completions.with_raw_response.create(
            model=self.model, **body, extra_headers=self.headers
        )
        try:
            return ChatAnswer.model_validate_json(response.content)
        except ValidationError as error:
            raise NoCompletionError(
                f"{self.params.base_url}: {self.url} answers, but not with a chat completion: if it has "
                "never sent one, check that this is the address that ends in /v1; else run the same command "
                f"again: what it has answered is kept. It sent: {self.excerpt(response.text)}"
            ) from error

    def describe(self) -> dict[str, Any] | None:
        """Return what tells the model's weights apart, by the server; None where no server answers.

        It is empty where the server lists no models, or not this one; a wrong key is a CharterError.
        """
        try:
            with openai.OpenAI(**self._options, max_retries=0, timeout=10) as client:
                listed = client.models.with_raw_response.list(extra_headers=self.headers)
            entries = _Listing.model_validate_json(listed.content).data
        except openai.APIConnectionError:
            return None
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise self.explain(error) from error
        except (openai.APIStatusError, ValidationError):
            return {}
        entry = next((entry for entry in entries if entry.get("id") == self.model), {})
        return {key: entry[key] for key in _STABLE if entry.get(key) is not None}

    def explain(self, error: openai.APIError) -> CharterError:
        """Say what a failed request means, and what to do."""
        if not isinstance(error, openai.APIStatusError):
            cause = error.__cause__ or error
            return self._no_answer(self.excerpt(f"{type(cause).__name__}: {cause}"))
        status = error.status_code
        problem = self.excerpt(f"HTTP {status}: {error.response.text}")
        if status in (401, 403):
            state = "it doesn't take the one that is set" if self._key else "none is set"
            variable = self.params.key_variable or f"the variable of {self.params.engine}.key_variable"
            return CharterError(
                f"{self.params.base_url}: {self.url} wants a key: set {variable} in the environment "
                f"({state}). {problem}"
            )
        if status in (408, 409, 429) or status >= 500:
            wait = error.response.headers.get("retry-after")
            return self._no_answer(problem + (f" (Retry-After: {wait})" if wait else ""))
        return CharterError(
            f"{self.params.served}: {self.url} refuses a request to {self.model!r}: check that it "
            f"serves a model under that name, and that {self.params.base_url} ends in /v1; if it was "
            f"changed since it was recorded, run `dvc repro --force {self.params.stage}`. {problem}"
        )

    def excerpt(self, text: str) -> str:
        """Make one short line of what a server sent, without the key, which some repeat."""
        safe = text.replace(self._key, "[key]") if self._key else text
        return " ".join(safe.split())[:300]

    def _no_answer(self, problem: str) -> CharterError:
        return CharterError(
            f"{self.params.base_url}: {self.url} did not answer: {problem}. What it has answered is "
            "kept: see that the server runs, and run the same command again"
        )


class _Listing(BaseModel):
    data: list[dict[str, Any]]
