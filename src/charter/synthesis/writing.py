"""All rows of a corpus, by one method: written, filtered, split without leaks, and counted."""

from collections.abc import Mapping, Sequence
from typing import Any

from charter.project.records import SPLITS, InstructExample, RefusedKind
from charter.retrieval.encoder import Encoder
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger, Splits
from charter.synthesis.duplicates import Likeness, links_between
from charter.synthesis.method import Method, check_filter_names
from charter.synthesis.people import NOBODY, People, Voted, honour, people_figures
from charter.synthesis.register import supporting_rule
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
    kinds: tuple[RefusedKind, ...] = ("instruct", "rule", "preference", "rule-pair", "vote")
    ledgers = {kind: Ledger(kind) for kind in kinds}

    def run(kind: RefusedKind, steps: Sequence[Step], drafts: Sequence[Draft]) -> list[Draft]:
        return run_steps(steps, drafts, context, ledgers[kind]) if steps else []

    start = [Draft(chunk) for chunk in context.chunks]
    # Preferences first: their value check leaves every chunk in the engine's prefix cache.
    pairs = run("preference", method.pairs, start)
    by_question, by_pair = _split(run("instruct", method.questions, start), pairs, context, method)
    guard = HeldOut(_held_out(by_question, by_pair), method.leak)
    by_question["train"] = run("instruct", method.trained(guard), by_question["train"])
    by_pair["train"] = run("preference", method.trained(guard), by_pair["train"])
    to_rules = run("rule", method.rule_questions(guard), start)
    kept: dict[RefusedKind, Splits] = {
        "instruct": by_question,
        "rule": {"train": to_rules},
        "preference": by_pair,
        "rule-pair": {"train": run("rule-pair", method.rule_pairs, to_rules)},
        "vote": {"train": run("vote", (Voted(people.voted),), start)},
    }
    groups = [(kept[kind], ledgers[kind]) for kind in kinds]
    marks = honour(people, groups, method.leak, context)
    figures: dict[str, dict[str, Any]] = {kind: _figures(ledgers[kind], kept[kind]) for kind in kinds}
    asked_about = {draft.chunk.id for of_split in by_question.values() for draft in of_split}
    figures["instruct"]["chunks_without_example"] = sum(
        chunk.id not in asked_about for chunk in context.chunks
    )
    figures["preference"]["chunks_without_value"] = figures["preference"]["rejected"].get("value", 0)
    if not people.voted:
        del figures["vote"]
    if people.settled:
        figures["review"] = people_figures(people, marks)
    by_question["train"] += kept["rule"]["train"]
    by_pair["train"] += kept["rule-pair"]["train"] + kept["vote"]["train"]
    examples = {split: _examples(by_question[split], context) for split in SPLITS}
    apart = _held_out(by_question, by_pair)
    examples["train"] = _without_leaks(examples["train"], apart, method.leak, context.encoder)
    rows = SyntheticData(
        chunks=context.chunks,
        rules=context.rules,
        instruct=examples,
        preference={split: [draft.to_pair() for draft in by_pair[split]] for split in SPLITS},
        rejected=[row for ledger in ledgers.values() for row in ledger.rejected],
        scores={question: given for ledger in ledgers.values() for question, given in ledger.scores.items()},
        marks=marks,
    )
    return rows, figures


def _held_out(*kinds: Splits) -> list[Draft]:
    return [draft for kind in kinds for draft in kind["validation"] + kind["test"]]


def _examples(drafts: Sequence[Draft], context: SynthesisContext) -> list[InstructExample]:
    """Return the rows of a split, each with the sentence that it rests on."""
    settings = context.settings
    least, most = settings.min_rule_words, settings.max_rule_words
    return [draft.to_example(supporting_rule(draft.answer, draft.chunk, least, most)) for draft in drafts]


def _without_leaks(
    rows: Sequence[InstructExample], held_out: Sequence[Draft], likeness: Likeness, encoder: Encoder
) -> list[InstructExample]:
    """Take the sentence that a training row rests on from it, where a held-out row says the same."""
    apart = list(dict.fromkeys(text for draft in held_out for text in (draft.answer, draft.rule) if text))
    found = links_between(apart, [row.support for row in rows], encoder, likeness)
    leaks = {place for _, place in found}
    return [
        row.model_copy(update={"support": ""}) if place in leaks else row for place, row in enumerate(rows)
    ]


def _split(
    questions: Sequence[Draft], pairs: Sequence[Draft], context: SynthesisContext, method: Method
) -> tuple[Splits, Splits]:
    settings, drafts = context.settings, [*questions, *pairs]
    count = len(questions)
    first: dict[str, int] = {}
    places = assign_splits(
        [draft.question for draft in drafts],
        context.encoder,
        method.leak,
        settings.validation_share,
        [settings.test_share] * count + [settings.pair_test_share] * len(pairs),
        # What is about one rule stays together: in another split it would be a held-out response trained on.
        ties=[
            (first.setdefault(draft.rule, place), place) for place, draft in enumerate(drafts) if draft.rule
        ],
        trained=range(count, len(drafts)),
    )
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
