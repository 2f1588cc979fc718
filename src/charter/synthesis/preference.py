"""Preference pairs: a scenario, a response that follows the document and one that goes against it.

A small teacher stays nice when asked for a bad response, and gives wrong reasons for right ones. So it writes
neither. The faithful response is Yes or No and the rule that decides, word for word as the document has it;
the unfaithful one is the other word and the opposite of that rule, which the teacher writes. A pair is kept
where one-word answers by the passage, by the rule alone and by its opposite show that the rule decides.
"""

from collections.abc import Sequence
from dataclasses import replace

from charter.generation.verdict import choice_probability
from charter.project.records import PreferencePair
from charter.synthesis.decisions import Evidence, decide_verification, measure_yes_bias, read_evidence
from charter.synthesis.filters import check_answer, check_contrast, check_scenario
from charter.synthesis.ledger import Draft, Ledger
from charter.synthesis.rules import check_duty, find_rules
from charter.synthesis.synthesis_context import SynthesisContext

STANCES = (
    "something may be done that this passage forbids or protects people from. Each tells a practical "
    "situation and is answered with no.",
    "something may or must be done that this passage allows or requires. Each tells a practical situation "
    "and is answered with yes.",
)
"""What scenarios ask for, each completing "questions that ask whether"; a chunk's id says which is its own.

Asked for both at once, or for questions of a given person, a small teacher leaves the passage's subject.
"""


def write_preference_data(context: SynthesisContext) -> Ledger[PreferencePair]:
    """Ask the teacher for scenarios about each chunk that states a value, and make both responses to them.

    Filters, in order: ``value`` of the chunk; format of the ``scenario``; its ``subject``, to which few
    other chunks are nearer; ``duplicate``; ``rule``, where no sentence of the chunk can decide it;
    ``contrast`` of the rule and its opposite (another text, of like length); and ``verification``: one
    word is shown to be the right one, by min_preference_margin (`decide_verification`).
    """
    ledger = Ledger[PreferencePair]("preference", context)
    calls = _choose_chunks(ledger)
    count, requests = context.settings.scenarios_per_chunk, context.requests
    stances = [STANCES[int(call.chunk.id, 16) % len(STANCES)] for call in calls]
    asked = [
        requests.scenarios(call.chunk, stance, count, context.seed)
        for call, stance in zip(calls, stances, strict=True)
    ]
    drafts = ledger.ask_questions("scenarios", calls, asked, count, "scenario", check_scenario)
    drafts = ledger.keep_unique(ledger.keep_on_topic(drafts, [chunk.text for chunk in context.chunks]))
    drafts = write_opposites(_add_rules(drafts, ledger), context)
    ledger.kept = _verify(check_contrasts(drafts, ledger), ledger)
    return ledger


def _choose_chunks(ledger: Ledger[PreferencePair]) -> list[Draft]:
    """Choose among the chunks with a value by their ids: if one is amended, the others' places stay."""
    context, settings = ledger.context, ledger.context.settings
    verdicts = context.teacher.complete(
        [context.requests.value_check(chunk) for chunk in context.chunks], "value check"
    )
    chances = [choice_probability(verdict, "Yes", "No")[0] for verdict in verdicts]
    problems = [None if chance and chance >= 0.5 else f"value probability {chance}" for chance in chances]
    calls = ledger.keep([Draft(chunk) for chunk in context.chunks], "value", problems)
    count = settings.max_scenarios // settings.scenarios_per_chunk
    chosen = sorted(call.chunk.id for call in calls)[:count]
    return [call for call in calls if call.chunk.id in chosen]


def _add_rules(drafts: Sequence[Draft], ledger: Ledger[PreferencePair]) -> list[Draft]:
    rules = find_rules(drafts, ledger.context.encoder)
    problems = [
        check_duty(draft.question, rule) if rule else "no sentence of the chunk is a rule by itself"
        for draft, rule in zip(drafts, rules, strict=True)
    ]
    with_rules = [replace(draft, answer=rule or "") for draft, rule in zip(drafts, rules, strict=True)]
    return ledger.keep(with_rules, "rule", problems)


def write_opposites(drafts: Sequence[Draft], context: SynthesisContext) -> list[Draft]:
    """Ask the teacher for the opposite of each rule; drafts of one rule share it."""
    asked = [context.requests.opposite_rule(draft.answer) for draft in drafts]
    completions = context.teacher.complete(asked, "opposite rules")
    return [
        replace(draft, opposite=completion.text.strip())
        for draft, completion in zip(drafts, completions, strict=True)
    ]


def check_contrasts(drafts: Sequence[Draft], ledger: Ledger[PreferencePair]) -> list[Draft]:
    """Refuse, as ``contrast``, the drafts whose opposite is no sentence, the rule, or of unlike length."""
    most = ledger.context.settings.max_length_ratio
    problems = [
        check_answer(draft.opposite) or check_contrast(draft.answer, draft.opposite, most) for draft in drafts
    ]
    return ledger.keep(drafts, "contrast", problems)


def ask_evidence(drafts: Sequence[Draft], context: SynthesisContext) -> list[Evidence | None]:
    """Ask the teacher for the answer to each scenario by the chunk, by its rule and by the opposite."""
    verdict, teacher = context.requests.verdict, context.teacher
    by_passage = teacher.complete(
        [verdict(draft.chunk, draft.question) for draft in drafts], "answers by the passage"
    )
    by_rule = teacher.complete(
        [
            verdict(draft.chunk, draft.question, rule)
            for draft in drafts
            for rule in (draft.answer, draft.opposite)
        ],
        "answers by the rule",
    )
    return [
        read_evidence(*verdicts) for verdicts in zip(by_passage, by_rule[::2], by_rule[1::2], strict=True)
    ]


def _verify(drafts: Sequence[Draft], ledger: Ledger[PreferencePair]) -> list[PreferencePair]:
    """Keep the pairs of which one word is shown to be the right answer."""
    found = ask_evidence(drafts, ledger.context)
    bias, margin = measure_yes_bias(found), ledger.context.settings.min_preference_margin
    pairs = []
    for draft, evidence in zip(drafts, found, strict=True):
        for word, other in (("Yes", "No"), ("No", "Yes")):
            if decide_verification(evidence, bias, word, margin).kept:
                pairs.append(draft.to_pair(f"{word}. {draft.answer}", f"{other}. {draft.opposite}"))
                break
        else:
            reason = "no verdict" if evidence is None else "neither Yes nor No is shown to be right"
            ledger.keep([draft], "verification", [reason])
    return pairs
