"""The rule that decides a scenario: a sentence of its chunk, in the document's own words."""

import re
from collections.abc import Sequence

from charter.documents.segmentation import split_sentences, split_words
from charter.project.records import Chunk
from charter.retrieval.encoder import Encoder
from charter.synthesis.languages import load_language
from charter.synthesis.ledger import Draft

MIN_RULE_WORDS, MAX_RULE_WORDS = 5, 50

_ENDS = ".!;。！।۔։።"
_LIST_MARK = re.compile(r"^\s*(?:\(?(?:\d+(?:\.\d+)*|[a-z])[.)]|[-*•–])\s+")
_EN = load_language("en")


def stated_rules(chunk: Chunk) -> list[str]:
    """Return the sentences of a chunk that a reader understands by themselves, without list marks.

    Left out are headings and other fragments, questions, what refers to another sentence, and what has fewer
    than MIN_RULE_WORDS or more than MAX_RULE_WORDS.
    """
    sentences = (_LIST_MARK.sub("", sentence) for sentence in split_sentences(chunk.text))
    return [sentence for sentence in sentences if _stands_alone(sentence)]


def states_norm(rule: str) -> bool:
    """Return whether a sentence allows, demands or forbids something, so that it has an opposite."""
    return bool(_EN.norm.search(rule))


def _stands_alone(sentence: str) -> bool:
    return (
        MIN_RULE_WORDS <= len(split_words(sentence)) <= MAX_RULE_WORDS
        and sentence[-1] in _ENDS
        and not sentence[0].islower()
        and not _EN.refers_back.match(sentence)
    )


def find_rules(scenarios: Sequence[Draft], encoder: Encoder) -> list[str | None]:
    """Return for each scenario the rule of its chunk that is nearest to it, None where the chunk has none."""
    rules = {draft.chunk.id: stated_rules(draft.chunk) for draft in scenarios}
    texts = sorted({rule for stated in rules.values() for rule in stated})
    vectors = encoder.encode([*texts, *(draft.question for draft in scenarios)])
    places = {text: place for place, text in enumerate(texts)}
    return [
        max(rules[draft.chunk.id], key=lambda rule: float(vectors[places[rule]] @ vector), default=None)
        for draft, vector in zip(scenarios, vectors[len(texts) :], strict=True)
    ]


def check_duty(scenario: str, rule: str) -> str | None:
    """Refuse a scenario that asks whether something must be done, where its rule demands nothing.

    "Must a person return to their country?" of a right to return: a small teacher says Yes.
    """
    if _EN.asks_duty.search(scenario) and not _EN.duty.search(rule):
        return f"asks for a duty, and this states none: {rule}"
    return None
