"""Answers that need no trained model: what a system must beat before a figure says anything for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from charter.documents.segmentation import split_sentences
from charter.evaluation.answer_language import AnswerLanguage
from charter.project.errors import CharterError
from charter.project.metric_names import TRIVIAL
from charter.project.records import Chunk, InstructExample, Passage, System
from charter.retrieval.encoder import Encoder, Vectors
from charter.retrieval.index import Index


@dataclass(frozen=True)
class TrivialSystems:
    """What the trivial answers are taken from; ``language`` is what the scorer knows of the documents'.

    ``passages`` chunks are looked up in, as many as systems with RAG are shown.
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
    """The sentences of chunks and their vectors, encoded when they are first asked for."""

    def __init__(self, chunks: Mapping[str, Chunk], encoder: Encoder) -> None:
        self.encoder = encoder
        self._chunks = chunks
        self._encoded: dict[str, tuple[list[str], Vectors]] = {}

    def of(self, chunk_id: str) -> tuple[list[str], Vectors]:
        """Return the sentences of a chunk, and a vector each."""
        if chunk_id not in self._encoded:
            chunk = self._chunks[chunk_id]
            sentences = split_sentences(chunk.text, chunk.language)
            self._encoded[chunk_id] = sentences, self.encoder.encode_passages(sentences)
        return self._encoded[chunk_id]


def nearest_sentences(
    questions: Sequence[str], found: Sequence[Sequence[Passage]], sentences: Sentences
) -> list[str]:
    """Answer with the sentence nearest to the question of the passages that were found; empty without any."""
    answers = []
    for passages, asked in zip(found, sentences.encoder.encode_questions(questions), strict=True):
        best = ("", -np.inf)
        for texts, vectors in (sentences.of(passage.chunk_id) for passage in passages):
            similarity = vectors @ asked
            place = int(np.argmax(similarity))
            best = max(best, (texts[place], float(similarity[place])), key=itemgetter(1))
        answers.append(best[0])
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
