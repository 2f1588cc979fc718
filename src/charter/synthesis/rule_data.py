"""Rows of the document's own rules: questions that a rule answers word for word, and pairs with its opposite.

The answers that a teacher writes speak of what its questions happened to ask for, a tenth of a long document.
These questions reach every rule that stands by itself, and an answer in the document's words needs no check
of its truth. Whether a rule answers its question is checked by round trip: of all rules of the document it
must be the nearest to it (Alberti et al., 2019, arXiv 1906.05416, with retrieval in place of a reader).

The pairs stand beside those of scenarios, of which a small teacher decides few: here only the opposite has to
be shown to be one.

Both are trained on and never measured with: a held-out answer is one that the teacher wrote of a passage.
"""

from collections.abc import Collection, Sequence

from charter.project.records import InstructExample, PreferencePair, content_id
from charter.synthesis.decisions import decide_opposite
from charter.synthesis.duplicates import find_links
from charter.synthesis.ledger import Draft, Ledger
from charter.synthesis.preference import check_contrasts, write_opposites
from charter.synthesis.rules import stated_rules, states_norm
from charter.synthesis.synthesis_context import SynthesisContext

QUESTIONS_A_CALL = 2
"""Questions a call: as many as the worked examples of the prompt have."""
CALLS_A_RULE = 3
"""Calls about a rule at most, each with a seed of its own."""

MIN_MARGIN = 0.5
"""By so much, in nats, the rule must be truer than its opposite: of 32 rules of udhr, read by hand, those
whose opposite says the same or nothing have less, at most .31; the others have .56 and more, but three."""


def write_rule_questions(
    context: SynthesisContext, held_out: Sequence[str], held_out_rules: Collection[str]
) -> Ledger[InstructExample]:
    """Ask the teacher for a question that each of at most max_rules rules answers.

    Filters, in order: form of a ``question``; its ``subject``, to which no other rule of the document is
    nearer; ``held-out``, the near-duplicates of a ``held_out`` question; and ``duplicate``, of a question or
    its rule: one question a rule is kept, since a second one costs as much training as another epoch and gave
    less (LOG.md). Rules that held-out pairs quote aren't asked about.
    """
    ledger = Ledger[InstructExample]("rule", context)
    rules: dict[str, Draft] = {}
    for chunk in context.chunks:
        for rule in stated_rules(chunk):
            rules.setdefault(rule, Draft(chunk, style="rule", answer=rule))
    # By a hash: in an amended document, the others' places stay as they were.
    chosen = set(sorted(rules, key=content_id)[: context.settings.max_rules]) - set(held_out_rules)
    kept: dict[str, Draft] = {}
    for turn in range(CALLS_A_RULE):
        left = [call for rule, call in rules.items() if rule in chosen and rule not in kept]
        asked = [
            context.requests.rule_questions(call.chunk, call.answer, context.seed + turn) for call in left
        ]
        drafts = ledger.ask_questions("questions to rules", left, asked, QUESTIONS_A_CALL)
        drafts = ledger.keep_on_topic(drafts, list(rules), most_nearer=0)
        drafts = _keep_apart(drafts, held_out, ledger)
        # What is kept already comes first, and so is kept again.
        kept = _first_of_each_rule(ledger.keep_unique([*kept.values(), *drafts]), ledger)
    ledger.kept = [kept[rule].to_example() for rule in rules if rule in kept]
    return ledger


def write_rule_pairs(
    context: SynthesisContext, examples: Sequence[InstructExample]
) -> Ledger[PreferencePair]:
    """Have the teacher turn round the rules of at most max_rule_pairs questions to rules.

    They are chosen by a hash among those whose rule allows, demands or forbids. Filters, in order:
    ``contrast`` of the rule and its opposite, as of scenarios, and ``verification``: by the chunk, the rule
    is the truer of both by MIN_MARGIN (`decide_opposite`).
    """
    chunks = {chunk.id: chunk for chunk in context.chunks}
    norms = [row for row in examples if states_norm(row.answer)]
    by_hash = sorted(norms, key=lambda row: content_id(row.answer))
    chosen = {row.id for row in by_hash[: context.settings.max_rule_pairs]}
    ledger = Ledger[PreferencePair]("rule-pair", context, requested=len(chosen))
    drafts = [
        Draft(chunks[row.chunk_id], row.question, answer=row.answer) for row in norms if row.id in chosen
    ]
    drafts = check_contrasts(write_opposites(drafts, context), ledger)
    statements = [(draft.chunk, text) for draft in drafts for text in (draft.answer, draft.opposite)]
    truths = context.teacher.complete(
        [context.requests.support(*statement) for statement in statements], "truth of rules"
    )
    problems = [
        decide_opposite(rule, opposite, MIN_MARGIN).problem("the rule is truer by {:.2f} only")
        for rule, opposite in zip(truths[::2], truths[1::2], strict=True)
    ]
    drafts = ledger.keep(drafts, "verification", problems)
    ledger.kept = [draft.to_pair(draft.answer, draft.opposite) for draft in drafts]
    return ledger


def _keep_apart(
    drafts: Sequence[Draft], held_out: Sequence[str], ledger: Ledger[InstructExample]
) -> list[Draft]:
    """Refuse the drafts whose question says what a held-out one says."""
    context = ledger.context
    texts = [*held_out, *(draft.question for draft in drafts)]
    links = find_links(texts, context.encoder, context.settings.max_leak_similarity).tolist()
    repeated = {later: texts[earlier] for earlier, later in links if earlier < len(held_out)}
    problems = [
        f"says the same as the held-out: {repeated[place]}" if place in repeated else None
        for place in range(len(held_out), len(texts))
    ]
    return ledger.keep(drafts, "held-out", problems)


def _first_of_each_rule(drafts: Sequence[Draft], ledger: Ledger[InstructExample]) -> dict[str, Draft]:
    first: dict[str, Draft] = {}
    problems = [
        None
        if first.setdefault(draft.answer, draft) is draft
        else f"its rule is the answer to: {first[draft.answer].question}"
        for draft in drafts
    ]
    ledger.keep(drafts, "duplicate", problems)
    return first
