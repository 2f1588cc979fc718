"""Preference pairs of the rules themselves: a question to a rule, the rule, and its opposite.

Beside pairs of scenarios (`charter.synthesis.preference`), of which a small teacher decides few: here the
right response is a sentence of the document, so that only the opposite has to be shown to be one. They are
trained on and never measured with; the rules that held-out pairs quote are not among them.
"""

from collections.abc import Sequence

from charter.project.records import InstructExample, PreferencePair, content_id
from charter.synthesis.decisions import decide_opposite
from charter.synthesis.draft import Draft
from charter.synthesis.ledger import Ledger, WrittenRows
from charter.synthesis.preference import check_contrasts, write_opposites
from charter.synthesis.rules import states_norm
from charter.synthesis.synthesis_context import SynthesisContext

MIN_MARGIN = 0.5
"""By so much, in nats, the rule must be truer than its opposite: of 32 rules of udhr, read by hand, those
whose opposite says the same or nothing have less, at most .31; the others have .56 and more, but three."""


def write_rule_pairs(
    context: SynthesisContext, examples: Sequence[InstructExample]
) -> WrittenRows[PreferencePair]:
    """Have the teacher turn round the rules of at most max_rule_pairs questions to rules.

    They are chosen by a hash among those whose rule allows, demands or forbids. Filters, in order:
    ``contrast`` of the rule and its opposite, as of scenarios, and ``verification``: by the chunk, the rule
    is the truer of both by MIN_MARGIN (`decide_opposite`).
    """
    ledger = Ledger("rule-pair")
    chunks = {chunk.id: chunk for chunk in context.chunks}
    norms = [row for row in examples if states_norm(row.answer)]
    by_hash = sorted(norms, key=lambda row: content_id(row.answer))[: context.settings.max_rule_pairs]
    chosen = {row.id for row in by_hash}
    drafts = [
        Draft(chunks[row.chunk_id], row.question, answer=row.answer) for row in norms if row.id in chosen
    ]
    drafts = check_contrasts(write_opposites(drafts, context), context, ledger)
    truths = context.teacher.complete(
        [
            context.requests.support(draft.chunk, statement)
            for draft in drafts
            for statement in (draft.answer, draft.opposite)
        ],
        "truth of rules",
    )
    decisions = [
        decide_opposite(rule, opposite, MIN_MARGIN)
        for rule, opposite in zip(truths[::2], truths[1::2], strict=True)
    ]
    problems = [decision.problem("the rule is truer by {:.2f} only") for decision in decisions]
    drafts = ledger.keep(drafts, "verification", problems)
    return WrittenRows(
        kept=[draft.to_pair(draft.answer, draft.opposite) for draft in drafts],
        rejected=ledger.rejected,
        requested=len(chosen),
    )
