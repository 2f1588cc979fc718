"""From rows to the columns that trl trains on; no row is cut or lost on the way."""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset, concatenate_datasets

from charter.project.errors import CharterError
from charter.project.records import Chunk, Demonstration, InstructExample, PreferencePair
from charter.training.chat import Message, answer_messages

Example = dict[str, list[Message]]
"""A row as trl reads it: ``prompt``, and the responses to it by their column."""


def instruct_dataset(rows: Sequence[InstructExample], tokenizer: Any, max_length: int) -> Dataset | None:
    """Make columns ``prompt`` and ``completion``, from which trl puts loss on the completion only.

    Returns:
        The data set, or None where there are no rows.

    Raises:
        CharterError: A row is longer than ``max_length`` tokens (sft.max_length).
    """
    examples = [{"prompt": answer_messages(row.question), "completion": _answer(row.answer)} for row in rows]
    return _checked_dataset(rows, examples, tokenizer, max_length, "sft.max_length")


def with_demonstrations(
    rows: Dataset, demonstrations: Sequence[Demonstration], tokenizer: Any, max_length: int
) -> Dataset:
    """Add demonstrations to instruct data; their prompts stand alone, as a user would write them.

    Raises:
        CharterError: One is longer than ``max_length`` tokens (sft.max_length).
    """
    examples: list[Example] = [
        {"prompt": [{"role": "user", "content": row.prompt}], "completion": _answer(row.response)}
        for row in demonstrations
    ]
    added = _checked_dataset(demonstrations, examples, tokenizer, max_length, "sft.max_length")
    return rows if added is None else concatenate_datasets([rows, added])


def preference_dataset(rows: Sequence[PreferencePair], tokenizer: Any, max_length: int) -> Dataset | None:
    """Make columns ``prompt``, ``chosen`` and ``rejected``.

    Returns:
        The data set, or None where there are no rows.

    Raises:
        CharterError: A row is longer than ``max_length`` tokens (dpo.max_length).
    """
    examples = [
        {
            "prompt": answer_messages(row.prompt),
            "chosen": _answer(row.chosen),
            "rejected": _answer(row.rejected),
        }
        for row in rows
    ]
    return _checked_dataset(rows, examples, tokenizer, max_length, "dpo.max_length")


def text_dataset(chunks: Sequence[Chunk]) -> Dataset:
    """Make the column ``text``: the raw text of the chunks, in the order of the document."""
    return Dataset.from_list([{"text": chunk.text} for chunk in chunks])


def _answer(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]


def _checked_dataset(
    rows: Sequence[InstructExample | PreferencePair | Demonstration],
    examples: list[Example],
    tokenizer: Any,
    max_length: int,
    parameter: str,
) -> Dataset | None:
    for row, example in zip(rows, examples, strict=True):
        prompt, *responses = example.values()
        for response in responses:
            _check_row(row.id, prompt, response, tokenizer, max_length, parameter)
    return Dataset.from_list(examples) if examples else None


def _check_row(
    row_id: str,
    prompt: list[Message],
    response: list[Message],
    tokenizer: Any,
    max_length: int,
    parameter: str,
) -> None:
    """Refuse what trl would do silently: cut or drop a long row, or train answers that never end."""
    start = len(tokenizer.apply_chat_template(prompt, add_generation_prompt=True)["input_ids"])
    tokens = tokenizer.apply_chat_template(prompt + response)["input_ids"]
    if len(tokens) > max_length:
        raise CharterError(
            f"row {row_id} has {len(tokens)} tokens with its prompt, {parameter} allows {max_length}: "
            f"raise {parameter} (training never cuts or drops rows)"
        )
    if tokenizer.eos_token_id not in tokens[start:]:
        raise CharterError(
            f"the seed's chat template ends no answer with {tokenizer.eos_token}: the model would never "
            "learn to stop; take a seed whose template does"
        )
