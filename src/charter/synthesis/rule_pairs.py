"""Preference pairs of the rules themselves: a question to a rule, the rule, and its opposite.

Beside pairs of scenarios (`charter.synthesis.preference`), of which a small teacher decides few: here the
right response is a sentence of the document, so that only the opposite has to be shown to be one. They are
trained on and never measured with; the rules that held-out pairs quote are not among them.
"""

from collections.abc import Mapping, Sequence

from charter.generation.journal import JournaledEngine
from charter.project.params import Synthesize
from charter.project.records import Chunk, InstructExample, PreferencePair, content_id
from charter.synthesis.decisions import decide_opposite
from charter.synthesis.ledger import Ledger
from charter.synthesis.preference import Draft, PreferenceData, check_contrasts, write_opposites
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rules import states_norm

MIN_MARGIN = 0.5
"""By so much, in nats, the rule must be truer than its opposite: of 32 rules of udhr, read by hand, those
whose opposite says the same or nothing have less, at most .31; the others have .56 and more, but three."""


def write_rule_pairs(
    examples: Sequence[InstructExample],
    chunks: Mapping[str, Chunk],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    settings: Synthesize,
) -> PreferenceData:
    """Have the teacher turn round the rules of at most max_rule_pairs questions to rules.

    They are chosen by a hash among those whose rule allows, demands or forbids. Filters, in order:
    ``contrast`` of the rule and its opposite, as of scenarios, and ``verification``: by the chunk, the rule
    is the truer of both by MIN_MARGIN (`decide_opposite`).
    """
    ledger = Ledger("rule-pair")
    norms = [row for row in examples if states_norm(row.answer)]
    chosen = {
        row.id for row in sorted(norms, key=lambda row: content_id(row.answer))[: settings.max_rule_pairs]
    }
    drafts = [Draft(chunks[row.chunk_id], row.question, row.answer) for row in norms if row.id in chosen]
    drafts = check_contrasts(write_opposites(drafts, asks, teacher), settings.max_length_ratio, ledger)
    truths = teacher.complete(
        [
            asks.support(draft.chunk, statement)
            for draft in drafts
            for statement in (draft.rule, draft.opposite)
        ],
        "truth of rules",
    )
    pairs = []
    for draft, rule, opposite in zip(drafts, truths[::2], truths[1::2], strict=True):
        decision = decide_opposite(rule, opposite, MIN_MARGIN)
        if not decision.kept:
            reason = (
                "no verdict" if decision.score is None else f"the rule is truer by {decision.score:.2f} only"
            )
            ledger.refuse(draft.chunk, "verification", reason, draft.prompt, draft.rule, draft.opposite)
            continue
        pairs.append(
            PreferencePair(
                id=content_id(draft.chunk.id, draft.prompt, draft.rule, draft.opposite),
                chunk_id=draft.chunk.id,
                prompt=draft.prompt,
                chosen=draft.rule,
                rejected=draft.opposite,
            )
        )
    return PreferenceData(pairs, ledger.rows, requested=len(chosen), chunks_without_value=0)
