"""validators: the validators of synthesis on hand-labelled items, asked and decided as in synthesis."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from charter.evaluation.validator_quality import measure_validator
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import LabelledItem
from charter.project.storage import read_rows
from charter.synthesis.decisions import Decision, decide_verification, measure_yes_bias
from charter.synthesis.filters import answer_word
from charter.synthesis.instruct import check_support
from charter.synthesis.labelled import bind_items
from charter.synthesis.ledger import Draft
from charter.synthesis.preference import ask_evidence, write_opposites
from charter.synthesis.rules import find_rules
from charter.synthesis.synthesis_context import SynthesisContext, open_context


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Return the quality of each validator, by the name that its filter has in synthesis.

    Beside `charter.evaluation.validator_quality.ValidatorQuality` there are the ``threshold`` and, in
    ``mistakes``, the ids of the items that it decided wrongly.

    Raises:
        CharterError: The corpus has no labelled items, or they don't fit its chunks (`bind_items`).
    """
    if paths.name not in params.labelled:
        raise CharterError(f"labelled.{paths.name}: missing; name the file of the corpus's labelled items")
    source = paths.root / params.labelled[paths.name]
    items = read_rows(source, LabelledItem)
    settings = params.synthesize
    measured = {}
    with open_teacher(params, paths) as teacher:
        context = open_context(params, paths, teacher)
        drafts = bind_items(items, context.chunks, source)
        for name, kind, decide, threshold in (
            ("support", "answer", check_support, settings.min_support),
            ("verification", "response", _verify, settings.min_preference_margin),
        ):
            chosen = [place for place, item in enumerate(items) if item.kind == kind]
            judged = [drafts[place] for place in chosen]
            labels = [items[place].label for place in chosen]
            decisions = decide(judged, context)
            quality = measure_validator(decisions, labels, [draft.chunk.id for draft in judged])
            mistakes = [
                items[place].id
                for place, label, decision in zip(chosen, labels, decisions, strict=True)
                if decision.kept != label
            ]
            measured[name] = {"threshold": threshold, **quality.model_dump(), "mistakes": mistakes}
    return measured


def _verify(responses: Sequence[Draft], context: SynthesisContext) -> list[Decision]:
    """Decide on the Yes or No of each response, by a rule of its chunk; where there is none, on nothing."""
    rules = find_rules(responses, context.encoder)
    drafts = [
        replace(draft, answer=rule) for draft, rule in zip(responses, rules, strict=True) if rule is not None
    ]
    asked = iter(ask_evidence(write_opposites(drafts, context), context))
    found = [None if rule is None else next(asked) for rule in rules]
    bias, margin = measure_yes_bias(found), context.settings.min_preference_margin
    return [
        decide_verification(evidence, bias, answer_word(draft.answer) or "", margin)
        for draft, evidence in zip(responses, found, strict=True)
    ]
