"""How a chat is worded as training and evaluation did: as tokens, or by a chat template that does it."""

import json
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from charter.project.records import Chunk
from charter.serving.requests import Turn
from charter.training.chat import Chat, answer_messages

_QUESTION = "THE QUESTION"


class PromptError(Exception):
    """The chat template refuses a chat."""


def worded(turns: Sequence[Turn], passages: Sequence[Chunk]) -> Chat:
    """Word a chat as training and evaluation do: each of the user's turns, the last one with the passages."""
    chat: Chat = []
    for number, turn in enumerate(turns, start=1):
        shown = [chunk.text for chunk in passages] if number == len(turns) else []
        if turn.role == "user":
            chat += answer_messages(turn.text, shown)
        else:
            role = "system" if turn.role == "developer" else turn.role
            chat.append({"role": role, "content": turn.text})
    return chat


def tokens_of(chat: Chat, tokenizer: Any) -> list[int]:
    """Return the tokens of a chat, with the beginning of the reply.

    Raises:
        PromptError: The model's chat template refuses it, such as one with a system turn.
    """
    try:
        text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    except TemplateError as error:
        raise PromptError(f"the model's chat template refuses this chat: {error}") from error
    tokens: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return tokens


def wording_template(template: str) -> str:
    """Return a chat template that words the user's turns as training did, in front of the model's own."""
    [turn] = answer_messages(_QUESTION)
    before, after = (json.dumps(part) for part in turn["content"].split(_QUESTION))
    return (
        "{%- set worded = namespace(turns=[]) -%}"
        "{%- for message in messages -%}{%- if message.role == 'user' -%}"
        f"{{%- set turn = {{'role': 'user', 'content': {before} ~ message.content ~ {after}}} -%}}"
        "{%- else -%}{%- set turn = message -%}{%- endif -%}"
        "{%- set worded.turns = worded.turns + [turn] -%}{%- endfor -%}{%- set messages = worded.turns -%}"
    ) + template
