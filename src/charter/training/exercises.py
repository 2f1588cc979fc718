"""Exercises in reading: questions on short documents that people made up.

A document's own rows hardly teach to say no, or that it doesn't say: a small teacher asks for neither.
Nothing can be learnt by heart from these, since nothing of what they are about is asked later.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from charter.project.exercise_records import ExerciseDocument
from charter.project.records import content_id
from charter.project.storage import read_rows
from charter.project.training_sections import OpenBook
from charter.retrieval.encoder import Encoder
from charter.training.examples import OpenBookExample
from charter.training.open_book import unanswered


def read_exercises(path: Path) -> list[ExerciseDocument]:
    """Read the exercises of a language; none where there is no such file."""
    return read_rows(path, ExerciseDocument) if path.is_file() else []


def exercise_examples(
    documents: Sequence[ExerciseDocument],
    language: str | None,
    settings: OpenBook,
    encoder: Encoder,
    seed: int,
) -> list[OpenBookExample]:
    """Put ``settings.exercises`` of the questions, drawn at random, with sentences of their document.

    Shown are the nearest one by ``encoder``, or up to ``settings.passages`` of them; where the one that
    decides isn't among these, it stands in place of the last. What isn't answered is replied to as
    `unanswered` says it in the ``language`` of the documents (ISO 639-3), and left out where it knows no
    words.
    """
    random = np.random.default_rng(seed)
    silent = unanswered(language)
    asked = [
        (document, exercise)
        for document in documents
        for exercise in document.questions
        if exercise.sentence is not None or silent
    ]
    drawn = [asked[place] for place in sorted(random.permutation(len(asked))[: settings.exercises])]
    vectors = {document.id: encoder.encode_passages(document.sentences) for document, _ in drawn}
    questions = encoder.encode_questions([exercise.question for _, exercise in drawn])
    examples = []
    for (document, exercise), question in zip(drawn, questions, strict=True):
        nearest = np.argsort(-(vectors[document.id] @ question), kind="stable")
        shown = [int(place) for place in nearest[: random.integers(settings.passages) + 1]]
        if exercise.sentence is None:
            answer = silent[random.integers(len(silent))]
        else:
            shown = shown if exercise.sentence in shown else [*shown[:-1], exercise.sentence]
            answer = f"{exercise.word} {document.sentences[exercise.sentence]}".strip()
        texts = tuple(document.sentences[place] for place in shown)
        row_id = content_id(document.id, exercise.question, *texts)
        examples.append(OpenBookExample(id=row_id, question=exercise.question, passages=texts, answer=answer))
    return examples
