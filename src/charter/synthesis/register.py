"""The register of rules: what a document demands, rule by rule, each with the words that it rests on."""

import json
import re
import unicodedata
from collections.abc import Iterator

from pydantic import BaseModel, Field, ValidationError

from charter.documents.segmentation import count_words, split_sentences, split_words
from charter.project.records import Chunk, Modality, Rejected, Rule, content_id
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.duplicates import Likeness, find_duplicates
from charter.synthesis.languages import language_of
from charter.synthesis.steps import ask_teacher

_ARRAY = re.compile(r"\[.*\]", re.DOTALL)
_ENDS = (".", "!", ";", "。", "！", "।", "۔", "։", "።", "．", "॥")
_LIST_MARK = re.compile(r"^\s*(?:(?:\(?(?:\d+(?:\.\d+)*|[a-z])[.)]|[-*•–])\s+|\d+[、．]\s*)")
_SECTION_NUMBER = re.compile(r"^(?:§+\s*)?\d+(?:\.\d+)+\s+(?=\S)|^§+\s*\d+[a-z]?\s+(?=\S)")
"""Of a paragraph, such as 2.1 or § 4; a 2.5 that is an amount seldom begins one."""


class _Written(BaseModel):
    """A rule as the teacher writes it."""

    statement: str = Field(min_length=1)
    modality: Modality
    quotation: str = Field(min_length=1)
    limits: list[str] = []
    deciders: list[str] = []
    reason: str | None = None
    grey: str | None = None


def quote_sentences(context: SynthesisContext) -> tuple[list[Rule], list[Rejected]]:
    """Make the register of the document's own sentences, without asking anybody: the method `rules`.

    Of equal sentences the first is taken. What a sentence is, a right or a ban, isn't told apart.
    """
    settings = context.settings
    found: dict[str, Chunk] = {}
    for chunk in context.chunks:
        for sentence in stated_rules(chunk, settings.min_rule_words, settings.max_rule_words):
            found.setdefault(sentence, chunk)
    rules = [
        _bind(_Written(statement=sentence, modality="unknown", quotation=sentence), chunk)
        for sentence, chunk in found.items()
    ]
    return [rule for rule in rules if rule], []


def stated_rules(chunk: Chunk, least: int, most: int) -> list[str]:
    """Return the sentences of a chunk that a reader understands by themselves, without list marks.

    Left out are headings and other fragments, questions, sentences that refer to another one, and what has
    fewer than ``least`` or more than ``most`` words.
    """
    refers_back = language_of(chunk).refers_back
    return [
        sentence
        for sentence in _unmarked_sentences(chunk)
        if least <= count_words(sentence) <= most
        and sentence.endswith(_ENDS)
        and not sentence[0].islower()
        and not refers_back.match(sentence)
    ]


def supporting_rule(answer: str, chunk: Chunk, least: int, most: int) -> str:
    """Return the sentence of a chunk that an answer rests on: the likest, by F1 on their sets of words.

    Empty if that sentence isn't one of `stated_rules`, such as a row of a table, or no word is the same.
    """
    said = set(split_words(answer))
    likeness = {}
    for sentence in _unmarked_sentences(chunk):
        words = set(split_words(sentence))
        likeness[sentence] = 2 * len(words & said) / max(1, len(words) + len(said))
    nearest = max(likeness, key=likeness.__getitem__, default="")
    found = likeness.get(nearest, 0) > 0 and nearest in stated_rules(chunk, least, most)
    return nearest if found else ""


def _unmarked_sentences(chunk: Chunk) -> Iterator[str]:
    """Go through a chunk's sentences without the marks of lists and the numbers of paragraphs."""
    for line in chunk.text.split("\n"):
        for place, sentence in enumerate(split_sentences(line, chunk.language)):
            unmarked = _LIST_MARK.sub("", sentence)
            yield unmarked if place else _SECTION_NUMBER.sub("", unmarked)


def ask_for_rules(context: SynthesisContext) -> tuple[list[Rule], list[Rejected]]:
    """Have the teacher list the rules of each chunk, as JSON: the method `direct`.

    Refused is what can't be read, what quotes words that the chunk doesn't have, and what says again what an
    earlier rule says.
    """
    settings = context.settings
    ledger = Ledger("register")
    requests = [
        context.request("list_rules", chunk, max_tokens=settings.max_rules_tokens) for chunk in context.chunks
    ]
    answered = ask_teacher([Draft(chunk) for chunk in context.chunks], requests, "rules", context, ledger)
    found = [rule for draft, text in answered for rule in _read(draft, text, ledger)]
    likeness = Likeness(settings.max_question_similarity, settings.max_shared_trigrams)
    originals = find_duplicates([rule.statement for rule in found], context.encoder, likeness)
    chunks = {chunk.id: chunk for chunk in context.chunks}
    kept = []
    for rule, original in zip(found, originals, strict=True):
        if original is None:
            kept.append(rule)
        else:
            reason = f"says the same as: {found[original].statement}"
            ledger.refuse(Draft(chunks[rule.chunk_id], rule=rule.statement), "duplicate", reason)
    return kept, ledger.rejected


def _read(draft: Draft, text: str, ledger: Ledger) -> list[Rule]:
    array = _ARRAY.search(text)
    try:
        rows = json.loads(array.group(0) if array else "")
    except json.JSONDecodeError:
        ledger.refuse(draft, "form", "isn't a JSON array of rules")
        return []
    rules = []
    for row in rows:
        try:
            written = _Written.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            ledger.refuse(draft, "form", f"{place}: {first['msg']}")
            continue
        rule = _bind(written, draft.chunk)
        if rule is None:
            ledger.refuse(draft, "quotation", f"the passage doesn't have the words: {written.quotation}")
        else:
            rules.append(rule)
    return rules


def _bind(written: _Written, chunk: Chunk) -> Rule | None:
    """Return the rule with its place in the chunk, None where the chunk doesn't have its quotation."""
    span = find_quotation(chunk.text, written.quotation)
    if span is None:
        return None
    quotation = chunk.text[slice(*span)]
    statement = " ".join(written.statement.split())
    return Rule(
        id=content_id(chunk.id, statement, quotation),
        chunk_id=chunk.id,
        statement=statement,
        modality=written.modality,
        quotation=quotation,
        start=span[0],
        end=span[1],
        limits=tuple(written.limits),
        deciders=tuple(written.deciders),
        reason=written.reason,
        grey=written.grey,
    )


def find_quotation(text: str, quotation: str) -> tuple[int, int] | None:
    """Return the span of a text that a quotation copies letter for letter, None where there is none.

    Blanks don't count, and letters with marks may be written in either of Unicode's forms (canonical
    equivalence, UAX 15): models write Hindi's in another one than documents do.
    """
    signs, places = [], []
    for place, sign in enumerate(text):
        for part in unicodedata.normalize("NFD", sign):
            if not part.isspace():
                signs.append(part)
                places.append(place)
    # Sign by sign as well: as a whole, its marks would be put in an order that the text needn't have.
    parts = (part for sign in quotation for part in unicodedata.normalize("NFD", sign))
    wanted = "".join(part for part in parts if not part.isspace())
    start = "".join(signs).find(wanted) if wanted else -1
    return None if start < 0 else (places[start], places[start + len(wanted) - 1] + 1)
