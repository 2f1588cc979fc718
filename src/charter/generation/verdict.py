"""Reading a verdict from the probabilities of the words that may express it, or from what was written."""

import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress

from charter.generation.engine import Completion

OPENED, CLOSED = "<think>", "</think>"
"""What thoughts stand between where a server doesn't part them from the answer."""

_NAMES = r"\b(?i:(?:answer|verdict|choice|judge?ment)\W+(?:(?:is|would be)\W+)?)"
_ENDS = r"(?=\W*\Z|\s*[^\w\s/'’-])"
_BEFORE = r"(?<![\w'’/-])(?<!\bnot )(?<!n't )(?<!n’t )(?<!\bor )"
_AFTER = (
    r"(?![\w'’/-])(?!\s+(?!(?:because|since|as|based|according|it|they|this|that|the|you|he|she|we|i|and|but)\b)"
    r"[^\W\d_A-Z])"
)
"""A word stands alone where it isn't part of "No one", "A person", "Yes or No?" or "not True"."""


def choice_probability(completion: Completion, word: str, other: str) -> tuple[float | None, float]:
    """Return P(word) renormalised over the two words, and the mass that both had together.

    Spellings that differ in case or spaces count together. The probability is None where neither word is
    among the alternatives: such a verdict is unscored, not wrong.
    """
    probability = {word.lower(): 0.0, other.lower(): 0.0}
    for text, log_probability in completion.alternatives:
        spelling = text.strip().lower()
        if spelling in probability:
            probability[spelling] += math.exp(log_probability)
    mass = sum(probability.values())
    return (probability[word.lower()] / mass if mass > 0 else None), mass


def without_thinking(text: str) -> str:
    """Return what stands behind the thoughts, which a prompt may have opened; nothing if they don't end."""
    answer = text.rpartition(CLOSED)[2]
    return "" if OPENED in answer else answer


def read_choice(text: str, choices: Sequence[str]) -> str | None:
    """Return the one of the words that a reply chooses, None where it chooses none or more than one.

    Read are, in this order, JSON; the word that it begins with, that follows "Answer" or that ends a line
    behind a colon; and the words that stand alone, spelt as they were asked for or in capitals.
    """
    reply = without_thinking(text)
    spelling = {word.casefold(): word for word in choices}
    any_case = f"((?i:{'|'.join(map(re.escape, choices))}))"
    as_asked = f"({'|'.join(re.escape(form) for word in choices for form in (word, word.upper()))})"
    named = re.findall(
        rf"\A[^\w{{]*{any_case}{_ENDS}|{_NAMES}{any_case}{_AFTER}|[:：][^\w\n]*{any_case}[^\w\n]*(?m:$)",
        reply,
    )
    alone = re.findall(f"{_BEFORE}{as_asked}{_AFTER}", reply)
    for found in (_json_values(reply), ["".join(groups) for groups in named], alone):
        chosen = {spelling[value.casefold()] for value in found if value.casefold() in spelling}
        if chosen:
            return chosen.pop() if len(chosen) == 1 else None
    return None


def _json_values(text: str) -> list[str]:
    """Return the values of all JSON objects in a text, as text."""
    values: list[str] = []
    for found in re.findall(r"\{[^{}]*\}", text):
        with suppress(ValueError):
            values += map(str, json.loads(found).values())
    return values
