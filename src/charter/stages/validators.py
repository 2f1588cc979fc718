"""validators: the validators of synthesis on hand-labelled items, asked and decided as in synthesis."""

from collections.abc import Sequence
from typing import Any

from charter.evaluation.validator_quality import measure_validator
from charter.generation.journal import JournaledEngine
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.params import Params, Synthesize
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, LabelledItem, LabelledKind
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.synthesis.decisions import Decision, decide_verification, measure_yes_bias
from charter.synthesis.filters import answer_word
from charter.synthesis.instruct import check_support
from charter.synthesis.labelled import BoundItem, bind_items
from charter.synthesis.preference import Draft, ask_evidence, write_opposites
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rules import find_rules


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
    bound = bind_items(read_rows(source, LabelledItem), read_rows(paths.chunks, Chunk), source)
    answers, responses = _of_kind(bound, "answer"), _of_kind(bound, "response")
    asks = TeacherRequests(params.corpora[paths.name].title, settings.temperature)
    with open_teacher(params, paths) as teacher:
        support = check_support(
            [(row.chunk, row.item.question, row.item.text) for row in answers],
            asks,
            teacher,
            settings.min_support,
        )
        verification = _verify(responses, asks, teacher, Encoder(paths.encoder), settings)
    return {
        "support": _measure(answers, support, settings.min_support),
        "verification": _measure(responses, verification, settings.min_preference_margin),
    }


def _verify(
    responses: Sequence[BoundItem],
    asks: TeacherRequests,
    teacher: JournaledEngine,
    encoder: Encoder,
    settings: Synthesize,
) -> list[Decision]:
    """Decide on the Yes or No of each response, by a rule of its chunk; where there is none, on nothing."""
    rules = find_rules([row.item.question for row in responses], [row.chunk for row in responses], encoder)
    drafts = write_opposites(
        [
            Draft(row.chunk, row.item.question, rule)
            for row, rule in zip(responses, rules, strict=True)
            if rule is not None
        ],
        asks,
        teacher,
    )
    asked = iter(ask_evidence(drafts, asks, teacher))
    found = [None if rule is None else next(asked) for rule in rules]
    bias = measure_yes_bias(found)
    return [
        decide_verification(evidence, bias, answer_word(row.item.text) or "", settings.min_preference_margin)
        for row, evidence in zip(responses, found, strict=True)
    ]


def _of_kind(bound: Sequence[BoundItem], kind: LabelledKind) -> list[BoundItem]:
    return [row for row in bound if row.item.kind == kind]


def _measure(bound: Sequence[BoundItem], decisions: Sequence[Decision], threshold: float) -> dict[str, Any]:
    labels = [row.item.label for row in bound]
    quality = measure_validator(decisions, labels, [row.chunk.id for row in bound])
    mistakes = [
        row.item.id for row, decision in zip(bound, decisions, strict=True) if decision.kept != row.item.label
    ]
    return {"threshold": threshold, **quality.model_dump(), "mistakes": mistakes}
