"""Answers that need no trained model: what a system must beat before a figure says anything for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from charter.documents.segmentation import split_sentences
from charter.evaluation.answer_language import AnswerLanguage
from charter.project.errors import CharterError
from charter.project.metric_names import TRIVIAL
from charter.project.records import Chunk, InstructExample, System
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import Index


@dataclass(frozen=True)
class TrivialSystems:
    """What the trivial answers are taken from; ``language`` is what the scorer knows of the documents'."""

    index: Index
    chunks: Mapping[str, Chunk]
    training: Sequence[InstructExample]
    language: AnswerLanguage

    def answers(self, questions: Sequence[str]) -> dict[System, list[str]]:
        """Return the answers of each trivial system, one to each question.

        A language whose file has no fixed answers is without them.
        """
        looked_up = nearest_sentences(questions, self.index, self.chunks)
        remembered = nearest_training_answers(questions, self.training, self.index.encoder)
        answers = {
            "echo": echo(questions),
            "nearest-sentence": looked_up,
            "nearest-answer": remembered,
            **fixed_answers(questions, self.language),
        }
        return {name: answers[name] for name in TRIVIAL if name in answers}


def echo(questions: Sequence[str]) -> list[str]:
    """Answer each question with itself."""
    return list(questions)


def fixed_answers(questions: Sequence[str], language: AnswerLanguage) -> dict[str, list[str]]:
    """Give the same answer to every question: yes, no, a refusal, "the document doesn't say"; by its name.

    A language without such answers in its file has none.
    """
    return {name: [answer] * len(questions) for name, answer in language.fixed_answers.items()}


def nearest_sentences(questions: Sequence[str], index: Index, chunks: Mapping[str, Chunk]) -> list[str]:
    """Answer with the sentence nearest to the question in the chunk that retrieval finds first."""
    found = index.search(list(questions), 1)
    nearest = {rows[0].chunk_id for rows in found}
    texts = {name: split_sentences(chunks[name].text, chunks[name].language) for name in nearest}
    vectors = {name: index.encoder.encode_passages(sentences) for name, sentences in texts.items()}
    asked = index.encoder.encode_questions(list(questions))
    return [
        texts[rows[0].chunk_id][int(np.argmax(vectors[rows[0].chunk_id] @ question))]
        for rows, question in zip(found, asked, strict=True)
    ]


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
