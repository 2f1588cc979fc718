"""validators: the validators of synthesis on hand-labelled items, asked and decided as in synthesis."""

from collections.abc import Sequence
from typing import Any

from charter.evaluation.labelled import bind_items
from charter.evaluation.validator_quality import measure_validator
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import LabelledItem
from charter.project.storage import read_rows
from charter.synthesis.context import SynthesisContext, open_context
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.rule_decisions import read_rules
from charter.synthesis.rules_method import TakeNearestRule
from charter.synthesis.verdict_filters import AskEvidence, OneWordRight, Supported
from charter.synthesis.writers import WriteOpposites


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
        context = open_context(params, paths, teacher, read_rules(paths, settings.ask_grey))
        drafts = bind_items(items, context.chunks, source)
        for name, kind, score, threshold in (
            ("support", "answer", Supported(settings.min_support).scores, settings.min_support),
            ("verification", "response", _verify, settings.min_preference_margin),
        ):
            chosen = [place for place, item in enumerate(items) if item.kind == kind]
            judged = [drafts[place] for place in chosen]
            labels = [items[place].label for place in chosen]
            scores = score(judged, context)
            quality = measure_validator(scores, threshold, labels, [draft.chunk.id for draft in judged])
            mistakes = [
                items[place].id
                for place, label, found in zip(chosen, labels, scores, strict=True)
                if (found is not None and found >= threshold) != label
            ]
            measured[name] = {"threshold": threshold, **quality.model_dump(), "mistakes": mistakes}
    return measured


def _verify(responses: Sequence[Draft], context: SynthesisContext) -> list[float | None]:
    """Score the Yes or No of each response, by a rule of its chunk; without a rule there is none."""
    settings, ledger = context.settings, Ledger("preference")
    ruled = TakeNearestRule()(responses, context, ledger)
    asked = WriteOpposites(settings.max_answer_tokens)(
        [draft for draft in ruled if draft.rule], context, ledger
    )
    asked = AskEvidence(settings.yes_bias_prior)(asked, context, ledger)
    scores = OneWordRight(settings.min_preference_margin).scores(asked, context)
    by_draft = {(draft.question, draft.answer): found for draft, found in zip(asked, scores, strict=True)}
    return [by_draft.get((draft.question, draft.answer)) for draft in responses]
