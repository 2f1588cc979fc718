"""Answers that need no trained model."""

import pytest
import torch

from charter.evaluation.answer_language import AnswerLanguage, load_answer_language
from charter.evaluation.trivial import (
    Sentences,
    fixed_answers,
    nearest_sentences,
    nearest_training_answers,
)
from charter.project.errors import CharterError
from charter.project.paths import ProjectPaths
from charter.project.records import InstructExample, Passage
from charter.project.sections import Retrieval
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import Index, build_index
from rows import chunk_of

QUESTIONS = ["How long may a guest stay in the hostel?", "Who feeds the cat?"]
CHUNKS = {
    chunk.id: chunk
    for chunk in (
        chunk_of("Breakfast is at eight. Guests of the hostel may stay for five nights. Towels are free."),
        chunk_of("The cat sleeps by the stove. It is fed by the warden. Dogs aren't allowed."),
    )
}


def test_fixed_answers() -> None:
    fixed = fixed_answers(QUESTIONS, load_answer_language("en"))
    assert set(fixed) == {"always-yes", "always-no", "refuse-all", "never-answered"}
    assert fixed["always-no"] == ["No.", "No."]
    assert fixed_answers(QUESTIONS, AnswerLanguage()) == {}


def row(question: str, answer: str) -> InstructExample:
    return InstructExample(id=question, chunk_id="c", style="s", rule="", question=question, answer=answer)


@pytest.fixture(scope="module")
def encoder(base_models: ProjectPaths) -> Encoder:
    return Encoder(base_models.encoder, torch.device("cpu"))


@pytest.fixture(scope="module")
def index(encoder: Encoder) -> Index:
    return build_index(list(CHUNKS.values()), encoder, Retrieval(unit="chunk", method="dense", passages=1))


@pytest.mark.models
def test_the_nearest_sentence_of_the_nearest_chunk(index: Index) -> None:
    sentences = Sentences(CHUNKS, index.encoder)
    found = nearest_sentences(QUESTIONS, index.search(QUESTIONS, 1), sentences)
    assert found[0] == "Guests of the hostel may stay for five nights."
    assert found[1] in CHUNKS[list(CHUNKS)[1]].text
    assert nearest_sentences([], [], sentences) == []


@pytest.mark.models
def test_the_nearest_sentence_may_be_in_a_later_passage_and_there_may_be_none(index: Index) -> None:
    hostel, cat = (Passage(chunk_id=name, score=1.0) for name in CHUNKS)
    found = [(cat, hostel), ()]
    assert nearest_sentences(QUESTIONS, found, Sentences(CHUNKS, index.encoder)) == [
        "Guests of the hostel may stay for five nights.",
        "",
    ]
    assert nearest_sentences(QUESTIONS[:1], [(cat,)], Sentences(CHUNKS, index.encoder)) != [
        "Guests of the hostel may stay for five nights."
    ]


@pytest.mark.models
def test_of_a_sentence_that_is_shown_no_other_is_looked_at(index: Index) -> None:
    hostel = next(iter(CHUNKS.values()))
    start = hostel.text.index("Towels")
    towels = Passage(chunk_id=hostel.id, score=1.0, span=(start, len(hostel.text)))
    assert nearest_sentences(QUESTIONS[:1], [(towels,)], Sentences(CHUNKS, index.encoder)) == [
        "Towels are free."
    ]


@pytest.mark.models
def test_the_nearest_training_answer(encoder: Encoder) -> None:
    rows = [row("Who gives the cat its food?", "The warden."), row("What does a towel cost?", "Nothing.")]
    assert nearest_training_answers(QUESTIONS[1:], rows, encoder) == ["The warden."]
    assert nearest_training_answers([], rows, encoder) == []
    with pytest.raises(CharterError, match="no training answers to look up"):
        nearest_training_answers(QUESTIONS, [], encoder)
