"""Answers that need no trained model: what a system must beat before a figure says anything for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from charter.documents.segmentation import Span
from charter.evaluation.answer_language import AnswerLanguage
from charter.project.errors import CharterError
from charter.project.metric_names import TRIVIAL
from charter.project.records import Chunk, InstructExample, Passage, System
from charter.retrieval.encoder import Encoder, Vectors
from charter.retrieval.index import Index
from charter.retrieval.units import readable_sentences, search_text


@dataclass(frozen=True)
class TrivialSystems:
    """What the trivial answers are taken from; ``language`` is what the scorer knows of the documents'.

    ``passages`` are what is looked up in, as many as systems with RAG are shown.
    """

    index: Index
    passages: int
    chunks: Mapping[str, Chunk]
    training: Sequence[InstructExample]
    language: AnswerLanguage

    def answers(self, questions: Sequence[str]) -> dict[System, list[str]]:
        """Return the answers of each trivial system, one to each question.

        A language whose file has no fixed answers is without them.
        """
        found = self.index.search(questions, self.passages)
        looked_up = nearest_sentences(questions, found, Sentences(self.chunks, self.index.encoder))
        remembered = nearest_training_answers(questions, self.training, self.index.encoder)
        answers = {
            "echo": list(questions),
            "nearest-sentence": looked_up,
            "nearest-answer": remembered,
            **fixed_answers(questions, self.language),
        }
        return {name: answers[name] for name in TRIVIAL if name in answers}


def fixed_answers(questions: Sequence[str], language: AnswerLanguage) -> dict[str, list[str]]:
    """Give the same answer to every question: yes, no, a refusal, "the document doesn't say"; by its name.

    A language without such answers in its file has none.
    """
    return {name: [answer] * len(questions) for name, answer in language.fixed_answers.items()}


class Sentences:
    """The sentences of chunks and their vectors, as an index of sentences has them.

    They are encoded when they are first asked for.
    """

    def __init__(self, chunks: Mapping[str, Chunk], encoder: Encoder) -> None:
        self.encoder = encoder
        self._chunks = chunks
        self._encoded: dict[str, tuple[list[Span], Vectors]] = {}

    def nearest(self, asked: Vectors, passage: Passage) -> tuple[str, float]:
        """Return the sentence of a passage that is nearest to the vector of a question, and its cosine."""
        chunk = self._chunks[passage.chunk_id]
        spans, vectors = self._of(chunk)
        start, end = passage.span or (0, len(chunk.text))
        shown = [place for place, span in enumerate(spans) if start <= span[0] and span[1] <= end]
        similarity = vectors[shown] @ asked
        best = int(np.argmax(similarity))
        return chunk.narrowed(spans[shown[best]]).text, float(similarity[best])

    def _of(self, chunk: Chunk) -> tuple[list[Span], Vectors]:
        if chunk.id not in self._encoded:
            spans = readable_sentences(chunk)
            texts = [search_text(chunk, span) for span in spans]
            self._encoded[chunk.id] = spans, self.encoder.encode_passages(texts)
        return self._encoded[chunk.id]


def nearest_sentences(
    questions: Sequence[str], found: Sequence[Sequence[Passage]], sentences: Sentences
) -> list[str]:
    """Answer with the sentence nearest to the question of the passages that were found; empty without any."""
    answers = []
    for passages, asked in zip(found, sentences.encoder.encode_questions(questions), strict=True):
        nearest = [sentences.nearest(asked, passage) for passage in passages]
        answers.append(max(nearest, key=itemgetter(1), default=("", 0.0))[0])
    return answers


def nearest_training_answers(
    questions: Sequence[str], rows: Sequence[InstructExample], encoder: Encoder
) -> list[str]:
    """Answer with that of the training question nearest to the question.

    Raises:
        CharterError: There are no training rows.
    """
    if not rows:
        raise CharterError("no training answers to look up; `dvc repro synthesize` makes them")
    similarity = encoder.encode(list(questions)) @ encoder.encode([row.question for row in rows]).T
    return [rows[int(best)].answer for best in similarity.argmax(axis=1)]
