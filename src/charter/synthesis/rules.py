"""Sentences that are rules: understood by themselves, in the document's own words."""

import re
from collections.abc import Sequence

from charter.documents.language_codes import short_code
from charter.documents.segmentation import count_words, split_sentences
from charter.project.records import Chunk
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft
from charter.synthesis.languages import load_language

_ENDS = (".", "!", ";", "。", "！", "।", "۔", "։", "።", "．", "॥")
_LIST_MARK = re.compile(r"^\s*(?:(?:\(?(?:\d+(?:\.\d+)*|[a-z])[.)]|[-*•–])\s+|\d+[、．]\s*)")


def stated_rules(chunk: Chunk, least: int, most: int) -> list[str]:
    """Return the sentences of a chunk that a reader understands by themselves, without list marks.

    Left out are headings and other fragments, questions, sentences that refer to another one, and what has
    fewer than ``least`` or more than ``most`` words.
    """
    refers_back = load_language(short_code(chunk.language)).refers_back
    sentences = (_LIST_MARK.sub("", text) for text in split_sentences(chunk.text, chunk.language))
    return [
        sentence
        for sentence in sentences
        if least <= count_words(sentence) <= most
        and sentence.endswith(_ENDS)
        and not sentence[0].islower()
        and not refers_back.match(sentence)
    ]


def nearest_rules(drafts: Sequence[Draft], context: SynthesisContext) -> list[str | None]:
    """Return the rule of each draft's passage that is nearest to its question, None where it has none."""
    rules: dict[str, list[str]] = {draft.chunk.id: [] for draft in drafts}
    for rule in context.rules:
        rules.get(rule.chunk_id, []).append(rule.statement)
    texts = sorted({rule for stated in rules.values() for rule in stated})
    vectors = context.encoder.encode([*texts, *(draft.question for draft in drafts)])
    places = {text: place for place, text in enumerate(texts)}
    return [
        max(rules[draft.chunk.id], key=lambda rule: float(vectors[places[rule]] @ vector), default=None)
        for draft, vector in zip(drafts, vectors[len(texts) :], strict=True)
    ]
