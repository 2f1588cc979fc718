"""From rows to the columns that trl trains on; no row is cut or lost on the way."""

from collections.abc import Sequence
from functools import partial
from textwrap import shorten
from typing import Any

from datasets import Dataset

from charter.project.errors import CharterError
from charter.project.records import Demonstration, InstructExample, PreferencePair, Row
from charter.training.chat import Chat, answer_messages


class OpenBookExample(Row):
    """A question, the passages shown with it, and the answer to learn."""

    id: str
    question: str
    passages: tuple[str, ...]
    answer: str


def instruct_dataset(
    rows: Sequence[InstructExample | OpenBookExample | Demonstration], tokenizer: Any, max_length: int
) -> Dataset:
    """Make columns ``prompt`` and ``completion``, from which trl puts loss on the completion only.

    A question is put as in evaluation; the prompt of a demonstration stands alone, as a user would write it.

    Raises:
        CharterError: A row is longer than ``max_length`` tokens (sft.max_length).
    """
    answered = partial(_answered, tokenizer=tokenizer, max_length=max_length, parameter="sft.max_length")
    examples = []
    for row in rows:
        if isinstance(row, Demonstration):
            prompt, answer = [{"role": "user", "content": row.prompt}], row.response
        else:
            passages = row.passages if isinstance(row, OpenBookExample) else ()
            prompt, answer = answer_messages(row.question, passages), row.answer
        examples.append({"prompt": prompt, "completion": answered(row, prompt, answer)})
    return Dataset.from_list(examples)


def preference_dataset(rows: Sequence[PreferencePair], tokenizer: Any, max_length: int) -> Dataset:
    """Make columns ``prompt``, ``chosen`` and ``rejected``.

    Raises:
        CharterError: A row is longer than ``max_length`` tokens (dpo.max_length).
    """
    answered = partial(_answered, tokenizer=tokenizer, max_length=max_length, parameter="dpo.max_length")
    examples = []
    for row in rows:
        prompt = answer_messages(row.prompt)
        chosen, rejected = (answered(row, prompt, text) for text in (row.chosen, row.rejected))
        examples.append({"prompt": prompt, "chosen": chosen, "rejected": rejected})
    return Dataset.from_list(examples)


def _answered(
    row: InstructExample | OpenBookExample | Demonstration | PreferencePair,
    prompt: Chat,
    answer: str,
    tokenizer: Any,
    max_length: int,
    parameter: str,
) -> Chat:
    """Return the turn that answers a prompt; refuse what trl would silently cut or drop."""
    turn = [{"role": "assistant", "content": answer}]
    tokens = len(tokenizer.apply_chat_template(prompt + turn)["input_ids"])
    if tokens > max_length:
        raise CharterError(
            f"row {row.id}, answered with {shorten(answer, 60)!r}, has {tokens} tokens with its prompt, "
            f"{parameter} allows {max_length}: raise {parameter} (training never cuts or drops rows), or "
            "shorten the row in `charter review` if people wrote it"
        )
    return turn
