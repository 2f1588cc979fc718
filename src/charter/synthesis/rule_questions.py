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

from charter.project.records import Chunk, InstructExample, content_id
from charter.synthesis.draft import Draft
from charter.synthesis.duplicates import find_links
from charter.synthesis.filters import check_question
from charter.synthesis.ledger import Ledger, WrittenRows
from charter.synthesis.rules import stated_rules
from charter.synthesis.synthesis_context import SynthesisContext

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


def write_rule_questions(context: SynthesisContext, held_out: HeldOut) -> WrittenRows[InstructExample]:
    """Ask the teacher for a question that each of at most max_rules rules answers.

    Filters, in order: form of a ``question``; its ``subject``, to which no other rule of the document is
    nearer; ``held-out``, the near-duplicates of a held-out question; and ``duplicate``, of a question or its
    rule: one question a rule is kept, since a second one costs as much training as another epoch and gave
    less (LOG.md). Held-out rules aren't asked about.
    """
    ledger = Ledger("rule")
    rules = _rules_of(context.chunks)
    # By a hash: in an amended document, the others' places stay as they were.
    chosen = set(sorted(rules, key=content_id)[: context.settings.max_rules]) - set(held_out.rules)
    kept: dict[str, Draft] = {}
    calls = 0
    for turn in range(CALLS_A_RULE):
        left = [call for rule, call in rules.items() if rule in chosen and rule not in kept]
        calls += len(left)
        completions = context.teacher.complete(
            [context.requests.rule_questions(call.chunk, call.answer, context.seed + turn) for call in left],
            "questions to rules",
        )
        drafts = ledger.keep_questions(left, completions, QUESTIONS_A_CALL, "question", check_question)
        own = [draft.answer for draft in drafts]
        drafts = ledger.keep_consistent(drafts, own, list(rules), context.encoder, most_nearer=0)
        drafts = _keep_apart(drafts, held_out.questions, context, ledger)
        # What is kept already comes first, and so is kept again.
        drafts = ledger.keep_unique([*kept.values(), *drafts], context)
        kept = _first_of_each_rule(drafts, ledger)
    return WrittenRows(
        kept=[kept[rule].to_example() for rule in rules if rule in kept],
        rejected=ledger.rejected,
        requested=calls * QUESTIONS_A_CALL,
    )


def _rules_of(chunks: Sequence[Chunk]) -> dict[str, Draft]:
    """Return each rule of the document once, in its order, with the draft that asks about it."""
    rules: dict[str, Draft] = {}
    for chunk in chunks:
        for rule in stated_rules(chunk):
            rules.setdefault(rule, Draft(chunk, style=STYLE, answer=rule))
    return rules


def _keep_apart(
    drafts: Sequence[Draft], held_out: Sequence[str], context: SynthesisContext, ledger: Ledger
) -> list[Draft]:
    """Refuse the drafts whose question says what a held-out one says."""
    texts = [*held_out, *(draft.question for draft in drafts)]
    links = find_links(texts, context.encoder, context.settings.max_leak_similarity).tolist()
    repeated = {later: texts[earlier] for earlier, later in links if earlier < len(held_out)}
    problems = [
        f"says the same as the held-out: {repeated[place]}" if place in repeated else None
        for place in range(len(held_out), len(texts))
    ]
    return ledger.keep(drafts, "held-out", problems)


def _first_of_each_rule(drafts: Sequence[Draft], ledger: Ledger) -> dict[str, Draft]:
    first: dict[str, Draft] = {}
    problems = [
        None
        if first.setdefault(draft.answer, draft) is draft
        else f"its rule is the answer to: {first[draft.answer].question}"
        for draft in drafts
    ]
    ledger.keep(drafts, "duplicate", problems, question_only=True)
    return first
