"""From rows to the columns that trl trains on; no row is cut or lost on the way."""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset

from charter.project.errors import CharterError
from charter.project.records import Chunk, Demonstration, InstructExample, PreferencePair
from charter.training.chat import Chat, answer_messages


def instruct_dataset(
    rows: Sequence[InstructExample | Demonstration], tokenizer: Any, max_length: int
) -> Dataset:
    """Make columns ``prompt`` and ``completion``, from which trl puts loss on the completion only.

    A question is put as in evaluation; the prompt of a demonstration stands alone, as a user would write it.

    Raises:
        CharterError: A row is longer than ``max_length`` tokens (sft.max_length).
    """
    examples = []
    for row in rows:
        if isinstance(row, Demonstration):
            prompt, answer = [{"role": "user", "content": row.prompt}], row.response
        else:
            prompt, answer = answer_messages(row.question), row.answer
        _check_length(row.id, prompt, answer, tokenizer, max_length, "sft.max_length")
        examples.append({"prompt": prompt, "completion": _answered(answer)})
    return Dataset.from_list(examples)


def preference_dataset(rows: Sequence[PreferencePair], tokenizer: Any, max_length: int) -> Dataset:
    """Make columns ``prompt``, ``chosen`` and ``rejected``.

    Raises:
        CharterError: A row is longer than ``max_length`` tokens (dpo.max_length).
    """
    examples = []
    for row in rows:
        prompt = answer_messages(row.prompt)
        for response in (row.chosen, row.rejected):
            _check_length(row.id, prompt, response, tokenizer, max_length, "dpo.max_length")
        examples.append(
            {"prompt": prompt, "chosen": _answered(row.chosen), "rejected": _answered(row.rejected)}
        )
    return Dataset.from_list(examples)


def text_dataset(chunks: Sequence[Chunk]) -> Dataset:
    """Make the column ``text``: the raw text of the chunks, in the order of the document."""
    return Dataset.from_list([{"text": chunk.text} for chunk in chunks])


def _answered(text: str) -> Chat:
    return [{"role": "assistant", "content": text}]


def _check_length(
    row_id: str, prompt: Chat, response: str, tokenizer: Any, max_length: int, parameter: str
) -> None:
    """Refuse what trl would silently cut or drop."""
    tokens = len(tokenizer.apply_chat_template(prompt + _answered(response))["input_ids"])
    if tokens > max_length:
        raise CharterError(
            f"row {row_id} has {tokens} tokens with its prompt, {parameter} allows {max_length}: "
            f"raise {parameter} (training never cuts or drops rows)"
        )
