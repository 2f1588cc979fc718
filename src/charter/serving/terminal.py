"""A chat in the terminal with any server of OpenAI's kind; citations are printed where it sends them."""

import os
from collections.abc import Callable
from typing import Any

import openai
from openai.types.chat import ChatCompletionMessageParam

from charter.project.errors import CharterError


def chat(url: str, read: Callable[[], str], write: Callable[[str], None]) -> None:
    """Ask what ``read`` returns until it is /quit or raises EOFError; /new begins another chat.

    The key is read from OPENAI_API_KEY.

    Raises:
        CharterError: Nothing that serves a model answers, or it refuses.
    """
    key = os.environ.get("OPENAI_API_KEY") or "none"
    turns: list[ChatCompletionMessageParam] = []
    try:
        with openai.OpenAI(base_url=f"{url.rstrip('/')}/v1", api_key=key) as client:
            # vLLM lists the seed before its adapters, which name it as their parent.
            models = client.models.list().data
            if not models:
                raise CharterError(f"{url} serves no model; `charter serve CORPUS` serves one")
            model = next((item.id for item in models if (item.model_extra or {}).get("parent")), models[0].id)
            write(f"{model} at {url}: /new begins another chat, /quit or Ctrl-D ends\n")
            while (said := _read(read, write)) != "/quit":
                if said == "/new":
                    turns = []
                elif said:
                    turns.append({"role": "user", "content": said})
                    reply = _reply(client, model, turns, write)
                    turns.append({"role": "assistant", "content": reply})
    except openai.APIConnectionError as error:
        raise CharterError(f"{url}: no server answers; `charter serve CORPUS` starts one") from error
    except openai.APIError as error:
        raise CharterError(f"{url} refuses: {error.message}") from error


def _read(read: Callable[[], str], write: Callable[[str], None]) -> str:
    try:
        return read().strip()
    except EOFError:
        write("\n")
        return "/quit"


def _reply(
    client: openai.OpenAI, model: str, turns: list[ChatCompletionMessageParam], write: Callable[[str], None]
) -> str:
    text = ""
    cited: list[dict[str, Any]] = []
    for chunk in client.chat.completions.create(model=model, messages=turns, stream=True):
        for choice in chunk.choices:
            piece = choice.delta.content or ""
            cited = (choice.delta.model_extra or {}).get("citations") or cited
            text += piece
            write(piece)
    write("\n")
    for source in sources(cited):
        write(f"  [{source}]\n")
    return text


def sources(cited: list[dict[str, Any]]) -> list[str]:
    """Name where the passages of a reply stand; two sentences of one section are one source."""
    places = []
    for passage in cited:
        pages = ", ".join(map(str, passage["pages"]))
        named = [passage["document"], *passage["section"], *([f"page {pages}"] if pages else [])]
        places.append(" > ".join(named))
    return list(dict.fromkeys(places))
