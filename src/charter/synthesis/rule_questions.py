"""Questions to the document's own rules: the rule that answers one, word for word, is the answer.

The answers that a teacher writes speak of what its questions happened to ask for, a tenth of a long document;
what a small model wasn't trained on it makes up. These questions reach every rule that stands by itself, and
an answer in the document's words needs no check of its truth. Whether a rule answers its question is checked
by round trip: of all rules of the document it must be the nearest to it (Alberti et al., 2019,
arXiv 1906.05416, with retrieval in place of a reader). A rule of which no question is kept is asked about
again.

They are trained on and never measured with: a held-out answer is one that the teacher wrote of a passage.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from charter.generation.journal import JournaledEngine
from charter.project.params import Synthesize
from charter.project.records import Chunk, InstructExample, content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.duplicates import find_links
from charter.synthesis.filters import check_question
from charter.synthesis.instruct import InstructData
from charter.synthesis.ledger import Ledger
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rules import stated_rules

STYLE = "rule"
QUESTIONS_A_CALL = 2
"""Questions a call: as many as the worked examples of the prompt have."""
CALLS_A_RULE = 3
"""Calls about a rule at most, each with a seed of its own."""


@dataclass(frozen=True)
class HeldOut:
    """What training data may not give away.

    ``questions`` are those of held-out rows, ``rules`` those that held-out preference pairs quote.
    """

    questions: Sequence[str]
    rules: Collection[str]


@dataclass(frozen=True)
class _Rule:
    chunk: Chunk
    text: str


@dataclass(frozen=True)
class _Question:
    chunk: Chunk
    text: str
    rule: str


def write_rule_questions(
    chunks: Sequence[Chunk],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    encoder: Encoder,
    settings: Synthesize,
    seed: int,
    held_out: HeldOut,
) -> InstructData:
    """Ask the teacher for a question that each of at most max_rules rules answers.

    Filters, in order: form of a ``question``; its ``subject``, to which no other rule of the document is
    nearer; ``held-out``, the near-duplicates of a held-out question; and ``duplicate``, of a question or its
    rule: one question a rule is kept, since a second one costs as much training as another epoch and gave
    less (LOG.md). Held-out rules aren't asked about.
    """
    ledger = Ledger("rule")
    stated = _stated(chunks)
    places = {rule.text: place for place, rule in enumerate(stated)}
    rules = [rule for rule in _choose(stated, settings.max_rules) if rule.text not in held_out.rules]
    kept: list[_Question] = []
    calls = 0
    for turn in range(CALLS_A_RULE):
        answered = {question.rule for question in kept}
        left = [rule for rule in rules if rule.text not in answered]
        calls += len(left)
        questions = _ask(left, asks, teacher, seed + turn, ledger)
        questions = ledger.leading_back(
            questions,
            [question.text for question in questions],
            [places[question.rule] for question in questions],
            [rule.text for rule in stated],
            encoder,
            most_nearer=0,
        )
        questions = _apart_from(held_out.questions, questions, encoder, settings.max_leak_similarity, ledger)
        # What is kept already comes first, and so is kept again.
        questions = [*kept, *questions]
        questions = ledger.without_duplicates(
            questions, [question.text for question in questions], encoder, settings.max_question_similarity
        )
        kept = _first_of_each_rule(questions, ledger)
    examples = [
        InstructExample(
            id=content_id(question.chunk.id, question.text, question.rule),
            chunk_id=question.chunk.id,
            style=STYLE,
            question=question.text,
            answer=question.rule,
        )
        for question in sorted(kept, key=lambda question: places[question.rule])
    ]
    return InstructData(examples, ledger.rows, requested=calls * QUESTIONS_A_CALL)


def _ask(
    rules: Sequence[_Rule], asks: TeacherRequests, teacher: JournaledEngine, seed: int, ledger: Ledger
) -> list[_Question]:
    completions = teacher.complete(
        [asks.rule_questions(rule.chunk, rule.text, seed) for rule in rules], "questions to rules"
    )
    return [
        _Question(rule.chunk, text, rule.text)
        for rule, completion in zip(rules, completions, strict=True)
        for text in ledger.accept_questions(
            rule.chunk, completion.text, QUESTIONS_A_CALL, "question", check_question
        )
    ]


def _apart_from(
    held_out: Sequence[str],
    questions: Sequence[_Question],
    encoder: Encoder,
    max_similarity: float,
    ledger: Ledger,
) -> list[_Question]:
    texts = [*held_out, *(question.text for question in questions)]
    repeated = {
        later - len(held_out): texts[earlier]
        for earlier, later in find_links(texts, encoder, max_similarity)
        if earlier < len(held_out) <= later
    }
    for place, text in repeated.items():
        question = questions[place]
        reason = f"says the same as the held-out: {text}"
        ledger.refuse(question.chunk, "held-out", reason, question.text, question.rule)
    return [question for place, question in enumerate(questions) if place not in repeated]


def _first_of_each_rule(questions: Sequence[_Question], ledger: Ledger) -> list[_Question]:
    first: dict[str, _Question] = {}
    for question in questions:
        if first.setdefault(question.rule, question) is not question:
            reason = f"its rule is the answer to: {first[question.rule].text}"
            ledger.refuse(question.chunk, "duplicate", reason, question.text)
    return list(first.values())


def _stated(chunks: Sequence[Chunk]) -> list[_Rule]:
    """Return each rule of the document once, in its order."""
    first: dict[str, _Rule] = {}
    for chunk in chunks:
        for text in stated_rules(chunk):
            first.setdefault(text, _Rule(chunk, text))
    return list(first.values())


def _choose(rules: Sequence[_Rule], count: int) -> list[_Rule]:
    """Choose ``count`` rules by a hash: in an amended document, the others' places stay as they were."""
    chosen = set(sorted((rule.text for rule in rules), key=content_id)[:count])
    return [rule for rule in rules if rule.text in chosen]
