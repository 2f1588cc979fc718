"""All rows of a corpus, by one method: written, filtered, split without leaks, and counted."""

from collections.abc import Mapping, Sequence
from typing import Any

from charter.project.records import SPLITS, RefusedKind
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger, Splits
from charter.synthesis.method import Method, check_filter_names
from charter.synthesis.people import NOBODY, People, Voted, honour, people_figures
from charter.synthesis.set_filters import HeldOut
from charter.synthesis.splits import assign_splits
from charter.synthesis.steps import Step, run_steps
from charter.synthesis.synthetic_data import SyntheticData


def write_data(
    context: SynthesisContext, method: Method, people: People = NOBODY
) -> tuple[SyntheticData, dict[str, dict[str, Any]]]:
    """Have the teacher write both data sets; return them, and figures by `RefusedKind`.

    Near-duplicates are in one split, over both kinds, and so is everything about one rule. What is trained on
    says nothing that a held-out row says (`HeldOut`). Then it is honoured what ``people`` decided.

    Raises:
        CharterError: synthesize.without names no filter of the method.
    """
    check_filter_names(method, context.settings.without)
    start = [Draft(chunk) for chunk in context.chunks]
    # Preferences first: their value check leaves every chunk in the engine's prefix cache.
    pairs, pair_ledger = _run(method.pairs, start, context, "preference")
    questions, question_ledger = _run(method.questions, start, context, "instruct")
    by_question, by_pair = _split(questions, pairs, context, method)
    held_out = [draft for kind in (by_question, by_pair) for draft in kind["validation"] + kind["test"]]
    guard = HeldOut(held_out, method.leak)
    for kind, ledger in ((by_question, question_ledger), (by_pair, pair_ledger)):
        kind["train"] = run_steps(method.trained(guard), kind["train"], context, ledger)
    rule_questions, rule_ledger = _run(method.rule_questions(guard), start, context, "rule")
    rule_pairs, rule_pair_ledger = _run(method.rule_pairs, rule_questions, context, "rule-pair")
    of_rules, pairs_of_rules = {"train": rule_questions}, {"train": rule_pairs}
    voted, vote_ledger = _run((Voted(people.voted),), start, context, "vote")
    by_vote = {"train": voted}
    groups = [
        (by_question, question_ledger),
        (of_rules, rule_ledger),
        (by_pair, pair_ledger),
        (pairs_of_rules, rule_pair_ledger),
        (by_vote, vote_ledger),
    ]
    marks = honour(people, groups, method.leak, context)
    asked_about = {draft.chunk.id for of_split in by_question.values() for draft in of_split}
    figures = {
        "instruct": _figures(question_ledger, by_question)
        | {"chunks_without_example": sum(chunk.id not in asked_about for chunk in context.chunks)},
        "rule": _figures(rule_ledger, of_rules),
        "preference": _figures(pair_ledger, by_pair)
        | {"chunks_without_value": sum(row.filter == "value" for row in pair_ledger.rejected)},
        "rule-pair": _figures(rule_pair_ledger, pairs_of_rules),
    }
    if people.voted:
        figures["vote"] = _figures(vote_ledger, by_vote)
    if people.settled:
        figures["review"] = people_figures(people, marks)
    by_question["train"] += of_rules["train"]
    by_pair["train"] += pairs_of_rules["train"] + by_vote["train"]
    ledgers = [ledger for _, ledger in groups]
    rows = SyntheticData(
        chunks=context.chunks,
        rules=context.rules,
        instruct={split: [draft.to_example() for draft in by_question[split]] for split in SPLITS},
        preference={split: [draft.to_pair() for draft in by_pair[split]] for split in SPLITS},
        rejected=[row for ledger in ledgers for row in ledger.rejected],
        scores={question: given for ledger in ledgers for question, given in ledger.scores.items()},
        marks=marks,
    )
    return rows, figures


def _run(
    steps: Sequence[Step], drafts: Sequence[Draft], context: SynthesisContext, kind: RefusedKind
) -> tuple[list[Draft], Ledger]:
    ledger = Ledger(kind)
    return (run_steps(steps, drafts, context, ledger) if steps else []), ledger


def _split(
    questions: Sequence[Draft], pairs: Sequence[Draft], context: SynthesisContext, method: Method
) -> tuple[Splits, Splits]:
    settings, drafts = context.settings, [*questions, *pairs]
    first: dict[str, int] = {}
    places = assign_splits(
        [draft.question for draft in drafts],
        context.encoder,
        method.leak,
        settings.validation_share,
        [settings.test_share] * len(questions) + [settings.pair_test_share] * len(pairs),
        # What is about one rule stays together: in another split it would be a held-out response trained on.
        ties=[
            (first.setdefault(draft.rule, place), place) for place, draft in enumerate(drafts) if draft.rule
        ],
        trained=range(len(questions), len(drafts)),
    )
    count = len(questions)
    return _by_split(questions, places[:count]), _by_split(pairs, places[count:])


def _by_split(drafts: Sequence[Draft], places: Sequence[str]) -> Splits:
    return {
        split: [draft for draft, place in zip(drafts, places, strict=True) if place == split]
        for split in SPLITS
    }


def _figures(ledger: Ledger, kept: Mapping[str, Sequence[Draft]]) -> dict[str, Any]:
    counts = {split: len(kept.get(split, ())) for split in SPLITS}
    return {
        "requested": ledger.requested,
        "kept": sum(counts.values()),
        **counts,
        "rejected": ledger.count_by_filter(),
    }
