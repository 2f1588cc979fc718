"""validators: the validators of synthesis on hand-labelled items, asked and decided as in synthesis."""

from collections.abc import Sequence
from typing import Any

from charter.evaluation.validator_quality import measure_validator
from charter.generation.teacher import open_teacher
from charter.project.devices import resolve_device
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, LabelledItem, LabelledKind
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.synthesis.decisions import Decision, decide_verification, measure_yes_bias
from charter.synthesis.draft import Draft
from charter.synthesis.filters import answer_word
from charter.synthesis.instruct import check_support
from charter.synthesis.labelled import BoundItem, bind_items
from charter.synthesis.preference import ask_evidence, write_opposites
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rules import find_rules
from charter.synthesis.synthesis_context import SynthesisContext


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Return the quality of each validator, by the name that its filter has in synthesis.

    Beside `charter.evaluation.validator_quality.ValidatorQuality` there are the ``threshold`` and, in
    ``mistakes``, the ids of the items that it decided wrongly.

    Raises:
        CharterError: The corpus has no labelled items, or they don't fit its chunks (`bind_items`).
    """
    if paths.name not in params.labelled:
        raise CharterError(f"labelled.{paths.name}: missing; name the file of the corpus's labelled items")
    settings = params.synthesize
    source = paths.root / params.labelled[paths.name]
    chunks = read_rows(paths.chunks, Chunk)
    bound = bind_items(read_rows(source, LabelledItem), chunks, source)
    answers, responses = _of_kind(bound, "answer"), _of_kind(bound, "response")
    requests = TeacherRequests(params.corpora[paths.name].title, settings.temperature)
    with open_teacher(params, paths) as teacher:
        encoder = Encoder(paths.encoder, resolve_device(params.compute))
        context = SynthesisContext(chunks, requests, teacher, encoder, settings, params.seed)
        support = check_support([_draft(row, row.item.text) for row in answers], context)
        verification = _verify(responses, context)
    return {
        "support": _measure(answers, support, settings.min_support),
        "verification": _measure(responses, verification, settings.min_preference_margin),
    }


def _verify(responses: Sequence[BoundItem], context: SynthesisContext) -> list[Decision]:
    """Decide on the Yes or No of each response, by a rule of its chunk; where there is none, on nothing."""
    questions = [row.item.question for row in responses]
    rules = find_rules(questions, [row.chunk for row in responses], context.encoder)
    drafts = [_draft(row, rule) for row, rule in zip(responses, rules, strict=True) if rule is not None]
    asked = iter(ask_evidence(write_opposites(drafts, context), context))
    found = [None if rule is None else next(asked) for rule in rules]
    bias, margin = measure_yes_bias(found), context.settings.min_preference_margin
    return [
        decide_verification(evidence, bias, answer_word(row.item.text) or "", margin)
        for row, evidence in zip(responses, found, strict=True)
    ]


def _draft(row: BoundItem, answer: str) -> Draft:
    return Draft(row.chunk, row.item.question, answer=answer)


def _of_kind(bound: Sequence[BoundItem], kind: LabelledKind) -> list[BoundItem]:
    return [row for row in bound if row.item.kind == kind]


def _measure(bound: Sequence[BoundItem], decisions: Sequence[Decision], threshold: float) -> dict[str, Any]:
    labels = [row.item.label for row in bound]
    quality = measure_validator(decisions, labels, [row.chunk.id for row in bound])
    mistakes = [
        row.item.id for row, decision in zip(bound, decisions, strict=True) if decision.kept != row.item.label
    ]
    return {"threshold": threshold, **quality.model_dump(), "mistakes": mistakes}
