"""validators: the validators of synthesis on hand-labelled items, asked and decided as in synthesis."""

from collections.abc import Sequence
from typing import Any

from charter.errors import CharterError
from charter.generation.teacher import open_teacher
from charter.params import Params
from charter.paths import CorpusPaths
from charter.records import Chunk, LabelledItem, LabelledKind
from charter.storage import read_rows
from charter.synthesis.decisions import Decision, decide_verification, lean_to_yes
from charter.synthesis.instruct import check_support
from charter.synthesis.labelled import BoundItem, bind_items
from charter.synthesis.preference import ask_evidence
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.validators import measure_validator


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Return the quality of each validator, by the name that its filter has in synthesis.

    Beside `charter.synthesis.validators.ValidatorQuality` there are the ``threshold`` and, in
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
        opposites = teacher.complete(
            [asks.opposite_response(row.item.question, row.item.text) for row in responses], "their opposites"
        )
        pairs = [
            (row.chunk, row.item.question, row.item.text, opposite.text.strip())
            for row, opposite in zip(responses, opposites, strict=True)
        ]
        found = ask_evidence(pairs, asks, teacher)
    lean = lean_to_yes(found)
    verification = [
        decide_verification(evidence, lean, row.item.text, settings.min_preference_margin)
        for row, evidence in zip(responses, found, strict=True)
    ]
    return {
        "support": _measure(answers, support, settings.min_support),
        "verification": _measure(responses, verification, settings.min_preference_margin),
    }


def _of_kind(bound: Sequence[BoundItem], kind: LabelledKind) -> list[BoundItem]:
    return [row for row in bound if row.item.kind == kind]


def _measure(bound: Sequence[BoundItem], decisions: Sequence[Decision], threshold: float) -> dict[str, Any]:
    labels = [row.item.label for row in bound]
    quality = measure_validator(decisions, labels, [row.chunk.id for row in bound])
    mistakes = [
        row.item.id for row, decision in zip(bound, decisions, strict=True) if decision.kept != row.item.label
    ]
    return {"threshold": threshold, **quality.model_dump(), "mistakes": mistakes}
